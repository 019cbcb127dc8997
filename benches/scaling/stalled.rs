//! Readers that stop reading: a thousand streams that read nothing while a hundred megabytes are published. Healthy
//! readers of the same room are measured with and without them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use poll_vs_sse_instrument::{
    CpuPinning, Profile, RunControl, RunResult, Target, Transport, Workload, measure,
};
use tempfile::TempDir;

use super::audit_check;
use super::http::{self, Connection};
use super::reader::{Reader, ReceivedMessage};
use super::report::provenance::Provenance;
use super::report::scaling::stalled::{ReaderAudit, StalledRound, StalledRun};
use super::servers::{OwnServer, RunningServer};
use super::usage;

const STREAM: &str = "/stream?room=stalled&last=0";
/// The longest text a message can have: 4,000 characters of four bytes.
const TEXT_BYTES: usize = 16_000;
const RATE: f64 = 400.0;
const HEALTHY: usize = 20;
/// Stalled readers that reconnect afterwards.
const RESUMED: usize = 5;
/// The longest time until the server disconnects all stalled readers.
const CUT_TIMEOUT: Duration = Duration::from_secs(90);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The built-in profile, but with a fixed room that the stalled readers can open too.
const ROOM: &str = r#"
name = "one room"
[publish]
path = "/messages"
headers = { Content-Type = "application/json", Idempotency-Key = "{id}" }
body = '{"room":"stalled","author":"compare","text":"{text}"}'
[stream]
path = "/stream?room=stalled&last=0"
"#;

/// The size of the measurement.
#[derive(Clone, Copy)]
pub struct StalledSizes {
    pub stalled: usize,
    pub bytes: usize,
    pub rounds: u32,
}

/// Measures on servers with their logs in `directory`, which should be in memory: the pauses of a slow disk would
/// distort the delays.
pub async fn run(
    binary: &Path,
    directory: &Path,
    placement: &CpuPinning,
    amount: StalledSizes,
    about: Provenance,
) -> Result<StalledRun> {
    let bench = StalledBench {
        binary,
        directory,
        placement,
        amount,
    };
    let mut rounds = Vec::new();
    let mut resumed = Vec::new();
    for round in 1..=amount.rounds {
        for turn in 0..2 {
            // The order changes with each round, so that a machine that slows down favours neither case.
            let with_stalled = (round + turn) % 2 == 0;
            // Memory that stalled readers left behind would hide what the next ones take.
            let fresh = bench.start().await?;
            let (measured, cut) = bench.measure_healthy(&fresh, round, with_stalled).await?;
            println!("{}", round_line(&measured));
            rounds.push(measured);
            if resumed.is_empty() {
                resumed = resume(fresh.server.address, cut)?;
            }
        }
    }
    Ok(StalledRun {
        about,
        stalled: amount.stalled,
        published_bytes: (bench.workload().messages() * TEXT_BYTES as u64),
        rounds,
        resumed,
    })
}

fn round_line(round: &StalledRound) -> String {
    let delay = round.outcome.delay_us.map_or(0, |delay| delay.p99);
    format!(
        "stalled: {:<7} p99 {:>8.1} ms, memory grew by {:>6.1} MiB, cut after {:?} s",
        if round.with_stalled {
            "with"
        } else {
            "without"
        },
        delay as f64 / 1000.0,
        (round.memory_most_bytes as f64 - round.memory_before_bytes as f64) / 1024.0 / 1024.0,
        round.cut_after_s
    )
}

struct StalledBench<'a> {
    binary: &'a Path,
    /// Of the servers' logs.
    directory: &'a Path,
    placement: &'a CpuPinning,
    amount: StalledSizes,
}

/// A server that no reader has stalled on, with a full cache of recent messages.
struct FreshServer {
    server: RunningServer,
    target: Target,
    /// Deleted after the server has ended.
    _log: TempDir,
}

impl StalledBench<'_> {
    fn workload(&self) -> Workload {
        let messages = self.amount.bytes as f64 / TEXT_BYTES as f64;
        Workload {
            transports: vec![Transport::Stream],
            clients: HEALTHY,
            rate: RATE,
            duration: Duration::from_secs_f64(messages / RATE),
            size: TEXT_BYTES,
            ..Workload::default()
        }
    }

    async fn start(&self) -> Result<FreshServer> {
        let log = tempfile::tempdir_in(self.directory)?;
        let store = format!("sqlite:{}", log.path().join("stalled.db").display());
        let ours = OwnServer {
            store: &store,
            ..OwnServer::default()
        };
        let core = self.placement.server.first().copied();
        let server = ours.start("the server with stalled readers", self.binary, core)?;
        let fresh = FreshServer {
            target: server.target(Profile::parse(ROOM)?)?,
            server,
            _log: log,
        };
        // Fills the server's cache of recent messages, so that later only stalled readers make its memory grow.
        self.publish(&fresh, 0)
            .await
            .context("fill the server's memory")?;
        Ok(fresh)
    }

    /// Publishes the messages to the healthy readers, and audits those.
    async fn publish(&self, fresh: &FreshServer, round: u32) -> Result<RunResult> {
        let workload = self.workload();
        let control = RunControl::default();
        let outcome = measure(
            &fresh.target,
            &workload,
            Transport::Stream,
            round,
            self.placement,
            &control,
        );
        let outcome = outcome.await?;
        audit_check::check(&outcome).context("healthy readers")?;
        Ok(outcome)
    }

    /// Measures the healthy readers; returns the stalled ones once they have been cut.
    async fn measure_healthy(
        &self,
        fresh: &FreshServer,
        round: u32,
        with_stalled: bool,
    ) -> Result<(StalledRound, Vec<Reader>)> {
        let address = fresh.server.address;
        let pids = fresh.server.process.pids();
        let memory_before_bytes = usage::pss_kib(&pids)? * 1024;
        let count = if with_stalled { self.amount.stalled } else { 0 };
        let stalled = (0..count).map(|_| Reader::open(address, STREAM, None));
        let stalled: Vec<_> = stalled.collect::<Result<_>>()?;
        let watch = MemoryWatch::start(pids);
        let begin = Instant::now();
        let cuts = with_stalled.then(|| CutWatch::watch(address, count as u64, begin));
        let outcome = self.publish(fresh, round).await?;
        let cut_after_s = cuts.map(CutWatch::end).transpose()?;
        // Only now: what is kept for stalled readers may grow until they are cut.
        let memory_most_bytes = watch.end()? * 1024;
        let round = StalledRound {
            with_stalled,
            outcome,
            memory_before_bytes,
            memory_most_bytes,
            cut_after_s,
        };
        Ok((round, stalled))
    }
}

