//! Shared by the tests: servers, proxies, and the program under test.

pub mod check;
#[path = "../../support/front.rs"]
pub mod front;
pub mod http;
pub mod log_server;
#[path = "../../support/output.rs"]
pub mod output;
pub mod program;
pub mod proxy;
pub mod real_proxy;

use std::{path::PathBuf, time::Duration};

use poll_vs_sse_instrument::{
    CpuPinning, RunControl, RunResult, Target, Transport, Workload, measure,
};

/// The longest wait for anything.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// This project's server, as built for the tests.
pub fn own_target() -> Target {
    Target::own_from(Some(PathBuf::from(env!("CARGO_BIN_EXE_poll-vs-sse"))))
}

/// A small and short workload: 20 messages after a warm-up of 10.
pub fn small_workload() -> Workload {
    Workload {
        clients: 20,
        rate: 10.0,
        interval: Duration::from_millis(250),
        duration: Duration::from_secs(2),
        ..Workload::default()
    }
}

pub fn run(target: &Target, workload: &Workload, transport: Transport) -> RunResult {
    run_with(target, workload, transport, &RunControl::default())
}

/// The same, for runs that may fail.
pub fn try_run(
    target: &Target,
    workload: &Workload,
    transport: Transport,
) -> anyhow::Result<RunResult> {
    measure_once(target, workload, transport, &RunControl::default())
}

/// The same, stopped by `control`.
pub fn run_with(
    target: &Target,
    workload: &Workload,
    transport: Transport,
    control: &RunControl,
) -> RunResult {
    measure_once(target, workload, transport, control).expect("measured")
}

fn measure_once(
    target: &Target,
    workload: &Workload,
    transport: Transport,
    control: &RunControl,
) -> anyhow::Result<RunResult> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let placement = CpuPinning::free();
    let measuring = measure(target, workload, transport, 1, &placement, control);
    runtime.block_on(measuring)
}
