//! Messages to many streams: in a closed loop (the next is published once all streams have received the last), and at a
//! steady rate, at which the server sleeps between two messages.

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::dialect::FEW_ROOM;
use super::publisher::Publisher;
use super::report::stacks::FanOutRound;
use super::running::RunningStack;
use super::subscribers::Subscribers;
use super::usage;

/// As long as the names of the instrument's rooms.
const ROOM: &str = "fanout_of_streams";
/// The fewest messages in a round, even if it then takes longer.
const LEAST_MESSAGES: u64 = 3;
/// Time for runtimes with a just-in-time compiler to become fast.
const WARM_UP: Duration = Duration::from_secs(1);
/// Time for the server to finish its work after its last write.
const SETTLE_TIME: Duration = Duration::from_millis(2);
/// A fifth of the streams, but at most this many, are in a separate room. Comparing the two rooms gives the cost of a
/// message apart from its deliveries.
const MAX_FEW: usize = 10;

/// The streams to send to, and the messages a second; a `rate` of `None` is the closed loop.
struct FanOutLoad {
    is_few: bool,
    rate: Option<f64>,
    lasts: Duration,
}

const LOADS: [FanOutLoad; 4] = [
    FanOutLoad {
        is_few: false,
        rate: None,
        lasts: Duration::from_millis(600),
    },
    FanOutLoad {
        is_few: false,
        rate: Some(2.0),
        lasts: Duration::from_millis(1500),
    },
    FanOutLoad {
        is_few: false,
        rate: Some(25.0),
        lasts: Duration::from_millis(600),
    },
    FanOutLoad {
        is_few: true,
        rate: Some(25.0),
        lasts: Duration::from_millis(600),
    },
];

/// Runs `rounds` rounds of each load with `streams` streams.
pub fn rounds(running: &RunningStack, streams: usize, rounds: usize) -> Result<Vec<FanOutRound>> {
    let few = MAX_FEW.min(streams / 5);
    let dialect = running.endpoint.dialect;
    let path = |number| dialect.stream(if number < few { FEW_ROOM } else { ROOM });
    let mut fan_out = FanOutBench {
        running,
        subscribers: Subscribers::open_each(running.endpoint.address, path, streams, false)?,
        few: 0..few,
        many: few..streams,
        publisher: Publisher::new(running.endpoint),
        published: 0,
    };
    let warm_up = FanOutLoad {
        is_few: false,
        rate: None,
        lasts: WARM_UP,
    };
    fan_out.round(&warm_up)?;
    let mut records = Vec::new();
    for _ in 0..rounds {
        for load in LOADS.iter().filter(|load| !load.is_few || few > 0) {
            records.push(fan_out.round(load)?);
        }
    }
    Ok(records)
}

struct FanOutBench<'a> {
    running: &'a RunningStack,
    subscribers: Subscribers,
    few: Range<usize>,
    many: Range<usize>,
    publisher: Publisher,
    published: u64,
}

impl FanOutBench<'_> {
    fn round(&mut self, load: &FanOutLoad) -> Result<FanOutRound> {
        let streams = match load.is_few {
            true => self.few.len(),
            false => self.many.len(),
        };
        self.subscribers.drain()?;
        self.deliver(load.is_few)?;
        let pids = self.running.pids();
        std::thread::sleep(SETTLE_TIME);
        let cpu_before = usage::cpu_time(&pids)?;
        let begin = Instant::now();
        let (mut messages, mut deliveries, mut wire_bytes) = (0, 0, 0);
        while begin.elapsed() < load.lasts || messages < LEAST_MESSAGES {
            if let Some(rate) = load.rate {
                let due = begin + Duration::from_secs_f64((messages as f64 + 0.5) / rate);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            let received = self.deliver(load.is_few)?;
            messages += 1;
            deliveries += received.units;
            wire_bytes += received.wire_bytes;
            if let Some(rate) = load.rate {
                // The pause after each message belongs to its round, also after the last.
                let end = begin + Duration::from_secs_f64(messages as f64 / rate);
                std::thread::sleep(end.saturating_duration_since(Instant::now()));
            }
        }
        std::thread::sleep(SETTLE_TIME);
        let wall = begin.elapsed();
        let cpu = usage::cpu_time(&pids)? - cpu_before;
        Ok(FanOutRound {
            streams,
            open: self.subscribers.len(),
            rate: load.rate,
            messages,
            deliveries,
            wall_ns: u64::try_from(wall.as_nanos())?,
            cpu_ns: u64::try_from(cpu.as_nanos())?,
            wire_bytes,
        })
    }

    /// Publishes one message and waits until all streams of its room have received it.
    fn deliver(&mut self, is_few: bool) -> Result<super::harness::rounds::Work> {
        let (room, awaited) = match is_few {
            true => (FEW_ROOM, self.few.clone()),
            false => (ROOM, self.many.clone()),
        };
        self.published += 1;
        // As long as the texts of the steady load.
        let tag = format!("message {:06} of the fan-out", self.published);
        let text = format!("{tag} {}", "x".repeat(99 - tag.len()));
        self.publisher.send(room, &text)?;
        let received = self.subscribers.receive_within(awaited, tag.as_bytes())?;
        self.publisher.confirm()?;
        Ok(received)
    }
}
