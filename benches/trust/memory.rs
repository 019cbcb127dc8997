//! The memory of an idle stream, in the server and in the kernel.

use std::time::Duration;

use anyhow::{Context, Result};
use poll_vs_sse_instrument::{RequestHead, Transport, Workload};

use super::TrustBench;
use super::report::trust::{Figure, Referee, TrustRow};

const STREAMS: usize = 2000;
const KIB: f64 = 1024.0;

pub fn measure(bench: &TrustBench<'_>) -> Result<Vec<TrustRow>> {
    let (server, group) = bench.start()?;
    // One run to warm up, so that code loaded at first use does not count as the memory of a stream.
    let workload = |clients| Workload {
        transports: vec![Transport::Stream],
        clients,
        rate: 1.0,
        duration: Duration::from_secs(bench.lasts.as_secs().max(3)),
        head: RequestHead::Bare,
        ..Workload::default()
    };
    bench.measure_with_readings(&server, None, &workload(1))?;
    let (outcome, readings) =
        bench.measure_with_readings(&server, group.as_ref(), &workload(STREAMS))?;
    let clients = STREAMS as f64;
    let own = outcome
        .server_memory_bytes_per_client()
        .context("the instrument read no memory")?
        / KIB;
    let (before, late) = (&readings.before, &readings.late);
    let resident = late.resident_kib as f64 - before.resident_kib as f64;
    let mut rows = vec![TrustRow::new(
        Figure::StreamMemory,
        Referee::Proc,
        own,
        resident / clients,
    )];
    if let (Some(before), Some(late)) = (before.charged, late.charged) {
        let each = |late: u64, before: u64| (late as f64 - before as f64) / clients / KIB;
        rows.push(TrustRow::new(
            Figure::StreamMemory,
            Referee::Cgroup,
            own,
            each(late.anonymous, before.anonymous),
        ));
        let kernel = each(late.kernel, before.kernel);
        rows.push(TrustRow::other_only(
            Figure::KernelMemory,
            Referee::Cgroup,
            kernel,
        ));
    }
    let kernel = late.machine_kernel_kib as f64 - before.machine_kernel_kib as f64;
    rows.push(TrustRow::other_only(
        Figure::KernelMemory,
        Referee::Proc,
        kernel / clients,
    ));
    Ok(rows)
}
