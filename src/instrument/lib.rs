//! The measuring instrument: runs clients of every transport against one server, and measures the cost of each
//! transport.
//!
//! A [`Workload`] runs against a [`Target`]; the result for one transport is a [`RunResult`], a plain record
//! whose fields are those of the JSON output. [`measure`] produces one, [`compare`] one for each transport.
//! Nothing here imports the server's code: the instrument measures every server, including ours, from outside, over
//! sockets.
//!
//! ```text
//! command ──> run ──┬──> target     the server, and the requests to it
//!                   ├──> http       the one HTTP client, over a socket that counts
//!                   ├──> load       the clients and the publisher
//!                   ├──> recording  what they sent and received, and which of it counts
//!                   └──> machine    processors, CPU time and memory
//!         ──> output     from results to JSON, the table, the HTML page
//!         ──> check      what lies between a browser and a server
//!         ──> calibrate ──> model   the constants of the cost model
//! ```
//!
//! Imports go down and to the right in this picture. All modules know `Workload`, `Transport` and
//! `RunResult`.

pub mod calibrate;
pub mod check;
pub mod http;
mod load;
mod machine;
mod recording;

pub mod output;
pub mod run;
mod target;
#[cfg(test)]
mod test_fixtures;
mod workload;

pub use machine::{
    Machine,
    child_process::{ChildProcess, remove_settings},
    cpu_pinning::CpuPinning,
    probe,
};
pub use output::{
    output_target::OutputTarget,
    run_header::{RunHeader, TargetInfo, Versions},
    run_report::{FORMAT, Report},
};
pub use poll_vs_sse_model::{self as model, Protocol, RequestHead, Transport};
pub use recording::run_result::{
    Bucket, DelayStats, HandshakeStats, LoadGeneratorStats, MemorySample, PeakStats, PublishStats,
    RestartStats, RoomStats, RunResult, SecondStats, Steps, Traffic, VanishStats,
};
pub use run::{
    comparison::{Comparison, compare},
    measure::measure,
    preflight::preflight,
    run_control::{Progress, RunControl},
};
pub use target::{Remote, RemoteOptions, Target, own_server::OwnServer, profile::Profile};
pub use workload::{LoadScenario, Pacing, Workload};
