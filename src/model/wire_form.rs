//! The four forms of the same requests: HTTP/1.1 and HTTP/2, each with and without TLS, and what each adds to the
//! measurements over HTTP/1.1 without TLS.
//!
//! All were measured on this project's server: bytes with `compare`, CPU and memory by `cargo bench --bench forms`
//! (2026-11-29, medians of two alternated rounds, `benches/runs/2026-11-29-calibration/forms.json`). They are ratios
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

/// The bytes that a form adds, and the factors by which it multiplies CPU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FormCost {
    /// Each request, answer, event and keep-alive: a TLS record's frame.
    pub record_bytes: f64,
    /// An answer's head: HPACK's is shorter.
    pub answer_bytes: f64,
    /// An event or a keep-alive: a DATA frame in place of a chunk.
    pub event_bytes: f64,
    /// A request's CPU, as a multiple.
    pub request_cpu: f64,
    /// A delivery's CPU on a stream, as a multiple.
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
/// TLS 1.3, X25519 on ring, Chromium's messages: the extra bytes of a poll on a new connection over one on a kept
/// connection. CPU is the extra cost of opening a stream over that without TLS, when 2,000 were opened one after
/// another.
const RESUMED: Handshake = Handshake {
    bytes_in: 550.0,
    bytes_out: 646.0,
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
            request_cpu: 1.0,
            delivery_cpu: 1.0,
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
                request_cpu: 2.0,
                delivery_cpu: 1.8,
                connection_bytes: 21.0 * KIB,
                handshake: RESUMED,
                ..plain
            },
            (Protocol::Http2, false) => FormCost {
                request_cpu: 2.6,
                delivery_cpu: 2.0,
                connection_bytes: 30.0 * KIB,
                ..http2
            },
            (Protocol::Http2, true) => FormCost {
                record_bytes: RECORD_BYTES,
                request_cpu: 2.9,
                delivery_cpu: 2.4,
                connection_bytes: 35.0 * KIB,
                handshake: RESUMED,
                ..http2
            },
        }
    }
}
