//! The ledger: what each transport cost, in total and per client.
//!
//! The code that counts bytes charges them through a [`connection_meter::ConnectionMeter`]; handlers record requests
//! and messages through a [`request_recorder::RequestRecorder`]. `/ledger`, `/metrics`, the log lines
//! ([`access_log`]) and the closing table ([`summary_table`]) show the same figures. Nothing here depends on sockets,
//! HTTP or faults.

pub mod access_log;
mod access_log_entry;
mod attribution;
pub mod client_rooms;
pub mod client_table;
pub mod connection_meter;
pub mod counters;
pub mod histogram;
pub mod request_recorder;
mod request_state;
pub mod summary_table;
mod terminal_line;
pub mod trace;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use jiff::Timestamp;

use self::{
    access_log::EventLog,
    client_table::ClientTable,
    counters::{Account, CounterTable},
    histogram::DelayHistogram,
    trace::TraceTable,
};

pub struct Ledger {
    pub since: Timestamp,
    pub totals: CounterTable,
    pub clients: ClientTable,
    /// By account; publish has none.
    delays: [DelayHistogram; 3],
    /// The traces of the clients that asked for one.
    pub traces: TraceTable,
    /// The number of connections that have a number in traces.
    numbered: AtomicU64,
    pub log: EventLog,
    /// Whether to log each request.
    pub request_log: bool,
}

impl Ledger {
    pub fn new(log: EventLog, request_log: bool) -> Self {
        Self {
            since: Timestamp::now(),
            totals: CounterTable::default(),
            clients: ClientTable::default(),
            delays: Default::default(),
            traces: TraceTable::default(),
            numbered: AtomicU64::new(0),
            log,
            request_log,
        }
    }

    /// The delays of an account; `None` for publishing.
    pub fn delays(&self, account: Account) -> Option<&DelayHistogram> {
        self.delays.get(account as usize)
    }

    /// A number for a connection that is being traced.
    fn next_connection(&self) -> u64 {
        self.numbered.fetch_add(1, Relaxed) + 1
    }
}
