//! How many requests and connections each limit has refused.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What was too much, or not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalReason {
    Connections,
    ConnectionsPerClient,
    PublishRate,
    ReadRate,
    RoomsPerReader,
    Token,
    Room,
}

impl RefusalReason {
    pub const ALL: [Self; 7] = [
        Self::Connections,
        Self::ConnectionsPerClient,
        Self::PublishRate,
        Self::ReadRate,
        Self::RoomsPerReader,
        Self::Token,
        Self::Room,
    ];

    /// Its name in `/metrics`: of a limit, that of its flag.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "max-connections",
            Self::ConnectionsPerClient => "max-connections-per-client",
            Self::PublishRate => "publish-rate",
            Self::ReadRate => "read-rate",
            Self::RoomsPerReader => "rooms-per-reader",
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

    pub fn of(&self, refusal: RefusalReason) -> u64 {
        self.0[refusal as usize].load(Relaxed)
    }
}
