//! The instrument at one steady load: what long-polls and streams cost there, and how late messages come.

use std::time::Duration;

use anyhow::{Context, Result};
use poll_vs_sse_instrument::{
    CpuPinning, Profile, RunControl, RunResult, Target, Transport, Workload, measure,
};
use tokio::runtime::Runtime;

use super::report::stacks::SteadyRun;
use super::running::RunningStack;

/// Messages a second.
const RATE: f64 = 5.0;

pub struct Steady<'a> {
    pub runtime: &'a Runtime,
    pub placement: &'a CpuPinning,
    pub profile: &'a Profile,
    pub duration: Duration,
}

impl Steady<'_> {
    /// Measures `transport` once with `clients` clients; `None` if the server has no such transport.
    pub fn measure(
        &self,
        running: &RunningStack,
        transport: Transport,
        round: u32,
        clients: usize,
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
            clients,
            rate: RATE,
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
        Ok(Some(record(&outcome, clients)))
    }
}

fn record(outcome: &RunResult, clients: usize) -> SteadyRun {
    SteadyRun {
        transport: outcome.transport.to_string(),
        clients,
        rate: RATE,
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
        wire_bytes: outcome.wire_bytes_in + outcome.wire_bytes_out,
        valid: outcome.is_valid(),
    }
}
