//! Results for unit tests.

use super::output::{run_header::RunHeader, run_report::Report};
use crate::{
    Comparison, CpuPinning, DelayStats, HandshakeStats, LoadGeneratorStats, Protocol, PublishStats,
    RunResult, SecondStats, Steps, Target, Traffic, Transport, Workload,
};

/// A valid run of 100 clients and 30 messages, the same for every transport.
pub fn outcome(transport: Transport) -> RunResult {
    RunResult {
        transport,
        round: 1,
        clients: 100,
        duration_s: 30.0,
        published: 30,
        requests: 1500,
        empty: 0,
        deliveries: 3000,
        expected: 3000,
        missed: 0,
        duplicates: 0,
        out_of_order: 0,
        wire_bytes_in: 300_000,
        wire_bytes_out: 900_000,
        delay_us: Some(DelayStats {
            p50: 400,
            p90: 900,
            p99: 1200,
            max: 2000,
        }),
        server_cpu_s: Some(0.03),
        server_memory_bytes: Some(10_000_000),
        server_memory_base_bytes: Some(9_000_000),
        server_cores: Some(2),
        connections: 100,
        errors: 0,
        first_error: None,
        ended_streams: 0,
        unanswered: 0,
        protocol: Protocol::Http1,
        tls: None,
        handshakes: HandshakeStats::default(),
        opening_s: 0.5,
        opening_cpu_s: Some(0.01),
        opening: Traffic::default(),
        served: Steps::default(),
        restart: None,
        peaks: None,
        vanished: None,
        rooms: None,
        stalled_memory: Vec::new(),
        whole: Traffic::default(),
        arrivals: 3000,
        publishing: PublishStats::default(),
        load: LoadGeneratorStats {
            cpu_s: 1.0,
            cores: 1,
            cpu_share: 0.03,
            lag_us_p99: 1000,
            limited: false,
        },
        interrupted: false,
        delay_buckets: Vec::new(),
        timeline: vec![SecondStats::default(); 30],
    }
}

/// A report of these runs.
pub fn document(runs: Vec<RunResult>) -> Report {
    let mut transports: Vec<Transport> = Vec::new();
    for run in &runs {
        if !transports.contains(&run.transport) {
            transports.push(run.transport);
        }
    }
    let comparison = Comparison::from_runs(runs, &transports);
    let repeat = comparison.runs.len() / transports.len().max(1);
    let workload = Workload {
        transports,
        repeat: u32::try_from(repeat).unwrap_or(1),
        ..Workload::default()
    };
    let machine = crate::probe();
    let header = RunHeader::now(&Target::own(), machine, &CpuPinning::free(), None);
    Report::new(header, &workload, comparison)
}
