//! Counts the requests and connections that each limit has refused or closed.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The reason of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalReason {
    Connections,
    ConnectionsPerClient,
    PublishRate,
    ReadRate,
    RoomsPerReader,
    /// A request's head is too large, or does not arrive in time.
    Head,
    /// The same for its body.
    Body,
    /// TLS or HTTP/2 is not set up in time.
    Handshake,
    /// No request came within the keep-alive time.
    Idle,
    Tickets,
    Token,
    Room,
}

impl RefusalReason {
    pub const ALL: [Self; 12] = [
        Self::Connections,
        Self::ConnectionsPerClient,
        Self::PublishRate,
        Self::ReadRate,
        Self::RoomsPerReader,
        Self::Head,
        Self::Body,
        Self::Handshake,
        Self::Idle,
        Self::Tickets,
        Self::Token,
        Self::Room,
    ];

    /// The name in `/metrics`; for a limit, the name of its flag.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "max-connections",
            Self::ConnectionsPerClient => "max-connections-per-client",
            Self::PublishRate => "publish-rate",
            Self::ReadRate => "read-rate",
            Self::RoomsPerReader => "rooms-per-reader",
            Self::Head => "head",
            Self::Body => "body",
            Self::Handshake => "handshake",
            Self::Idle => "idle",
            Self::Tickets => "tickets",
            Self::Token => "token",
            Self::Room => "room",
        }
    }
}

#[derive(Debug, Default)]
pub struct RefusalCounters([AtomicU64; RefusalReason::ALL.len()]);

impl RefusalCounters {
    pub fn count(&self, refusal: RefusalReason) {
        self.0[refusal as usize].fetch_add(1, Relaxed);
    }

    /// How often it occurred since the server started.
    pub fn total(&self, refusal: RefusalReason) -> u64 {
        self.0[refusal as usize].load(Relaxed)
    }
}
