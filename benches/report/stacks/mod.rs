//! What a run measured of one stack: the shape of its file, and what is made of it in `docs/stacks.md`.

mod advice;
pub mod catalog;
mod fit;
pub mod models;
pub mod page;
mod table;

use serde::{Deserialize, Serialize};

use super::provenance::Provenance;
use super::spread::{Spread, spread};

/// Polls a second to which no model is fitted.
pub const CHECKED_POLLS: f64 = 40.0;

/// A stack's file in a run's directory.
pub fn file(stack: &str) -> String {
    format!("stack-{stack}.json")
}

/// Share of the processors above which other work disturbs a measurement.
const MOST_OTHER_WORK: f64 = 0.05;

/// All that was measured of one stack.
#[derive(Debug, Serialize, Deserialize)]
pub struct StackRun {
    pub about: Provenance,
    pub stack: String,
    /// What its runtime says of its version.
    pub version: Option<String>,
    /// Why it was given up, with the last it put out. Nothing below is then to be believed.
    pub failure: Option<String>,
    /// Share of the machine's processors that other programs took just before it was measured.
    #[serde(default)]
    pub other_work: Option<f64>,
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

/// Empty polls: in a closed loop, where each connection asks again once it has its answer, or at a steady rate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PollRound {
    pub connections: usize,
    /// Polls due a second over all connections; `None` in a closed loop.
    #[serde(default)]
    pub rate: Option<f64>,
    pub requests: u64,
    pub wall_ns: u64,
    pub cpu_ns: u64,
    /// Of answers, heads included.
    pub wire_bytes: u64,
    /// Connections that had to be opened because the server closed the one before.
    pub reopened: u64,
}

/// Messages to streams: in a closed loop, where the next is published once all have the last, or at a steady rate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FanOutRound {
    /// Those that get the messages.
    pub streams: usize,
    /// Those that are open, in other rooms too; 0 in runs that did not note it down.
    #[serde(default)]
    pub open: usize,
    /// Messages due a second; `None` in a closed loop.
    #[serde(default)]
    pub rate: Option<f64>,
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
    #[serde(default)]
    pub purpose: Purpose,
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
    /// Those of readers.
    #[serde(default)]
    pub requests: Option<u64>,
    pub wire_bytes: u64,
    pub valid: bool,
}

/// What a run at a steady load is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Its figures are in the tables, and models are fitted to it if it is of long-polls.
    #[default]
    Shown,
    /// Models are fitted to it.
    Fit,
    /// Models are held to it.
    Check,
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
        match self.other_work {
            Some(share) => share > MOST_OTHER_WORK,
            None => self.about.machine.is_busy(),
        }
    }

    /// The rounds of the closed loop.
    fn saturating_polls(&self) -> impl Iterator<Item = &PollRound> {
        self.polls.iter().filter(|it| it.rate.is_none())
    }

    fn saturating_fan_out(&self) -> impl Iterator<Item = &FanOutRound> {
        self.fan_out.iter().filter(|it| it.rate.is_none())
    }

    fn has_paced_fan_out(&self) -> bool {
        self.fan_out.iter().any(|it| it.rate.is_some())
    }

    /// In a closed loop a message costs a fraction of what it does at any rate that people publish at: it counts only in
    /// an older run, which has nothing else.
    fn fitted_fan_out(&self) -> impl Iterator<Item = &FanOutRound> {
        let is_varied = self.has_paced_fan_out();
        let rounds = self.fan_out.iter();
        rounds.filter(move |it| it.rate.is_some() || !is_varied)
    }

    pub fn poll_cpu_us(&self) -> Option<Spread> {
        spread(
            self.saturating_polls()
                .map(|it| it.cpu_ns as f64 / 1e3 / it.requests as f64),
        )
    }

    /// Bytes of an empty answer.
    pub fn poll_bytes(&self) -> Option<Spread> {
        spread(
            self.saturating_polls()
                .map(|it| it.wire_bytes as f64 / it.requests as f64),
        )
    }

    pub fn delivery_cpu_us(&self) -> Option<Spread> {
        spread(
            self.saturating_fan_out()
                .map(|it| it.cpu_ns as f64 / 1e3 / it.deliveries as f64),
        )
    }

    /// Bytes of a message to a stream.
    pub fn event_bytes(&self) -> Option<Spread> {
        spread(
            self.saturating_fan_out()
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
        self.sound_for(transport, Purpose::Shown)
    }

    fn sound_for(&self, transport: &str, purpose: Purpose) -> impl Iterator<Item = &SteadyRun> {
        self.steady
            .iter()
            .filter(move |it| it.transport == transport && it.valid && it.purpose == purpose)
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

impl SteadyRun {
    /// Messages due in the measured time, at this rate, are how long that was.
    pub fn seconds(&self) -> f64 {
        self.expected as f64 / self.clients as f64 / self.rate
    }
}

impl Holding {
    pub fn most_streams(&self) -> usize {
        let answered = self.plain.iter().filter(|it| it.ms.is_some());
        answered.map(|it| it.streams).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a stack of which nothing was measured.
    pub fn run() -> StackRun {
        let about = r#"{"command":"c","full":true,"started_at":"","finished_at":"","load_after":null,
            "server_cores":[0],"load_cores":[1],"machine":{"cores":2,"cpu":null,"kernel":null,"load":"9 9 9","nginx":null,
            "rustc":null,"git_commit":null,"git_dirty":null,"server":null,"server_version":null}}"#;
        StackRun {
            about: serde_json::from_str(about).expect("a head"),
            stack: "express".to_owned(),
            version: None,
            failure: None,
            other_work: None,
            contract: Vec::new(),
            polls: Vec::new(),
            fan_out: Vec::new(),
            steady: Vec::new(),
            holding: Vec::new(),
            stalled: Vec::new(),
            departures: Vec::new(),
            reconnects: Vec::new(),
        }
    }

    /// A second of messages to some of 100 open streams.
    pub fn fan_out_round(streams: f64, per_s: f64, due: Option<f64>, cpu_us: f64) -> FanOutRound {
        FanOutRound {
            streams: streams as usize,
            open: 100,
            rate: due,
            messages: per_s as u64,
            deliveries: (per_s * streams) as u64,
            wall_ns: 1_000_000_000,
            cpu_ns: (cpu_us * 1e3) as u64,
            wire_bytes: 0,
        }
    }

    /// A second of polls.
    pub fn poll_round(per_s: f64, due: Option<f64>, cpu_us: f64) -> PollRound {
        PollRound {
            connections: 16,
            rate: due,
            requests: per_s as u64,
            wall_ns: 1_000_000_000,
            cpu_ns: (cpu_us * 1e3) as u64,
            wire_bytes: 0,
            reopened: 0,
        }
    }

    #[test]
    fn only_other_work_makes_a_machine_busy_not_the_stack_before() {
        let mut run = run();
        assert!(run.is_busy(), "an older run only knows the load averages");
        run.other_work = Some(0.01);
        assert!(!run.is_busy());
        run.other_work = Some(0.3);
        assert!(run.is_busy());
    }
}
