//! Many long-pollers of one room and a message now and then: at the server itself, behind a proxy, and behind the same
//! proxy that shares its answers.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use poll_vs_sse_instrument::{Profile, Progress, RunControl, Transport, Workload, measure};

use super::harness::program::Stage;
use super::report::access::poll_cache::{Front, PollCache, Run, Window};
use super::report::provenance::Provenance;
use super::servers::{OwnServer, RunningServer};
use super::{audit_check, fronts, http, usage};

/// For how long answers may be kept: as in the documentation.
const MAX_AGE: &str = "10s";
/// A message a second: several times what nginx needs to notice that an answer has come.
const RATE: f64 = 1.0;
/// As long as a long-poll may wait.
const WAIT: Duration = Duration::from_secs(60);

/// How much of it.
#[derive(Clone, Copy)]
pub struct Amount {
    pub readers: usize,
    pub rounds: u32,
    pub seconds: u64,
}

pub fn run(stage: &Stage, amount: Amount, about: Provenance) -> Result<PollCache> {
    let (here, missing): (Vec<Front>, Vec<Front>) = Front::ALL
        .into_iter()
        .partition(|it| fronts::is_installed(*it));
    for front in missing {
        println!("left out: {}: it is not installed", front.name());
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
            // The order changes with each round, so that a machine that slows down favours nobody.
            let (front, shares) = sides[(turn + round as usize) % sides.len()];
            let run = once(stage, amount, front, shares, round);
            let run = run.with_context(|| format!("{}, shared: {shares}", front.name()))?;
            println!("{}", run.line());
            runs.push(run);
        }
    }
    Ok(PollCache {
        about,
        readers: amount.readers,
        rate: RATE,
        max_age: MAX_AGE.to_owned(),
        runs,
    })
}

fn once(stage: &Stage, amount: Amount, front: Front, shares: bool, round: u32) -> Result<Run> {
    let flags = ["--poll-cache", MAX_AGE];
    let server = OwnServer {
        flags: if shares { &flags } else { &[] },
        ..OwnServer::default()
    };
    let server = server.start("server", &stage.binary, stage.core())?;
    let proxy = fronts::start(front, shares, server.address, stage.core())?;
    let asked = proxy.as_ref().unwrap_or(&server);
    let target = asked.target(Profile::own())?;
    let workload = Workload {
        transports: vec![Transport::LongPoll],
        clients: amount.readers,
        rate: RATE,
        wait: WAIT,
        duration: Duration::from_secs(amount.seconds),
        ..Workload::default()
    };
    let meter = Meter::new(&server, proxy.as_ref());
    let mut control = RunControl::default();
    let looker = meter.clone();
    control.tell = Box::new(move |progress| looker.look(progress));
    let run = measure(
        &target,
        &workload,
        Transport::LongPoll,
        round,
        &stage.placement,
        &control,
    );
    let outcome = stage.runtime.block_on(run)?;
    audit_check::check(&outcome)?;
    Ok(Run {
        front,
        shares,
        window: meter.window()?,
        outcome,
    })
}

/// Reads what the server and its proxy have used, while it is measured.
#[derive(Clone)]
struct Meter(std::sync::Arc<Metered>);

struct Metered {
    server: SocketAddr,
    server_pids: Vec<i32>,
    proxy_pids: Vec<i32>,
    seen: Mutex<Option<Seen>>,
}

struct Seen {
    first: Reading,
    last: Reading,
    /// The server's counts when `first` was read.
    asked: Asked,
}

#[derive(Clone, Copy)]
struct Reading {
    at: Instant,
    server_cpu: Duration,
    proxy_cpu: Duration,
}

/// Long-polls and messages that the server has counted since it started.
#[derive(Clone, Copy)]
struct Asked {
    requests: u64,
    messages: u64,
}

impl Meter {
    fn new(server: &RunningServer, proxy: Option<&RunningServer>) -> Self {
        Self(std::sync::Arc::new(Metered {
            server: server.address,
            server_pids: server.process.pids(),
            proxy_pids: proxy.map(|proxy| proxy.process.pids()).unwrap_or_default(),
            seen: Mutex::new(None),
        }))
    }

    fn look(&self, progress: Progress) {
        if !matches!(progress, Progress::Measuring { .. }) {
            return;
        }
        let Ok(mut seen) = self.0.seen.lock() else {
            return;
        };
        // If one of them has ended, the run fails by itself.
        let Ok(now) = self.0.read() else { return };
        if let Some(seen) = &mut *seen {
            seen.last = now;
        } else if let Ok(asked) = self.0.asked() {
            *seen = Some(Seen {
                first: now,
                last: now,
                asked,
            });
        }
    }

    /// The CPU used from the first reading to the last, and the requests and messages since the first.
    fn window(&self) -> Result<Window> {
        let after = self.0.asked()?;
        let seen = self.0.seen.lock().ok();
        let seen = seen.as_ref().and_then(|seen| seen.as_ref());
        let Seen { first, last, asked } = seen.context("it was over before it was looked at")?;
        let ns = |from: Duration, to: Duration| u64::try_from((to - from).as_nanos());
        Ok(Window {
            cpu_s: (last.at - first.at).as_secs_f64(),
            server_cpu_ns: ns(first.server_cpu, last.server_cpu)?,
            proxy_cpu_ns: ns(first.proxy_cpu, last.proxy_cpu)?,
            messages: after.messages - asked.messages,
            requests: after.requests - asked.requests,
        })
    }
}

impl Metered {
    fn read(&self) -> Result<Reading> {
        Ok(Reading {
            at: Instant::now(),
            server_cpu: usage::cpu_time(&self.server_pids)?,
            proxy_cpu: usage::cpu_time(&self.proxy_pids)?,
        })
    }

    fn asked(&self) -> Result<Asked> {
        let answer = http::Connection::open(self.server)?.ask(&http::get("/ledger"))?;
        let ledger: serde_json::Value = serde_json::from_slice(&answer.body)?;
        let figure = |transport: &str, name: &str| {
            let figure = ledger["transports"][transport][name].as_u64();
            figure.with_context(|| format!("the ledger has no {name} of {transport}"))
        };
        Ok(Asked {
            requests: figure("long-poll", "requests")?,
            messages: figure("publish", "messages")?,
        })
    }
}
