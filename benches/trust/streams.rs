//! Messages to streams, compared with the same number of curl processes that read the raw bytes.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use poll_vs_sse_instrument::{RequestHead, Transport, Workload};
use tempfile::TempDir;

use super::harness::servers::RunningServer;
use super::readings::perf_ms_per_s;
use super::report::trust::{Figure, Referee, TrustRow};
use super::{TrustBench, cpu_rows, http, is_installed, usage};

const STREAMS: usize = 100;
/// Messages a second.
const RATE: u32 = 20;
const TEXT_BYTES: usize = 100;
/// As long as the names of the instrument's rooms.
const ROOM: &str = "trusttrusttrustro";
/// The beginning of each text.
const MARK: &str = "trust:";
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(20);

pub fn measure(bench: &TrustBench<'_>) -> Result<Vec<TrustRow>> {
    let (server, group) = bench.start()?;
    let workload = Workload {
        transports: vec![Transport::Stream],
        clients: STREAMS,
        rate: f64::from(RATE),
        duration: bench.lasts,
        size: TEXT_BYTES,
        head: RequestHead::Bare,
        ..Workload::default()
    };
    let (outcome, readings) = bench.measure_with_readings(&server, group.as_ref(), &workload)?;
    let mut rows = cpu_rows(Figure::StreamCpu, &outcome, &readings)?;
    if !is_installed("curl", "curl") {
        return Ok(rows);
    }
    let read = beside_curl(bench, &server)?;
    let arrivals = outcome.arrivals as f64;
    let own_cost = outcome.load.cpu_s * 1e6 / arrivals;
    let other_cost = read.cost.as_secs_f64() * 1e6 / read.deliveries;
    let rate = TrustRow::new(
        Figure::DeliveryRate,
        Referee::Curl,
        arrivals / outcome.duration_s,
        read.deliveries / read.seconds,
    );
    rows.push(rate.with_costs(own_cost, other_cost));
    rows.push(TrustRow::new(
        Figure::DeliveryBytes,
        Referee::Curl,
        outcome.wire_bytes_out as f64 / arrivals,
        read.bytes / read.deliveries,
    ));
    if let (Some(cpu_s), Some(ms_per_s)) = (outcome.server_cpu_s, read.cpu_ms_per_s) {
        rows.push(TrustRow::new(
            Figure::DeliveryCpu,
            Referee::Curl,
            cpu_s * 1e6 / arrivals,
            ms_per_s * 1e3 / (read.deliveries / read.seconds),
        ));
    }
    Ok(rows)
}

/// The deliveries to the curl processes, and their cost.
struct CurlResult {
    deliveries: f64,
    seconds: f64,
    bytes: f64,
    /// The server's CPU time by perf.
    cpu_ms_per_s: Option<f64>,
    /// CPU time of the curl processes.
    cost: Duration,
}

/// curl processes that each write their stream to a file; they end when this is dropped.
struct Curls {
    children: Vec<Child>,
    files: Vec<PathBuf>,
    _directory: TempDir,
}

impl Curls {
    fn start(url: &str) -> Result<Self> {
        let directory = TempDir::new()?;
        let mut curls = Self {
            children: Vec::new(),
            files: Vec::new(),
            _directory: directory,
        };
        for number in 0..STREAMS {
            let file = curls._directory.path().join(number.to_string());
            let child = Command::new("curl")
                .args(["--silent", "--no-buffer", "--raw", "--output"])
                .arg(&file)
                .arg(url)
                .stdin(Stdio::null())
                .spawn()
                .context("start curl")?;
            curls.children.push(child);
            curls.files.push(file);
        }
        Ok(curls)
    }

    fn cpu_time(&self) -> Result<Duration> {
        let pids = self.children.iter().map(|child| child.id().cast_signed());
        usage::cpu_time(&pids.collect::<Vec<_>>())
    }

    /// Bytes in all files.
    fn bytes(&self) -> u64 {
        let sizes = self.files.iter().map(fs::metadata);
        sizes.filter_map(|found| Some(found.ok()?.len())).sum()
    }

    /// Messages in all files.
    fn messages(&self) -> usize {
        let texts = self.files.iter().filter_map(|file| fs::read(file).ok());
        texts
            .map(|text| String::from_utf8_lossy(&text).matches(MARK).count())
            .sum()
    }

    fn wait_for(&self, what: &str, is_there: impl Fn(&Self) -> bool) -> Result<()> {
        let deadline = Instant::now() + RECEIVE_TIMEOUT;
        while !is_there(self) {
            ensure!(
                Instant::now() < deadline,
                "curl did not receive {what} in time"
            );
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Curls {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn beside_curl(bench: &TrustBench<'_>, server: &RunningServer) -> Result<CurlResult> {
    let url = format!("http://{}/stream?room={ROOM}&last=0", server.address);
    let curls = Curls::start(&url)?;
    curls.wait_for("the head of each stream", |curls| {
        let begun = |file| fs::metadata(file).is_ok_and(|found| found.len() > 0);
        curls.files.iter().all(begun)
    })?;
    publish(server, RATE)?;
    let warmed = RATE as usize * STREAMS;
    curls.wait_for("the first messages", |curls| curls.messages() == warmed)?;
    let (before, cost_before) = (curls.bytes(), curls.cpu_time()?);
    let count = RATE * u32::try_from(bench.lasts.as_secs())?;
    let pid = server.process.pids()[0];
    let begin = Instant::now();
    let (published, counted) = std::thread::scope(|scope| {
        let counting = scope.spawn(|| {
            sleep(Duration::from_millis(300));
            perf_ms_per_s(pid, bench.lasts.saturating_sub(Duration::from_millis(600)))
        });
        (publish(server, count), counting.join())
    });
    published?;
    let seconds = begin.elapsed().as_secs_f64();
    let expected = warmed + count as usize * STREAMS;
    curls.wait_for("all messages", |curls| curls.messages() >= expected)?;
    ensure!(curls.messages() == expected, "curl received messages twice");
    Ok(CurlResult {
        deliveries: (expected - warmed) as f64,
        seconds,
        bytes: (curls.bytes() - before) as f64,
        cpu_ms_per_s: counted.ok().flatten(),
        cost: curls.cpu_time()? - cost_before,
    })
}

/// Publishes `count` messages at the steady rate.
fn publish(server: &RunningServer, count: u32) -> Result<()> {
    let mut connection = http::Connection::open(server.address)?;
    let text = format!("{MARK}{}", "x".repeat(TEXT_BYTES - MARK.len()));
    let body = format!(r#"{{"room":"{ROOM}","author":"compare","text":"{text}"}}"#);
    let request = http::post("/messages", "application/json", body.as_bytes());
    let begin = Instant::now();
    let period = Duration::from_secs(1) / RATE;
    for number in 0..count {
        sleep((begin + period * number + period / 2).saturating_duration_since(Instant::now()));
        let answer = connection.ask(&request)?;
        ensure!(answer.status == 201, "publish: status {}", answer.status);
    }
    sleep((begin + period * count).saturating_duration_since(Instant::now()));
    Ok(())
}
