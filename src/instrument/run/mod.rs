//! Runs: one transport measured once (`measure`), all of a workload (`comparison`), and from the books
//! to a record of what it cost.

pub mod comparison;
pub mod control;
mod lag;
pub mod limits;
pub mod measure;
mod pool;
pub mod preflight;
pub mod record;
mod sampler;
pub mod stop;
