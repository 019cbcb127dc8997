//! The measuring instrument: clients of every transport against one server, and what each cost.
//!
//! [`Workload`] is the question, [`Target`] whom it is put to, [`RunResult`] one transport's answer: a
//! plain record whose fields are those of the JSON output. [`measure`] gets one, [`compare`] all.
//! Nothing here knows the server's code: it is measured from outside, over sockets, like any other.
//!
//! ```text
//! command ──> run ──┬──> target   whom it is put to, and how that is spoken to
//!                   ├──> load     clients and the publisher
//!                   ├──> books    what they did and got, and when it counts
//!                   └──> machine  who runs where, CPU and memory
//!         ──> output     from outcomes to JSON, the table, the page
//!         ──> calibrate ──> model   what it would cost at another size
//! ```
//!
//! Imports go down and to the right in this picture; all of them know the words `Workload`,
//! `Transport` and `RunResult`.

pub mod calibrate;
mod load;
mod machine;
mod recording;

pub mod output;
pub mod run;
mod target;
#[cfg(test)]
mod test_fixtures;
mod workload;

pub use machine::{Machine, cpu_pinning::CpuPinning, probe};
pub use output::{
    output_target::OutputTarget,
    run_report::{FORMAT, Report, RunHeader, TargetInfo, Versions},
};
pub use poll_vs_sse_model::{self as model, Transport};
pub use recording::run_result::{
    Bucket, DelayStats, LoadGeneratorStats, PublishStats, RunResult, SecondStats, Traffic,
};
pub use run::{
    comparison::{Comparison, compare},
    measure::measure,
    preflight::preflight,
    run_control::{Progress, RunControl},
};
pub use target::{Remote, Target, own_server::OwnServer, profile::Profile};
pub use workload::{Pacing, Workload};
