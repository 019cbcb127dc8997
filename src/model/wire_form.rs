//! The four forms of the same requests: HTTP/1.1 and HTTP/2, each with and without TLS, and the bytes that each adds to
//! those over HTTP/1.1 without TLS. [`FormConstants`](crate::FormConstants) has the CPU and the memory.
//!
//! The bytes were measured on this project's server: those of requests and events with `compare`, those of handshakes
//! by `cargo bench --bench forms`.

use serde::{Deserialize, Serialize};

use crate::Protocol;

/// A version of HTTP, with or without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WireForm {
    pub protocol: Protocol,
    pub tls: bool,
}

/// The bytes that a form takes more than HTTP/1.1 without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FormBytes {
    /// Each request, answer, event and keep-alive: a TLS record's frame.
    pub record: f64,
    /// An answer's head: HPACK's is shorter.
    pub answer: f64,
    /// The field `date` of an answer in another second than the last one on its connection.
    pub date: f64,
    /// An event or a keep-alive: a DATA frame in place of a chunk.
    pub event: f64,
    /// A TLS handshake that resumes a session, as a returning browser does: from the client, and to it.
    pub handshake_in: f64,
    pub handshake_out: f64,
}

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

    /// Whether the accelerator serves it, and most constants were measured over it.
    pub fn is_plain(self) -> bool {
        self == Self::default()
    }

    /// The name for output.
    pub fn description(self) -> String {
        let tls = if self.tls { "over TLS" } else { "without TLS" };
        format!("{} {tls}", self.protocol.description())
    }

    pub fn bytes(self) -> FormBytes {
        let of_protocol = match self.protocol {
            Protocol::Http1 => FormBytes::default(),
            Protocol::Http2 => FormBytes {
                answer: -112.0,
                date: 22.0,
                event: 3.0,
                ..FormBytes::default()
            },
        };
        match self.tls {
            false => of_protocol,
            // TLS 1.3 with X25519: header, content type and tag of a record; and the bytes that a poll on a new
            // connection takes more than one on a kept connection.
            true => FormBytes {
                record: 22.0,
                handshake_in: 524.0,
                handshake_out: 461.0,
                ..of_protocol
            },
        }
    }
}
