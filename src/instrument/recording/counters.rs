//! Counts of the actions of one client, or of all together.

use super::run_result::{HandshakeStats, Traffic};

/// Plain counts of one client, or of all.
#[derive(Debug, Default)]
pub struct Counters {
    pub requests: u64,
    pub empty: u64,
    pub duplicates: u64,
    pub out_of_order: u64,
    pub wire_bytes_in: u64,
    pub wire_bytes_out: u64,
    pub connections: u64,
    pub errors: u64,
    pub first_error: Option<String>,
    /// Streams that the server ended.
    pub ended_streams: u64,
    pub unanswered: u64,
    /// Requests and connections that failed because the server was restarted.
    pub disrupted: u64,
    /// Clients that were not served after a restart.
    pub unserved: u64,
    pub handshakes: HandshakeStats,
    pub opening: Traffic,
    pub whole: Traffic,
}

impl Counters {
    pub fn add(&mut self, part: Self) {
        self.requests += part.requests;
        self.empty += part.empty;
        self.duplicates += part.duplicates;
        self.out_of_order += part.out_of_order;
        self.wire_bytes_in += part.wire_bytes_in;
        self.wire_bytes_out += part.wire_bytes_out;
        self.connections += part.connections;
        self.errors += part.errors;
        if self.first_error.is_none() {
            self.first_error = part.first_error;
        }
        self.ended_streams += part.ended_streams;
        self.unanswered += part.unanswered;
        self.disrupted += part.disrupted;
        self.unserved += part.unserved;
        self.handshakes.add(part.handshakes);
        self.opening.add(part.opening);
        self.whole.add(part.whole);
    }
}
