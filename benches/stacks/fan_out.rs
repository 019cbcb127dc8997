//! Messages to many streams in a closed loop: the next is published once all have the last.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::publisher::Publisher;
use super::report::stacks::FanOutRound;
use super::running::RunningStack;
use super::subscribers::Subscribers;
use super::usage;

const ROOM: &str = "fanout";
/// Fewer say little, however long they take.
const LEAST_MESSAGES: u64 = 3;
/// Lets the server finish what it does after its last write.
const SETTLE_TIME: Duration = Duration::from_millis(2);

/// `rounds` rounds with `streams` streams.
pub fn rounds(
    running: &RunningStack,
    streams: usize,
    rounds: usize,
    lasts: Duration,
) -> Result<Vec<FanOutRound>> {
    let path = running.endpoint.dialect.stream(ROOM);
    let mut subscribers = Subscribers::open(running.endpoint.address, &path, streams, false)?;
    let mut publisher = Publisher::new(running.endpoint);
    let mut number = 0;
    let mut deliver = |subscribers: &mut Subscribers| {
        number += 1;
        // As long as the texts of the steady load.
        let tag = format!("message {number:06} of the fan-out");
        publisher.send(ROOM, &format!("{tag} {}", "x".repeat(99 - tag.len())))?;
        let received = subscribers.receive(tag.as_bytes())?;
        publisher.confirm()?;
        Ok::<_, anyhow::Error>(received)
    };
    let mut records = Vec::new();
    for _ in 0..rounds {
        subscribers.settle()?;
        deliver(&mut subscribers)?;
        let pids = running.pids();
        std::thread::sleep(SETTLE_TIME);
        let cpu_before = usage::cpu_time(&pids)?;
        let begin = Instant::now();
        let (mut messages, mut deliveries, mut wire_bytes) = (0, 0, 0);
        while begin.elapsed() < lasts || messages < LEAST_MESSAGES {
            let received = deliver(&mut subscribers)?;
            messages += 1;
            deliveries += received.units;
            wire_bytes += received.wire_bytes;
        }
        let wall = begin.elapsed();
        std::thread::sleep(SETTLE_TIME);
        let cpu = usage::cpu_time(&pids)? - cpu_before;
        records.push(FanOutRound {
            streams,
            messages,
            deliveries,
            wall_ns: u64::try_from(wall.as_nanos())?,
            cpu_ns: u64::try_from(cpu.as_nanos())?,
            wire_bytes,
        });
    }
    Ok(records)
}
