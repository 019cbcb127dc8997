//! What was recorded of one stack: the shape of its file in a run's directory.

use serde::{Deserialize, Serialize};

use super::super::provenance::Provenance;

/// All that was measured of one stack.
#[derive(Debug, Serialize, Deserialize)]
pub struct StackRun {
    pub about: Provenance,
    pub stack: String,
    /// What its runtime says of its version.
    pub version: Option<String>,
    /// Why the measurement was given up, with the server's last output. All figures below are then empty.
    pub failure: Option<String>,
    /// Share of the machine's processors that other programs took just before it was measured.
    #[serde(default)]
    pub other_work: Option<f64>,
    pub contract: Vec<ContractCheck>,
    pub polls: Vec<PollRound>,
    pub fan_out: Vec<FanOutRound>,
    pub steady: Vec<SteadyRun>,
    pub holding: Vec<StreamCapacity>,
    pub stalled: Vec<StalledReaders>,
    pub departures: Vec<Departure>,
    pub reconnects: Vec<Reconnects>,
}

/// One sentence of the contract, and whether it holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ContractCheck {
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

/// How many idle streams a server can have: streams opened in steps, with a plain request after each step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StreamCapacity {
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
    pub plain: Vec<PlainRequest>,
    /// From SIGTERM to its end with all streams open; `None`: killed after `stop_limit_ms`.
    pub stop_ms: Option<f64>,
    pub stop_limit_ms: f64,
}

/// A plain request beside open streams, and how long it took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlainRequest {
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
    /// A record of `stack` without measurements.
    pub fn empty(stack: &str, version: Option<String>, about: Provenance) -> Self {
        Self {
            about,
            stack: stack.to_owned(),
            version,
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
}
