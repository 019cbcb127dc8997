//! Runs: one transport measured once (`measure`), all of a workload (`comparison`), and from the record
//! to a record of what it cost.

mod absent;
pub mod comparison;
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