/// Reconnects some of the stalled readers, and audits the messages from before and after.
fn resume(address: SocketAddr, stalled: Vec<Reader>) -> Result<Vec<ReaderAudit>> {
    let head = newest(address)?;
    let some = stalled.into_iter().take(RESUMED);
    some.map(|mut reader| {
        let mut had = Vec::new();
        reader.read_to_end(&mut had)?;
        let last = had.last().context("a stalled reader received no message")?;
        let mut back = Reader::open(address, STREAM, Some(&last.cursor))?;
        let mut then = Vec::new();
        while then.last().unwrap_or(last).id < head {
            let open = back
                .read_some(&mut then)
                .context("reopen a stalled reader's stream")?;
            ensure!(open, "the stream ended before the newest message");
        }
        Ok(audit(&had, &then, head))
    })
    .collect()
}

/// Checks the ids for gaps and repeats. All messages of this log are in one room, so its ids have no gaps.
fn audit(had: &[ReceivedMessage], then: &[ReceivedMessage], head: u64) -> ReaderAudit {
    let first = had.first().map_or(0, |seen| seen.id);
    let mut ids: Vec<u64> = had.iter().chain(then).map(|seen| seen.id).collect();
    let all = ids.len() as u64;
    ids.sort_unstable();
    ids.dedup();
    let different = ids.len() as u64;
    ReaderAudit {
        had: had.len() as u64,
        then: then.len() as u64,
        lost: head + 1 - first - different,
        repeated: all - different,
    }
}

/// The id of the newest message.
fn newest(address: SocketAddr) -> Result<u64> {
    let answer = Connection::open(address)?.ask(&http::get("/poll?room=stalled&last=1"))?;
    let body: serde_json::Value = serde_json::from_slice(&answer.body)?;
    body["messages"][0]["id"]
        .as_u64()
        .context("no newest message")
}

/// Samples the memory of processes and keeps the maximum.
struct MemoryWatch {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Result<u64>>,
}

impl MemoryWatch {
    fn start(pids: Vec<i32>) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let is_over = over.clone();
        let thread = std::thread::spawn(move || {
            let mut most = 0;
            while !is_over.load(Relaxed) {
                most = most.max(usage::pss_kib(&pids)?);
                std::thread::sleep(POLL_INTERVAL);
            }
            Ok(most.max(usage::pss_kib(&pids)?))
        });
        Self { over, thread }
    }

    /// Returns the maximum in KiB.
    fn end(self) -> Result<u64> {
        self.over.store(true, Relaxed);
        let Ok(most) = self.thread.join() else {
            bail!("the thread that samples memory panicked");
        };
        most
    }
}

/// Polls the server's ledger to find out when it disconnects stalled streams.
struct CutWatch(JoinHandle<Result<[f64; 2]>>);

impl CutWatch {
    /// Watches `count` stalled streams.
    fn watch(address: SocketAddr, count: u64, begin: Instant) -> Self {
        Self(std::thread::spawn(move || {
            let mut first = None;
            loop {
                let open = open_streams(address)?;
                // Healthy streams end too, so only a number below that of the stalled streams proves a disconnect.
                if open < count && first.is_none() {
                    first = Some(begin.elapsed().as_secs_f64());
                }
                if open == 0 {
                    let last = begin.elapsed().as_secs_f64();
                    return Ok([first.unwrap_or(last), last]);
                }
                ensure!(
                    begin.elapsed() < CUT_TIMEOUT,
                    "{open} stalled streams are still open after {CUT_TIMEOUT:?}"
                );
                std::thread::sleep(POLL_INTERVAL);
            }
        }))
    }

    fn end(self) -> Result<[f64; 2]> {
        let Ok(cuts) = self.0.join() else {
            bail!("the thread that polls the ledger panicked");
        };
        cuts
    }
}

fn open_streams(address: SocketAddr) -> Result<u64> {
    let answer = Connection::open(address)?.ask(&http::get("/ledger"))?;
    let ledger: serde_json::Value = serde_json::from_slice(&answer.body)?;
    let open = &ledger["transports"]["stream"]["open"];
    open.as_u64()
        .context("the ledger does not say how many streams are open")
}
