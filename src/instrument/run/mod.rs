//! Runs: `measure` measures one transport once, `comparison` measures a whole workload, and `record` computes the
//! result from the records.

mod absent;
pub mod comparison;
mod drain;
pub mod interrupt;
mod lag;
pub mod limits;
pub mod measure;
mod peaks;
mod pool;
pub mod preflight;
pub mod record;
mod restart;
pub mod run_control;
mod sampler;
mod sampling;
mod stalled_memory;
mod vanish;
