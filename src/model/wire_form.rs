//! The four forms of the same requests: HTTP/1.1 and HTTP/2, each with and without TLS, and what each adds to the
//! measurements over HTTP/1.1 without TLS.
//!
//! All were measured on this project's server: bytes with `compare`, CPU, memory and handshakes by `cargo bench --bench
//! forms` (medians of three alternated rounds, `benches/runs/2026-12-01-2core-xeon/forms.json`). Those of CPU are ratios
//! between forms, not absolute costs.

use serde::{Deserialize, Serialize};

use crate::Protocol;

const KIB: f64 = 1024.0;

/// A version of HTTP, with or without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WireForm {
    pub protocol: Protocol,
    pub tls: bool,
}

/// The bytes, CPU and memory that a form takes more than HTTP/1.1 without TLS.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FormCost {
    /// Each request, answer, event and keep-alive: a TLS record's frame.
    pub record_bytes: f64,
    /// An answer's head: HPACK's is shorter.
    pub answer_bytes: f64,
    /// An event or a keep-alive: a DATA frame in place of a chunk.
    pub event_bytes: f64,
    /// CPU that a poll or a long-poll takes in addition, in multiples of a poll's `request_us`: waking up costs the
    /// same over each form.
    pub request_cpu: f64,
    /// CPU that a delivery on a stream takes in addition, in multiples of its `message_us`.
    pub delivery_cpu: f64,
    /// Memory of a connection.
    pub connection_bytes: f64,
    /// The bytes are those of a handshake that resumes a session, as a returning browser does.
    pub handshake: Handshake,
}

/// A TLS handshake.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Handshake {
    pub bytes_in: f64,
    pub bytes_out: f64,
    pub us: f64,
}

const NO_HANDSHAKE: Handshake = Handshake {
    bytes_in: 0.0,
    bytes_out: 0.0,
    us: 0.0,
};
/// TLS 1.3, X25519 on ring, a session that is resumed: what a poll on a new connection takes more than one on a kept
/// connection. For CPU, what that is without TLS is taken off.
const RESUMED: Handshake = Handshake {
    bytes_in: 524.0,
    bytes_out: 461.0,
    us: 250.0,
};
/// Header, content type and tag of a TLS 1.3 record.
const RECORD_BYTES: f64 = 22.0;

impl WireForm {
    pub const ALL: [Self; 4] = [
        Self::new(Protocol::Http1, false),
        Self::new(Protocol::Http1, true),
        Self::new(Protocol::Http2, false),
        Self::new(Protocol::Http2, true),
    ];

    pub const fn new(protocol: Protocol, tls: bool) -> Self {
        Self { protocol, tls }
    }

    /// The name for output.
    pub fn description(self) -> String {
        let tls = if self.tls { "over TLS" } else { "without TLS" };
        format!("{} {tls}", self.protocol.description())
    }

    pub fn cost(self) -> FormCost {
        let plain = FormCost {
            record_bytes: 0.0,
            answer_bytes: 0.0,
            event_bytes: 0.0,
            request_cpu: 0.0,
            delivery_cpu: 0.0,
            connection_bytes: 0.0,
            handshake: NO_HANDSHAKE,
        };
        let http2 = FormCost {
            answer_bytes: -104.0,
            event_bytes: 3.0,
            ..plain
        };
        // Relative to the accelerator, which the other constants describe.
        match (self.protocol, self.tls) {
            (Protocol::Http1, false) => plain,
            (Protocol::Http1, true) => FormCost {
                record_bytes: RECORD_BYTES,
                request_cpu: 1.7,
                delivery_cpu: 0.9,
                connection_bytes: 20.0 * KIB,
                handshake: RESUMED,
                ..plain
            },
            (Protocol::Http2, false) => FormCost {
                request_cpu: 2.7,
                delivery_cpu: 1.1,
                connection_bytes: 29.0 * KIB,
                ..http2
            },
            (Protocol::Http2, true) => FormCost {
                record_bytes: RECORD_BYTES,
                request_cpu: 3.2,
                delivery_cpu: 1.4,
                connection_bytes: 34.0 * KIB,
                handshake: RESUMED,
                ..http2
            },
        }
    }
}
