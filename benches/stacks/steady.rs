//! The instrument at steady loads: the CPU cost of long-polls and streams, and the delay of messages.

use std::time::Duration;

use anyhow::{Context, Result};
use poll_vs_sse_instrument::{
    CpuPinning, Profile, RunControl, RunResult, Target, Transport, Workload, measure,
};
use tokio::runtime::Runtime;

use super::report::stacks::{Purpose, SteadyRun};
use super::running::RunningStack;

/// A steady load.
#[derive(Debug, Clone, Copy)]
pub struct SteadyLoad {
    pub clients: usize,
    /// Messages a second.
    pub rate: f64,
    pub purpose: Purpose,
}

impl SteadyLoad {
    const fn new(clients: usize, rate: f64, purpose: Purpose) -> Self {
        Self {
            clients,
            rate,
            purpose,
        }
    }

    /// The same load with at most `room` clients.
    pub fn within(self, room: usize) -> Self {
        Self {
            clients: self.clients.min(room),
            ..self
        }
    }
}

/// The loads in the order of a round. Models are checked at a load between those that they are fitted to.
pub const LOADS: [(Transport, SteadyLoad); 4] = [
    (Transport::LongPoll, SteadyLoad::new(20, 5.0, Purpose::Fit)),
    (
        Transport::LongPoll,
        SteadyLoad::new(35, 8.0, Purpose::Check),
    ),
    (
        Transport::LongPoll,
        SteadyLoad::new(50, 10.0, Purpose::Shown),
    ),
    (Transport::Stream, SteadyLoad::new(50, 10.0, Purpose::Shown)),
];

/// The instrument's settings for all steady loads of a stack.
pub struct SteadyBench<'a> {
    pub runtime: &'a Runtime,
    pub placement: &'a CpuPinning,
    pub profile: &'a Profile,
    pub duration: Duration,
}

impl SteadyBench<'_> {
    /// Measures `transport` once with `clients` clients; `None` if the server has no such transport.
    pub fn measure(
        &self,
        running: &RunningStack,
        transport: Transport,
        round: u32,
        load: SteadyLoad,
    ) -> Result<Option<SteadyRun>> {
        if !self.profile.has(transport) {
            return Ok(None);
        }
        let url = format!("http://{}", running.endpoint.address);
        let pid = u32::try_from(running.pids()[0]).context("a process id")?;
        let mut target = Target::remote(&url, self.profile.clone(), Some(pid))?;
        if let Target::Remote(remote) = &mut target {
            remote.cores = Some(1);
        }
        let workload = Workload {
            transports: vec![transport],
            clients: load.clients,
            rate: load.rate,
            duration: self.duration,
            wait: Duration::from_secs(10),
            ..Workload::default()
        };
        let control = RunControl::default();
        let run = measure(
            &target,
            &workload,
            transport,
            round,
            self.placement,
            &control,
        );
        let outcome = self.runtime.block_on(run)?;
        Ok(Some(record(&outcome, load)))
    }
}

fn record(outcome: &RunResult, load: SteadyLoad) -> SteadyRun {
    SteadyRun {
        transport: outcome.transport.to_string(),
        clients: load.clients,
        rate: load.rate,
        purpose: load.purpose,
        expected: outcome.expected,
        deliveries: outcome.deliveries,
        missed: outcome.missed,
        duplicates: outcome.duplicates,
        out_of_order: outcome.out_of_order,
        errors: outcome.errors,
        first_error: outcome.first_error.clone(),
        p50_us: outcome.delay_us.map(|delays| delays.p50),
        p99_us: outcome.delay_us.map(|delays| delays.p99),
        cpu_s: outcome.server_cpu_s,
        arrivals: outcome.arrivals,
        requests: Some(outcome.requests),
        wire_bytes: outcome.wire_bytes_in + outcome.wire_bytes_out,
        valid: outcome.is_valid(),
    }
}
