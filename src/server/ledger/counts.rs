//! The figures: one set of counters per transport, for the whole server or for one client.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;

pub use crate::domain::transport::Transport;

/// What one transport cost, counting up since the server started.
#[derive(Debug, Default)]
pub struct Counts {
    pub requests: AtomicU64,
    pub empty: AtomicU64,
    pub messages: AtomicU64,
    pub wire_bytes_in: AtomicU64,
    pub wire_bytes_out: AtomicU64,
    pub connections: AtomicU64,
    pub open: AtomicU64,
}

impl Counts {
    pub fn snapshot(&self) -> Figures {
        Figures {
            requests: self.requests.load(Relaxed),
            empty: self.empty.load(Relaxed),
            messages: self.messages.load(Relaxed),
            wire_bytes_in: self.wire_bytes_in.load(Relaxed),
            wire_bytes_out: self.wire_bytes_out.load(Relaxed),
            connections: self.connections.load(Relaxed),
            open: self.open.load(Relaxed),
        }
    }
}

/// [`Counts`] at one moment. The field names are those of `/ledger`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Figures {
    pub requests: u64,
    /// Requests answered with no message.
    pub empty: u64,
    /// Deliveries; for publish, messages appended.
    pub messages: u64,
    pub wire_bytes_in: u64,
    pub wire_bytes_out: u64,
    /// TCP connections opened for it.
    pub connections: u64,
    /// TCP connections open now that last served it.
    pub open: u64,
}

impl Figures {
    /// What was added since `earlier`; `open` stays what it is now.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            requests: self.requests - earlier.requests,
            empty: self.empty - earlier.empty,
            messages: self.messages - earlier.messages,
            wire_bytes_in: self.wire_bytes_in - earlier.wire_bytes_in,
            wire_bytes_out: self.wire_bytes_out - earlier.wire_bytes_out,
            connections: self.connections - earlier.connections,
            open: self.open,
        }
    }

    /// Whether anything happened.
    pub fn is_idle(self) -> bool {
        Self { open: 0, ..self } == Self::default()
    }
}

/// The counts of every transport.
#[derive(Debug, Default)]
pub struct Account([Counts; 4]);

impl Account {
    pub fn of(&self, transport: Transport) -> &Counts {
        &self.0[transport as usize]
    }

    pub fn figures(&self) -> [(Transport, Figures); 4] {
        Transport::ALL.map(|transport| (transport, self.of(transport).snapshot()))
    }
}
