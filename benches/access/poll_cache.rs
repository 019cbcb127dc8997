//! Many long-pollers of one room with a message every second: directly at the server, behind a proxy, and behind the
//! same proxy with a cache.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use poll_vs_sse_instrument::{Profile, Progress, RunControl, Transport, Workload, measure};

use super::harness::program::BenchSetup;
use super::report::access::poll_cache::{Front, PollCacheMeasurement, PollCacheRun, UsageWindow};
use super::report::provenance::Provenance;
use super::servers::{OwnServer, RunningServer};
use super::{audit_check, fronts, http, usage};

/// How long caches may keep answers: the value in the documentation.
const MAX_AGE: &str = "10s";
/// Messages a second. The pause between two is several times what nginx needs to notice that an answer has come.
const RATE: f64 = 1.0;
/// The longest wait that the server grants a long-poll.
const WAIT: Duration = Duration::from_secs(60);

/// The size of the measurement.
#[derive(Clone, Copy)]
pub struct PollCacheSizes {
    pub readers: usize,
    pub rounds: u32,
    pub seconds: u64,
}

pub fn run(setup: &BenchSetup, amount: PollCacheSizes, about: Provenance) -> Result<PollCacheRun> {
    let (here, missing): (Vec<Front>, Vec<Front>) = Front::ALL
        .into_iter()
        .partition(|it| fronts::is_installed(*it));
    for front in missing {
        println!("skipped: {}: it is not installed", front.name());
    }
    let sides = here.into_iter().flat_map(|front| {
        let ways: &[bool] = if front == Front::None {
            &[false]
        } else {
            &[false, true]
        };
        ways.iter().map(move |shares| (front, *shares))
    });
    let sides: Vec<_> = sides.collect();
    let mut runs = Vec::new();
    for round in 1..=amount.rounds {
        for turn in 0..sides.len() {
            // The order changes with each round, so that a machine that slows down favours none of them.
            let (front, shares) = sides[(turn + round as usize) % sides.len()];
            let run = measure_front(setup, amount, front, shares, round);
            let run = run.with_context(|| format!("{}, shared: {shares}", front.name()))?;
            println!("{}", run.line());
            runs.push(run);
        }
    }
    Ok(PollCacheRun {
        about,
        readers: amount.readers,
        rate: RATE,
        max_age: MAX_AGE.to_owned(),
        runs,
    })
}

fn measure_front(
    setup: &BenchSetup,
    amount: PollCacheSizes,
    front: Front,
    shares: bool,
    round: u32,
) -> Result<PollCacheMeasurement> {
    let flags = ["--poll-cache", MAX_AGE];
    let server = OwnServer {
        flags: if shares { &flags } else { &[] },
        ..OwnServer::default()
    };
    let server = server.start("server", &setup.binary, setup.core())?;
    let proxy = fronts::start(front, shares, server.address, setup.core())?;
    let front_server = proxy.as_ref().unwrap_or(&server);
    let target = front_server.target(Profile::own())?;
    let workload = Workload {
        transports: vec![Transport::LongPoll],
        clients: amount.readers,
        rate: RATE,
        wait: WAIT,
        duration: Duration::from_secs(amount.seconds),
        ..Workload::default()
    };
    let meter = UsageMeter::new(&server, proxy.as_ref());
    let mut control = RunControl::default();
    let sampler = meter.clone();
    control.on_progress = Box::new(move |progress| sampler.on_progress(progress));
    let run = measure(
        &target,
        &workload,
        Transport::LongPoll,
        round,
        &setup.placement,
        &control,
    );
    let outcome = setup.runtime.block_on(run)?;
    audit_check::check(&outcome)?;
    Ok(PollCacheMeasurement {
        front,
        shares,
        window: meter.window()?,
        outcome,
    })
}

/// Samples the CPU time of the server and its proxy during a measurement.
#[derive(Clone)]
struct UsageMeter(std::sync::Arc<MeterState>);

struct MeterState {
    server: SocketAddr,
    server_pids: Vec<i32>,
    proxy_pids: Vec<i32>,
    seen: Mutex<Option<UsageSpan>>,
}

/// The first and the last sample.
struct UsageSpan {
    first: CpuSample,
    last: CpuSample,
    /// The server's counts at the first sample.
    counts: LedgerCounts,
}

#[derive(Clone, Copy)]
struct CpuSample {
    at: Instant,
    server_cpu: Duration,
    proxy_cpu: Duration,
}

/// Long-polls and messages that the server has counted since it started.
#[derive(Clone, Copy)]
struct LedgerCounts {
    requests: u64,
    messages: u64,
}

impl UsageMeter {
    fn new(server: &RunningServer, proxy: Option<&RunningServer>) -> Self {
        Self(std::sync::Arc::new(MeterState {
            server: server.address,
            server_pids: server.process.pids(),
            proxy_pids: proxy.map(|proxy| proxy.process.pids()).unwrap_or_default(),
            seen: Mutex::new(None),
        }))
    }

    fn on_progress(&self, progress: Progress) {
        if !matches!(progress, Progress::Measuring { .. }) {
            return;
        }
        let Ok(mut seen) = self.0.seen.lock() else {
            return;
        };
        // If a process has ended, the run fails anyway.
        let Ok(now) = self.0.sample_cpu() else { return };
        if let Some(seen) = &mut *seen {
            seen.last = now;
        } else if let Ok(counts) = self.0.ledger_counts() {
            *seen = Some(UsageSpan {
                first: now,
                last: now,
                counts,
            });
        }
    }

    /// The CPU time used from the first sample to the last, and the requests and messages since the first.
    fn window(&self) -> Result<UsageWindow> {
        let after = self.0.ledger_counts()?;
        let seen = self.0.seen.lock().ok();
        let seen = seen.as_ref().and_then(|seen| seen.as_ref());
        let UsageSpan {
            first,
            last,
            counts,
        } = seen.context("the run ended before the first sample")?;
        let ns = |from: Duration, to: Duration| u64::try_from((to - from).as_nanos());
        Ok(UsageWindow {
            cpu_s: (last.at - first.at).as_secs_f64(),
            server_cpu_ns: ns(first.server_cpu, last.server_cpu)?,
            proxy_cpu_ns: ns(first.proxy_cpu, last.proxy_cpu)?,
            messages: after.messages - counts.messages,
            requests: after.requests - counts.requests,
        })
    }
}

impl MeterState {
    fn sample_cpu(&self) -> Result<CpuSample> {
        Ok(CpuSample {
            at: Instant::now(),
            server_cpu: usage::cpu_time(&self.server_pids)?,
            proxy_cpu: usage::cpu_time(&self.proxy_pids)?,
        })
    }

    fn ledger_counts(&self) -> Result<LedgerCounts> {
        let answer = http::Connection::open(self.server)?.ask(&http::get("/ledger"))?;
        let ledger: serde_json::Value = serde_json::from_slice(&answer.body)?;
        let figure = |transport: &str, name: &str| {
            let figure = ledger["transports"][transport][name].as_u64();
            figure.with_context(|| format!("the ledger has no {name} of {transport}"))
        };
        Ok(LedgerCounts {
            requests: figure("long-poll", "requests")?,
            messages: figure("publish", "messages")?,
        })
    }
}
