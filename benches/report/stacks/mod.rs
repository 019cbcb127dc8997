//! What a run measured of one stack: the shape of its file, and what is made of it in `docs/stacks.md`.

mod advice;
pub mod catalog;
pub mod models;
pub mod page;
mod table;

use serde::{Deserialize, Serialize};

use super::provenance::Provenance;
use super::spread::{Spread, spread};

/// A stack's file in a run's directory.
pub fn file(stack: &str) -> String {
    format!("stack-{stack}.json")
}

/// All that was measured of one stack.
#[derive(Debug, Serialize, Deserialize)]
pub struct StackRun {
    pub about: Provenance,
    pub stack: String,
    /// What its runtime says of its version.
    pub version: Option<String>,
    /// Why it was given up, with the last it put out. Nothing below is then to be believed.
    pub failure: Option<String>,
    pub contract: Vec<Check>,
    pub polls: Vec<PollRound>,
    pub fan_out: Vec<FanOutRound>,
    pub steady: Vec<SteadyRun>,
    pub holding: Vec<Holding>,
    pub stalled: Vec<StalledReaders>,
    pub departures: Vec<Departure>,
    pub reconnects: Vec<Reconnects>,
}

/// One sentence of the contract, and whether it holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Check {
    pub name: String,
    /// Why it does not.
    pub failure: Option<String>,
}

/// Empty polls in a closed loop: each connection asks again once it has its answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PollRound {
    pub connections: usize,
    pub requests: u64,
    pub wall_ns: u64,
    pub cpu_ns: u64,
    /// Of answers, heads included.
    pub wire_bytes: u64,
    /// Connections that had to be opened because the server closed the one before.
    pub reopened: u64,
}

/// Messages to all streams in a closed loop: the next is published once all have the last.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FanOutRound {
    pub streams: usize,
    pub messages: u64,
    pub deliveries: u64,
    pub wall_ns: u64,
    /// Publishing included.
    pub cpu_ns: u64,
    pub wire_bytes: u64,
}

/// A run of the instrument at one steady load.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SteadyRun {
    pub transport: String,
    pub clients: usize,
    pub rate: f64,
    pub expected: u64,
    pub deliveries: u64,
    pub missed: u64,
    pub duplicates: u64,
    pub out_of_order: u64,
    pub errors: u64,
    pub first_error: Option<String>,
    /// Microseconds from when a message was due to when a client had it.
    pub p50_us: Option<u64>,
    pub p99_us: Option<u64>,
    pub cpu_s: Option<f64>,
    pub arrivals: u64,
    pub wire_bytes: u64,
    pub valid: bool,
}

/// Idle streams that are opened more and more of, with a plain request beside them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Holding {
    /// How many were tried, and how many got their head.
    pub tried: usize,
    pub open: usize,
    pub memory_before_kib: u64,
    pub memory_after_kib: u64,
    pub threads_before: u64,
    pub threads_after: u64,
    pub processes: usize,
    /// Share of a core that all these streams take while nothing happens.
    pub idle_cpu: f64,
    /// How long a plain poll took with so many streams open; `None`: no answer in 2 s.
    pub plain: Vec<Plain>,
    /// From SIGTERM to its end with all streams open; `None`: killed after `stop_limit_ms`.
    pub stop_ms: Option<f64>,
    pub stop_limit_ms: f64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plain {
    pub streams: usize,
    pub ms: Option<f64>,
}

/// Streams whose clients stop reading while messages go on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StalledReaders {
    pub readers: usize,
    /// Text that each should have been sent.
    pub bytes_each: u64,
    pub memory_before_kib: u64,
    pub memory_after_kib: u64,
    /// Whether a client that reads got all of it all the same.
    pub reader_has_all: bool,
}

/// A client that closes its stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Departure {
    /// Until the server closed its side; `None`: not within `limit_s`.
    pub noticed_s: Option<f64>,
    pub limit_s: f64,
}

/// A client that loses its connection again and again while messages go on, and resumes by its last id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reconnects {
    pub reconnects: usize,
    pub published: u64,
    pub missed: u64,
    pub duplicates: u64,
    /// Why not all of it could be published.
    pub failure: Option<String>,
}

