//! The ledger: what each transport cost, in total and per client.
//!
//! Bytes are counted where they cross the socket ([`metered`]), requests and messages by the
//! handlers through an [`exchange::Exchange`]. From the same figures come `/ledger` and
//! `/metrics` ([`http`]), the request lines and summaries ([`lines`]) and the closing table
//! ([`table`]).

pub mod connection;
pub mod counts;
pub mod delays;
pub mod exchange;
pub mod http;
pub mod lines;
pub mod metered;
pub(crate) mod patience;
mod prometheus;
pub mod table;
pub mod trace;

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use jiff::Timestamp;
use lru::LruCache;
use parking_lot::Mutex;

use self::{
    counts::{Account, Figures, Transport},
    delays::Delays,
    lines::Lines,
    trace::Traces,
};
pub use crate::domain::client_label::ClientLabel;

/// Client labels that are remembered; the least recently seen goes first.
const MAX_CLIENTS: NonZeroUsize = NonZeroUsize::new(20_000).expect("not zero");

pub struct Ledger {
    pub since: Timestamp,
    pub totals: Account,
    clients: Mutex<LruCache<ClientLabel, Arc<Account>>>,
    /// By transport; publish has none.
    delays: [Delays; 3],
    /// What the server saw of the clients that want to know.
    pub traces: Traces,
    /// Connections that were numbered, for their traces.
    numbered: AtomicU64,
    pub lines: Lines,
    /// Whether each request is a log line.
    pub request_log: bool,
}

impl Ledger {
    pub fn new(lines: Lines, request_log: bool) -> Self {
        Self {
            since: Timestamp::now(),
            totals: Account::default(),
            clients: Mutex::new(LruCache::new(MAX_CLIENTS)),
            delays: Default::default(),
            traces: Traces::default(),
            numbered: AtomicU64::new(0),
            lines,
            request_log,
        }
    }

    /// The account of a client, opened when it is first seen.
    pub fn client(&self, label: &ClientLabel) -> Arc<Account> {
        self.clients
            .lock()
            .get_or_insert_ref(label, Arc::default)
            .clone()
    }

    /// The account of a client that was seen before; looking does not make it seen.
    pub fn known_client(&self, label: &ClientLabel) -> Option<Arc<Account>> {
        self.clients.lock().peek(label).cloned()
    }

    /// The delays of a transport that reads.
    pub fn delays(&self, transport: Transport) -> Option<&Delays> {
        self.delays.get(transport as usize)
    }

    /// A number for a connection that is being traced.
    fn next_connection(&self) -> u64 {
        self.numbered.fetch_add(1, Relaxed) + 1
    }

    pub fn figures(&self) -> [(Transport, Figures); 4] {
        self.totals.figures()
    }
}
