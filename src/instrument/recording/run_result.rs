//! The cost of one transport: plain records, whose field names are those of the JSON output
//! (`docs/compare.schema.json`).

mod derived;
mod progress;
mod surroundings;

pub use progress::{PeakStats, RestartStats, Steps, VanishStats};
use serde::{Deserialize, Serialize};
pub use surroundings::{MemorySample, RoomStats};

use crate::{Protocol, Transport};

/// One run of one transport, or several pooled. Directions of wire bytes are the server's,
/// as in the ledger: `in` is what clients sent.
///
/// Requests, bytes and CPU are those of the measured time; deliveries are those of the messages that were due within
/// it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    pub transport: Transport,
    /// Which repetition, from 1; 0 for several pooled.
    pub round: u32,
    pub clients: u64,
    /// The measured time, seconds.
    pub duration_s: f64,
    /// Messages published within it.
    pub published: u64,
    /// Requests of the readers; publishing is not in it.
    pub requests: u64,
    /// Requests answered with no message.
    pub empty: u64,
    /// Messages that reached a client, once for each client.
    pub deliveries: u64,
    /// Each of `published`, times the clients of its room. Not expected are messages that the server refused and no
    /// client received, and those that had no time to arrive before the run was stopped.
    pub expected: u64,
    /// Deliveries that never happened.
    pub missed: u64,
    /// Messages that reached a client again.
    pub duplicates: u64,
    /// Messages that reached a client after a later one.
    pub out_of_order: u64,
    /// Bytes clients sent, heads included.
    pub wire_bytes_in: u64,
    /// Bytes clients received, heads and framing included.
    pub wire_bytes_out: u64,
    /// The time from when a message was due to when a client had read it. `None` without a delivery.
    pub delay_us: Option<DelayStats>,
    /// CPU time of the server's processes, user and system, publishing included. `None` if it
    /// cannot be read.
    pub server_cpu_s: Option<f64>,
    /// Proportional set size of the server's processes when the measured time ended.
    pub server_memory_bytes: Option<u64>,
    /// The same before the clients connected.
    pub server_memory_base_bytes: Option<u64>,
    /// Processors the server may use, if known.
    pub server_cores: Option<u32>,
    /// TCP connections that readers opened since the beginning of the run.
    pub connections: u64,
    /// Requests and connections that failed, publishing included.
    pub errors: u64,
    /// The first of these errors.
    pub first_error: Option<String>,
    /// Streams that the server ended, outside of a restart. Their clients opened them again after their last event.
    #[serde(default)]
    pub ended_streams: u64,
    /// Requests that had no answer when the run ended, of clients that lacked a message.
    #[serde(default)]
    pub unanswered: u64,
    /// The protocol that was spoken.
    #[serde(default)]
    pub protocol: Protocol,
    /// The version of TLS. `None`: cleartext.
    #[serde(default)]
    pub tls: Option<String>,
    /// TLS handshakes of readers since the beginning of the run. Their bytes are part of the other figures.
    #[serde(default)]
    pub handshakes: HandshakeStats,
    /// The time from the first connection until every client had the answer to its first request, in seconds.
    #[serde(default)]
    pub opening_s: f64,
    /// CPU time of the server's processes while the clients connected and sent their first requests; of several pooled
    /// runs, the mean.
    #[serde(default)]
    pub opening_cpu_s: Option<f64>,
    /// The traffic of connecting and of the first requests; the figures above do not include it.
    pub opening: Traffic,
    /// With a herd, the time from the start until each client had its first answer; with a restart, the time from its
    /// beginning until each client had its first answer from the new server. Otherwise empty.
    #[serde(default)]
    pub served: Steps,
    /// The restart of the server, if there was one.
    #[serde(default)]
    pub restart: Option<RestartStats>,
    /// With a herd or a restart, the peaks of the server's use and of its requests.
    #[serde(default)]
    pub peaks: Option<PeakStats>,
    /// The figures of the vanished clients, if there were any.
    #[serde(default)]
    pub vanished: Option<VanishStats>,
    /// How evenly the server served the rooms, if there are several.
    #[serde(default)]
    pub rooms: Option<RoomStats>,
    /// The server's memory, from before the connections of the clients that stop reading. Empty without such clients,
    /// or if it cannot be read.
    #[serde(default)]
    pub stalled_memory: Vec<MemorySample>,
    /// All traffic from the first connection to the last answer: opening, warm-up, measured time and the time after
    /// it. It can be compared with the server's own ledger.
    pub whole: Traffic,
    /// Deliveries within the measured time, of any messages. If this differs much from `deliveries`, the run was not
    /// in a steady state.
    pub arrivals: u64,
    pub publishing: PublishStats,
    pub load: LoadGeneratorStats,
    /// Whether it was stopped early.
    pub interrupted: bool,
    /// The distribution of delays.
    pub delay_buckets: Vec<Bucket>,
    /// The measured time second by second.
    pub timeline: Vec<SecondStats>,
}

/// Percentiles of delay, microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelayStats {
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub max: u64,
}

/// Requests and bytes of readers.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    pub requests: u64,
    pub wire_bytes_in: u64,
    pub wire_bytes_out: u64,
}

impl Traffic {
    pub(crate) fn add(&mut self, part: Self) {
        self.requests += part.requests;
        self.wire_bytes_in += part.wire_bytes_in;
        self.wire_bytes_out += part.wire_bytes_out;
    }
}

/// TLS handshakes. Directions are the server's: `in` is what clients sent.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandshakeStats {
    pub count: u64,
    /// Handshakes that resumed an earlier session.
    pub resumed: u64,
    pub wire_bytes_in: u64,
    pub wire_bytes_out: u64,
}

impl HandshakeStats {
    pub(crate) fn add(&mut self, part: Self) {
        self.count += part.count;
        self.resumed += part.resumed;
        self.wire_bytes_in += part.wire_bytes_in;
        self.wire_bytes_out += part.wire_bytes_out;
    }
}

/// How publishing went, over the whole run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishStats {
    /// Answered with another status than 2xx, or not at all.
    pub refused: u64,
    /// The largest lateness of a sent message.
    pub late_us_max: u64,
    /// Messages that were due within the measured time and were sent within it.
    #[serde(default)]
    pub in_time: u64,
    /// Messages that were sent late because all connections were waiting for an answer.
    #[serde(default)]
    pub held_back: u64,
    /// Whether clearly fewer messages were sent than were due; the figures are then those of another workload.
    #[serde(default)]
    pub fell_short: bool,
}

/// The use of this program itself. If it was the bottleneck, a run shows nothing about the server.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LoadGeneratorStats {
    /// CPU time of this process within the measured time. 0 if it cannot be read.
    pub cpu_s: f64,
    /// Processors it may use.
    pub cores: u32,
    /// `cpu_s` as a share of the capacity of these processors.
    pub cpu_share: f64,
    /// How late its timers fired, as the 99th percentile.
    pub lag_us_p99: u64,
    /// Whether it, rather than the server, limited the run.
    pub limited: bool,
}

/// Deliveries that took at most `le_us`, and longer than the bucket before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    pub le_us: u64,
    pub count: u64,
}

/// One second of the measured time.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondStats {
    pub requests: u64,
    pub deliveries: u64,
    pub wire_bytes: u64,
}
