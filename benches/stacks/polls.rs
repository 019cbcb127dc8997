//! Empty polls in a closed loop: each connection asks again once it has its answer.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use super::http::Connection;
use super::report::stacks::PollRound;
use super::running::{Endpoint, RunningStack};
use super::usage;

/// Enough to keep one core busy whatever the server.
const CONNECTIONS: usize = 16;

/// What one connection did.
#[derive(Default)]
struct Tally {
    requests: u64,
    wire_bytes: u64,
    reopened: u64,
}

/// One round; `None` if the server has no polls.
pub fn round(running: &RunningStack, lasts: Duration) -> Result<Option<PollRound>> {
    let Some(request) = running.endpoint.dialect.empty_poll("polls") else {
        return Ok(None);
    };
    let endpoint = running.endpoint;
    let (stop, begun) = (AtomicBool::new(false), Barrier::new(CONNECTIONS + 1));
    let (tallies, wall, cpu) = std::thread::scope(|scope| {
        let connections: Vec<_> = (0..CONNECTIONS)
            .map(|_| scope.spawn(|| ask_again(endpoint, &request, &begun, &stop)))
            .collect();
        begun.wait();
        // Each has been answered once, so all the server's processes are there.
        let pids = running.pids();
        let cpu_before = usage::cpu_time(&pids);
        let begin = Instant::now();
        std::thread::sleep(lasts);
        stop.store(true, Relaxed);
        let ended = connections
            .into_iter()
            .map(|one| one.join().map_err(|_| anyhow!("a connection broke down"))?);
        let tallies: Result<Vec<_>> = ended.collect();
        let wall = begin.elapsed();
        Ok::<_, anyhow::Error>((tallies?, wall, usage::cpu_time(&pids)? - cpu_before?))
    })?;
    let requests = tallies.iter().map(|it| it.requests).sum();
    ensure!(requests > 0, "no poll was answered");
    Ok(Some(PollRound {
        connections: CONNECTIONS,
        requests,
        wall_ns: u64::try_from(wall.as_nanos())?,
        cpu_ns: u64::try_from(cpu.as_nanos())?,
        wire_bytes: tallies.iter().map(|it| it.wire_bytes).sum(),
        reopened: tallies.iter().map(|it| it.reopened).sum(),
    }))
}

fn ask_again(
    endpoint: Endpoint,
    request: &[u8],
    begun: &Barrier,
    stop: &AtomicBool,
) -> Result<Tally> {
    let opened = Connection::open(endpoint.address).and_then(|mut connection| {
        let answer = connection.ask(request)?;
        ensure!(
            matches!(answer.status, 200 | 204 | 304),
            "a poll: status {}",
            answer.status
        );
        Ok(connection)
    });
    // All begin together, those that failed too.
    begun.wait();
    let mut connection = opened?;
    let mut tally = Tally::default();
    while !stop.load(Relaxed) {
        if connection.is_over() {
            connection = Connection::open(endpoint.address)?;
            tally.reopened += 1;
        }
        let answer = connection.ask(request)?;
        ensure!(
            matches!(answer.status, 200 | 204 | 304),
            "a poll: status {}",
            answer.status
        );
        tally.requests += 1;
        tally.wire_bytes += answer.wire_bytes as u64;
    }
    Ok(tally)
}
