//! Empty polls: at a steady rate, compared with h2load, and in a closed loop, compared with wrk.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use poll_vs_sse_instrument::{RequestHead, RunResult, Transport, Workload};

use super::harness::servers::RunningServer;
use super::pollers::Pollers;
use super::readings::perf_ms_per_s;
use super::report::trust::{Figure, Referee, TrustRow};
use super::{TrustBench, cpu_rows, http, is_installed, usage};

const CLIENTS: usize = 100;
/// Polls a second of each client.
const RATE: u64 = 40;
/// Connections of the closed loop.
const CONNECTIONS: usize = 64;
/// As long as the names of the instrument's rooms.
const ROOM: &str = "trusttrusttrustro";

pub fn measure(bench: &TrustBench<'_>) -> Result<Vec<TrustRow>> {
    let (server, group) = bench.start()?;
    let workload = Workload {
        transports: vec![Transport::Poll],
        clients: CLIENTS,
        rate: 1.0 / bench.lasts.as_secs_f64(),
        interval: Duration::from_millis(1000 / RATE),
        duration: bench.lasts,
        head: RequestHead::Bare,
        ..Workload::default()
    };
    let (outcome, readings) = bench.measure_with_readings(&server, group.as_ref(), &workload)?;
    let mut rows = cpu_rows(Figure::PollCpu, &outcome, &readings)?;
    if is_installed("h2load", "nghttp2-client") {
        rows.extend(beside_h2load(bench, &server, &outcome)?);
    }
    if is_installed("wrk", "wrk") {
        rows.extend(beside_wrk(bench, &server)?);
    }
    Ok(rows)
}

/// The path of a poll by a reader that has all messages, so that it is empty.
fn path(server: &RunningServer) -> Result<String> {
    let answer =
        http::Connection::open(server.address)?.ask(&http::get(&format!("/poll?room={ROOM}")))?;
    let page: serde_json::Value = serde_json::from_slice(&answer.body)?;
    let cursor = page["cursor"].as_str().context("a page without a cursor")?;
    Ok(format!("/poll?room={ROOM}&cursor={cursor}"))
}

fn beside_h2load(
    bench: &TrustBench<'_>,
    server: &RunningServer,
    outcome: &RunResult,
) -> Result<Vec<TrustRow>> {
    let url = format!("http://{}{}", server.address, path(server)?);
    let children = usage::children_cpu_time();
    let output = Command::new("h2load")
        .args(["--h1", "-t", "1", "-c", &CLIENTS.to_string()])
        .args(["--rps", &RATE.to_string()])
        .args(["-D", &bench.lasts.as_secs().to_string(), &url])
        .output()
        .context("run h2load")?;
    let cost = usage::children_cpu_time() - children;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = H2loadSummary::read(&text).with_context(|| format!("h2load said:\n{text}"))?;
    ensure!(found.failed == 0.0, "h2load: {} polls failed", found.failed);
    let polls = outcome.requests as f64;
    let empty_bytes = outcome.wire_bytes_out as f64 / polls;
    let own_cost = outcome.load.cpu_s * 1e6 / polls;
    let other_cost = cost.as_secs_f64() * 1e6 / found.requests;
    let rate = TrustRow::new(
        Figure::PollRate,
        Referee::H2load,
        polls / outcome.duration_s,
        found.per_s,
    );
    Ok(vec![
        rate.with_costs(own_cost, other_cost),
        TrustRow::new(
            Figure::PollBytes,
            Referee::H2load,
            empty_bytes,
            found.bytes / found.requests,
        ),
    ])
}

/// The figures that h2load prints when it ends.
struct H2loadSummary {
    per_s: f64,
    requests: f64,
    failed: f64,
    bytes: f64,
}

impl H2loadSummary {
    /// `finished in 5.00s, 4000.00 req/s, …`, `requests: … 20000 done, … 0 failed, …`, `traffic: 4.1MB (4300000)
    /// total`.
    fn read(text: &str) -> Option<Self> {
        let line = |begin: &str| text.lines().find_map(|line| line.strip_prefix(begin));
        let before = |line: &str, word: &str| -> Option<f64> {
            let part = line.split(',').find(|part| part.contains(word))?;
            part.split_whitespace().next()?.parse().ok()
        };
        let traffic = line("traffic:")?;
        let bytes = traffic.split_once('(')?.1.split_once(')')?.0.parse().ok()?;
        Some(Self {
            per_s: before(line("finished in")?, "req/s")?,
            requests: before(line("requests:")?, "done")?,
            failed: before(line("requests:")?, "failed")?,
            bytes,
        })
    }
}

/// Compares the loop that `cargo bench --bench servers` uses with wrk. perf counts the server's CPU under wrk.
fn beside_wrk(bench: &TrustBench<'_>, server: &RunningServer) -> Result<Vec<TrustRow>> {
    let path = path(server)?;
    let pid = server.process.pids()[0];
    let mut pollers = Pollers::open(server.address, http::get(&path), CONNECTIONS, false)?;
    pollers.poll(5000)?;
    let (cpu_before, own_before) = (usage::cpu_time(&[pid])?, usage::own_cpu_time());
    let begin = Instant::now();
    let mut asked = 0;
    while begin.elapsed() < bench.lasts {
        pollers.poll(1000)?;
        asked += 1000;
    }
    let seconds = begin.elapsed().as_secs_f64();
    let polls = f64::from(asked);
    let cpu_us = (usage::cpu_time(&[pid])? - cpu_before).as_secs_f64() * 1e6 / polls;
    let own_cost = (usage::own_cpu_time() - own_before).as_secs_f64() * 1e6 / polls;
    drop(pollers);
    let time = bench.lasts.as_secs();
    let url = format!("http://{}{path}", server.address);
    let children = usage::children_cpu_time();
    let mut wrk = Command::new("wrk");
    wrk.args(["-t", "1", "-c", &CONNECTIONS.to_string()]);
    wrk.args(["-d", &format!("{time}s"), &url]);
    let (output, counted) = std::thread::scope(|scope| {
        let counting = scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            perf_ms_per_s(pid, bench.lasts.saturating_sub(Duration::from_millis(600)))
        });
        (wrk.output(), counting.join())
    });
    let cost = usage::children_cpu_time() - children;
    let output = output.context("run wrk")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let per_s = wrk_rate(&text).with_context(|| format!("wrk said:\n{text}"))?;
    let other_cost = cost.as_secs_f64() * 1e6 / (per_s * time as f64);
    let rate = TrustRow::new(Figure::PollsOfACore, Referee::Wrk, polls / seconds, per_s);
    let mut rows = vec![rate.with_costs(own_cost, other_cost)];
    if let Ok(Some(ms_per_s)) = counted {
        let other_us = ms_per_s * 1e3 / per_s;
        rows.push(TrustRow::new(
            Figure::BusyPollCpu,
            Referee::Wrk,
            cpu_us,
            other_us,
        ));
    }
    Ok(rows)
}

/// `Requests/sec:  50000.00`
fn wrk_rate(text: &str) -> Option<f64> {
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    line?.trim().parse().ok()
}
