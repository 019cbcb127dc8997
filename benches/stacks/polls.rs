//! Empty polls, in a closed loop (each connection sends its next poll after the answer) or at a steady rate.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use super::http::Connection;
use super::report::stacks::PollRound;
use super::running::{Endpoint, RunningStack};
use super::usage;

/// Enough to keep one core busy with any server.
const CONNECTIONS: usize = 16;
/// Time for runtimes with a just-in-time compiler to become fast.
const WARM_UP: Duration = Duration::from_secs(1);
/// Polls a second over all connections, and the duration. At these rates a server also pays for waking up. The model is
/// fitted to the first and last rate and checked against the one in the middle.
const PACED: [(f64, Duration); 3] = [
    (10.0, Duration::from_millis(1000)),
    (
        super::report::stacks::CHECKED_POLLS,
        Duration::from_millis(800),
    ),
    (120.0, Duration::from_millis(600)),
];

/// The polls of one connection.
#[derive(Default)]
struct PollTally {
    requests: u64,
    wire_bytes: u64,
    reopened: u64,
}

impl PollTally {
    fn add(&mut self, part: &Self) {
        self.requests += part.requests;
        self.wire_bytes += part.wire_bytes;
        self.reopened += part.reopened;
    }

    fn round(&self, rate: Option<f64>, wall: Duration, cpu: Duration) -> Result<PollRound> {
        ensure!(self.requests > 0, "no poll was answered");
        Ok(PollRound {
            connections: CONNECTIONS,
            rate,
            requests: self.requests,
            wall_ns: u64::try_from(wall.as_nanos())?,
            cpu_ns: u64::try_from(cpu.as_nanos())?,
            wire_bytes: self.wire_bytes,
            reopened: self.reopened,
        })
    }
}

/// A connection that is reopened after the server has closed it.
struct Poller {
    endpoint: Endpoint,
    request: Vec<u8>,
    connection: Connection,
    tally: PollTally,
}

impl Poller {
    fn open(endpoint: Endpoint, request: &[u8]) -> Result<Self> {
        Ok(Self {
            endpoint,
            request: request.to_vec(),
            connection: Connection::open(endpoint.address)?,
            tally: PollTally::default(),
        })
    }

    fn ask(&mut self) -> Result<()> {
        if self.connection.is_closed() {
            self.connection = Connection::open(self.endpoint.address)?;
            self.tally.reopened += 1;
        }
        let answer = self.connection.ask(&self.request)?;
        ensure!(
            matches!(answer.status, 200 | 204 | 304),
            "a poll: status {}",
            answer.status
        );
        self.tally.requests += 1;
        self.tally.wire_bytes += answer.wire_bytes as u64;
        Ok(())
    }
}

/// Runs `rounds` rounds of each kind; none if the server has no polls.
pub fn rounds(running: &RunningStack, rounds: usize, lasts: Duration) -> Result<Vec<PollRound>> {
    let Some(request) = running.endpoint.dialect.empty_poll("polls") else {
        return Ok(Vec::new());
    };
    closed_loop(running, &request, WARM_UP)?;
    let mut records = Vec::new();
    for _ in 0..rounds {
        records.push(closed_loop(running, &request, lasts)?);
        for (rate, lasts) in PACED {
            records.push(paced(running, &request, rate, lasts)?);
        }
    }
    Ok(records)
}

fn closed_loop(running: &RunningStack, request: &[u8], lasts: Duration) -> Result<PollRound> {
    let endpoint = running.endpoint;
    let (stop, begun) = (AtomicBool::new(false), Barrier::new(CONNECTIONS + 1));
    std::thread::scope(|scope| {
        let connections: Vec<_> = (0..CONNECTIONS)
            .map(|_| scope.spawn(|| poll_until_stopped(endpoint, request, &begun, &stop)))
            .collect();
        begun.wait();
        // Each connection has had an answer, so all of the server's processes have started.
        let pids = running.pids();
        let cpu_before = usage::cpu_time(&pids);
        let begin = Instant::now();
        std::thread::sleep(lasts);
        stop.store(true, Relaxed);
        let mut all = PollTally::default();
        for one in connections {
            all.add(&one.join().map_err(|_| anyhow!("a poller panicked"))??);
        }
        let wall = begin.elapsed();
        all.round(None, wall, usage::cpu_time(&pids)? - cpu_before?)
    })
}

fn poll_until_stopped(
    endpoint: Endpoint,
    request: &[u8],
    begun: &Barrier,
    stop: &AtomicBool,
) -> Result<PollTally> {
    let opened = Poller::open(endpoint, request).and_then(|mut poller| {
        poller.ask()?;
        Ok(poller)
    });
    // All threads must reach the barrier, even those that failed.
    begun.wait();
    let mut poller = opened?;
    poller.tally = PollTally::default();
    while !stop.load(Relaxed) {
        poller.ask()?;
    }
    Ok(poller.tally)
}

/// The connections poll in turn, `rate` times a second in total.
fn paced(running: &RunningStack, request: &[u8], rate: f64, lasts: Duration) -> Result<PollRound> {
    let mut pollers = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut poller = Poller::open(running.endpoint, request)?;
        poller.ask()?;
        poller.tally = PollTally::default();
        pollers.push(poller);
    }
    let pids = running.pids();
    let cpu_before = usage::cpu_time(&pids)?;
    let begin = Instant::now();
    let count = (rate * lasts.as_secs_f64()).round() as usize;
    for number in 0..count {
        let due = begin + Duration::from_secs_f64((number as f64 + 0.5) / rate);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        pollers[number % CONNECTIONS].ask()?;
    }
    let end = begin + lasts;
    std::thread::sleep(end.saturating_duration_since(Instant::now()));
    let wall = begin.elapsed();
    let cpu = usage::cpu_time(&pids)? - cpu_before;
    let mut all = PollTally::default();
    for poller in &pollers {
        all.add(&poller.tally);
    }
    all.round(Some(rate), wall, cpu)
}