impl StackRun {
    /// Whether other work took the machine's time while it was measured.
    pub fn is_busy(&self) -> bool {
        self.about.machine.is_busy()
    }

    pub fn poll_cpu_us(&self) -> Option<Spread> {
        spread(
            self.polls
                .iter()
                .map(|it| it.cpu_ns as f64 / 1e3 / it.requests as f64),
        )
    }

    /// Bytes of an empty answer.
    pub fn poll_bytes(&self) -> Option<Spread> {
        spread(
            self.polls
                .iter()
                .map(|it| it.wire_bytes as f64 / it.requests as f64),
        )
    }

    pub fn delivery_cpu_us(&self) -> Option<Spread> {
        spread(
            self.fan_out
                .iter()
                .map(|it| it.cpu_ns as f64 / 1e3 / it.deliveries as f64),
        )
    }

    /// Bytes of a message to a stream.
    pub fn event_bytes(&self) -> Option<Spread> {
        spread(
            self.fan_out
                .iter()
                .map(|it| it.wire_bytes as f64 / it.deliveries as f64),
        )
    }

    /// The most streams beside which others were answered, if with more of them nobody else was.
    pub fn starved_above(&self) -> Option<f64> {
        let starves = |it: &Holding| it.plain.iter().any(|it| it.ms.is_none());
        let limits = self.holding.iter().filter(|it| starves(it));
        spread(limits.map(|it| it.most_streams() as f64)).map(|it| it.min)
    }

    /// CPU of a delivery at the steady load; of sound runs only.
    pub fn steady_cpu_us(&self, transport: &str) -> Option<Spread> {
        let runs = self.sound(transport);
        spread(runs.filter_map(|it| Some(it.cpu_s? * 1e6 / it.arrivals as f64)))
    }

    /// Milliseconds until half, or 99 of 100, had a message.
    pub fn delay_ms(&self, transport: &str, of: fn(&SteadyRun) -> Option<u64>) -> Option<Spread> {
        spread(
            self.sound(transport)
                .filter_map(|it| Some(of(it)? as f64 / 1e3)),
        )
    }

    fn sound(&self, transport: &str) -> impl Iterator<Item = &SteadyRun> {
        self.steady
            .iter()
            .filter(move |it| it.transport == transport && it.valid)
    }

    pub fn idle_kib(&self) -> Option<Spread> {
        spread(self.holding.iter().filter(|it| it.open > 0).map(|it| {
            (it.memory_after_kib as f64 - it.memory_before_kib as f64).max(0.0) / it.open as f64
        }))
    }

    /// Share of a core for each open stream while nothing happens, in millionths.
    pub fn idle_cpu_ppm(&self) -> Option<Spread> {
        spread(
            self.holding
                .iter()
                .filter(|it| it.open > 0)
                .map(|it| it.idle_cpu * 1e6 / it.open as f64),
        )
    }

    /// Most streams beside which a plain request was still answered within 2 s, and whether more were
    /// not tried.
    pub fn most_streams(&self) -> Option<(Spread, bool)> {
        let most = spread(self.holding.iter().map(|it| it.most_streams() as f64))?;
        let is_open_ended = self.holding.iter().all(|it| it.most_streams() == it.tried);
        Some((most, is_open_ended))
    }

    pub fn stop_ms(&self) -> Option<Spread> {
        spread(
            self.holding
                .iter()
                .map(|it| it.stop_ms.unwrap_or(it.stop_limit_ms)),
        )
    }

    pub fn stops(&self) -> bool {
        self.holding.iter().all(|it| it.stop_ms.is_some())
    }

    pub fn stalled_kib(&self) -> Option<Spread> {
        spread(self.stalled.iter().map(|it| {
            (it.memory_after_kib as f64 - it.memory_before_kib as f64).max(0.0) / it.readers as f64
        }))
    }

    pub fn departure_s(&self) -> Option<Spread> {
        spread(
            self.departures
                .iter()
                .map(|it| it.noticed_s.unwrap_or(it.limit_s)),
        )
    }
}

impl Holding {
    pub fn most_streams(&self) -> usize {
        let answered = self.plain.iter().filter(|it| it.ms.is_some());
        answered.map(|it| it.streams).max().unwrap_or(0)
    }
}
