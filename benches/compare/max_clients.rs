//! The capacity of this machine, measured before anything else. Combinations beyond it would measure the load
//! generator or a queue, so they are skipped, and the run records which.

use std::time::Duration;

use anyhow::{Context, Result};
use poll_vs_sse_instrument::{
    CpuPinning, RunControl, RunResult, Target, Transport, Workload, measure,
};

use super::matrix::SIZE;
use super::report::compare::{Cost, HEAD, MachineCapacity};

/// Combinations that would take more than this share of a processor are skipped: near a full processor they would
/// only measure a queue.
const MAX_SHARE: f64 = 0.8;
const CLIENTS: usize = 1000;
const DURATION: Duration = Duration::from_secs(2);

/// Makes three short runs against `target`, which is this project's server.
pub async fn reach(target: &Target, placement: &CpuPinning) -> Result<MachineCapacity> {
    let run = async |transport, rate, interval| {
        let workload = Workload {
            transports: vec![transport],
            clients: CLIENTS,
            rate,
            interval,
            duration: DURATION,
            size: SIZE,
            head: HEAD,
            ..Workload::default()
        };
        measure(
            target,
            &workload,
            transport,
            0,
            placement,
            &RunControl::default(),
        )
        .await
    };
    let pushes = run(Transport::Stream, 20.0, DURATION).await?;
    let push = cost(&pushes, pushes.arrivals)?;
    let polls = run(Transport::Poll, 0.5, Duration::from_millis(200)).await?;
    let poll = cost(&polls, polls.requests)?;
    let batches = run(Transport::Poll, 100.0, Duration::from_millis(500)).await?;
    // The cost of a message in a batch: without that of the polls that carried it.
    let without_polls = |all: f64, each: f64| {
        let of_polls = each * batches.requests as f64;
        ((all - of_polls) / batches.arrivals as f64).max(0.0)
    };
    let cpu = cpu_us(&batches)?;
    Ok(MachineCapacity {
        push,
        poll,
        message: Cost {
            server_us: without_polls(cpu.server_us, poll.server_us),
            load_us: without_polls(cpu.load_us, poll.load_us),
        },
        most: MAX_SHARE,
    })
}

fn cost(outcome: &RunResult, units: u64) -> Result<Cost> {
    let cpu = cpu_us(outcome)?;
    Ok(Cost {
        server_us: cpu.server_us / units as f64,
        load_us: cpu.load_us / units as f64,
    })
}

fn cpu_us(outcome: &RunResult) -> Result<Cost> {
    let server = outcome
        .server_cpu_s
        .context("the server's CPU time could not be read")?;
    Ok(Cost {
        server_us: server * 1e6,
        load_us: outcome.load.cpu_s * 1e6,
    })
}
