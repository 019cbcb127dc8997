//! The records of one stack: the format of its file in a run's directory.

use serde::{Deserialize, Serialize};

use super::super::provenance::Provenance;

/// The results of one stack.
#[derive(Debug, Serialize, Deserialize)]
pub struct StackRun {
    pub about: Provenance,
    pub stack: String,
    /// The version that its runtime reports.
    pub version: Option<String>,
    /// Why the measurement was aborted, with the server's last output. All figures below are then empty.
    pub failure: Option<String>,
    /// Share of the machine's processors that other programs used just before the measurement.
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
    /// Why it does not hold; `None` if it does.
    pub failure: Option<String>,
}

/// Empty polls: in a closed loop, in which each connection polls again after the answer, or at a steady rate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PollRound {
    pub connections: usize,
    /// Polls due a second over all connections; `None` in a closed loop.
    #[serde(default)]
    pub rate: Option<f64>,
    pub requests: u64,
    pub wall_ns: u64,
    pub cpu_ns: u64,
    /// Bytes of the answers, heads included.
    pub wire_bytes: u64,
    /// Connections that had to be reopened because the server had closed them.
    pub reopened: u64,
}

/// Messages to streams: in a closed loop, in which the next message is published once all streams have received the
/// last, or at a steady rate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FanOutRound {
    /// Streams that receive the messages.
    pub streams: usize,
    /// All open streams, including those in other rooms; 0 in runs that did not record it.
    #[serde(default)]
    pub open: usize,
    /// Messages due a second; `None` in a closed loop.
    #[serde(default)]
    pub rate: Option<f64>,
    pub messages: u64,
    pub deliveries: u64,
    pub wall_ns: u64,
    /// CPU of the server, publishing included.
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
    /// Microseconds from when a message was due until a client had received it.
    pub p50_us: Option<u64>,
    pub p99_us: Option<u64>,
    pub cpu_s: Option<f64>,
    pub arrivals: u64,
    /// Errors of readers.
    #[serde(default)]
    pub requests: Option<u64>,
    pub wire_bytes: u64,
    pub valid: bool,
}

/// The purpose of a run at a steady load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Its figures are shown in the tables. Models are also fitted to it if its transport is long-polling.
    #[default]
    Shown,
    /// Models are fitted to it.
    Fit,
    /// Models are checked against it.
    Check,
}

/// How many idle streams a server can have: streams opened in steps, with a plain request after each step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StreamCapacity {
    /// The number of streams that were tried, and of those that opened.
    pub tried: usize,
    pub open: usize,
    pub memory_before_kib: u64,
    pub memory_after_kib: u64,
    pub threads_before: u64,
    pub threads_after: u64,
    pub processes: usize,
    /// Share of a core that all open streams take while idle.
    pub idle_cpu: f64,
    /// Plain requests at increasing numbers of open streams.
    pub plain: Vec<PlainRequest>,
    /// Milliseconds from SIGTERM to the server's end with all streams open; `None` if it was killed after
    /// `stop_limit_ms`.
    pub stop_ms: Option<f64>,
    pub stop_limit_ms: f64,
}

/// A plain request while streams are open, and its duration; `None` if there was no answer in 2 s.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlainRequest {
    pub streams: usize,
    pub ms: Option<f64>,
}

/// Streams whose clients stop reading while messages are published.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StalledReaders {
    pub readers: usize,
    /// Bytes of text published for each of them.
    pub bytes_each: u64,
    pub memory_before_kib: u64,
    pub memory_after_kib: u64,
    /// Whether a client that reads received all of it.
    pub reader_has_all: bool,
}

/// A client that closes its stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Departure {
    /// Seconds until the server closed its side; `None` if not within `limit_s`.
    pub noticed_s: Option<f64>,
    pub limit_s: f64,
}

/// A client that loses its connection repeatedly while messages are published, and resumes by its last id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reconnects {
    pub reconnects: usize,
    pub published: u64,
    pub missed: u64,
    pub duplicates: u64,
    /// Why not all messages could be published.
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
