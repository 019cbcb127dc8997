//! The figures: one set of counters for each account and protocol, for the whole server or for one
//! client.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use serde::Serialize;

use crate::domain::transport::Transport;

/// What a request's cost counts for: the three transports that read, and publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Account {
    Poll,
    LongPoll,
    Stream,
    Publish,
}

impl Account {
    pub const ALL: [Self; 4] = [Self::Poll, Self::LongPoll, Self::Stream, Self::Publish];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Poll => Transport::Poll.as_str(),
            Self::LongPoll => Transport::LongPoll.as_str(),
            Self::Stream => Transport::Stream.as_str(),
            Self::Publish => "publish",
        }
    }
}

impl From<Transport> for Account {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Poll => Self::Poll,
            Transport::LongPoll => Self::LongPoll,
            Transport::Stream => Self::Stream,
        }
    }
}

/// The protocol of a connection, and whether it runs over TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    Http1,
    Http1Tls,
    H2,
    H2Tls,
}

impl Protocol {
    pub const ALL: [Self; 4] = [Self::Http1, Self::Http1Tls, Self::H2, Self::H2Tls];

    /// The key in `/ledger` and `/metrics`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http1 => "http/1.1",
            Self::Http1Tls => "http/1.1+tls",
            Self::H2 => "h2",
            Self::H2Tls => "h2+tls",
        }
    }

    /// The name of the protocol without TLS, as in log lines and traces.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http1 | Self::Http1Tls => "http/1.1",
            Self::H2 | Self::H2Tls => "h2",
        }
    }

    pub fn is_tls(self) -> bool {
        matches!(self, Self::Http1Tls | Self::H2Tls)
    }
}

/// What one account has cost over one protocol since the server started.
#[derive(Debug, Default)]
pub struct Counters {
    pub requests: AtomicU64,
    pub empty: AtomicU64,
    pub messages: AtomicU64,
    pub wire_bytes_in: AtomicU64,
    pub wire_bytes_out: AtomicU64,
    pub connection_bytes_in: AtomicU64,
    pub connection_bytes_out: AtomicU64,
    pub connections: AtomicU64,
    pub open: AtomicU64,
}

impl Counters {
    pub fn snapshot(&self) -> CounterSnapshot {
        CounterSnapshot {
            requests: self.requests.load(Relaxed),
            empty: self.empty.load(Relaxed),
            messages: self.messages.load(Relaxed),
            wire_bytes_in: self.wire_bytes_in.load(Relaxed),
            wire_bytes_out: self.wire_bytes_out.load(Relaxed),
            connection_bytes_in: self.connection_bytes_in.load(Relaxed),
            connection_bytes_out: self.connection_bytes_out.load(Relaxed),
            connections: self.connections.load(Relaxed),
            open: self.open.load(Relaxed),
        }
    }
}

/// [`Counters`] at one moment. The field names are those of `/ledger`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CounterSnapshot {
    pub requests: u64,
    /// Requests answered with no message.
    pub empty: u64,
    /// Deliveries; for publish, messages appended.
    pub messages: u64,
    /// Bytes of the requests as they crossed the TCP socket, heads included.
    pub wire_bytes_in: u64,
    /// The same for their answers.
    pub wire_bytes_out: u64,
    /// Bytes that belong to connections but not to requests: TLS handshakes, HTTP/2 settings.
    pub connection_bytes_in: u64,
    pub connection_bytes_out: u64,
    /// TCP connections opened for it.
    pub connections: u64,
    /// TCP connections open now that last served it.
    pub open: u64,
}

impl CounterSnapshot {
    /// The difference to `earlier`; `open` keeps its present value.
    pub fn diff(self, earlier: Self) -> Self {
        let open = self.open;
        let added = self.zip(earlier, u64::wrapping_sub);
        Self { open, ..added }
    }

    /// Whether nothing was counted.
    pub fn is_idle(self) -> bool {
        Self { open: 0, ..self } == Self::default()
    }

    fn zip(self, other: Self, combine: fn(u64, u64) -> u64) -> Self {
        Self {
            requests: combine(self.requests, other.requests),
            empty: combine(self.empty, other.empty),
            messages: combine(self.messages, other.messages),
            wire_bytes_in: combine(self.wire_bytes_in, other.wire_bytes_in),
            wire_bytes_out: combine(self.wire_bytes_out, other.wire_bytes_out),
            connection_bytes_in: combine(self.connection_bytes_in, other.connection_bytes_in),
            connection_bytes_out: combine(self.connection_bytes_out, other.connection_bytes_out),
            connections: combine(self.connections, other.connections),
            open: combine(self.open, other.open),
        }
    }
}

impl std::ops::Add for CounterSnapshot {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.zip(other, u64::wrapping_add)
    }
}

/// The counters of every account and protocol. A protocol takes memory only once it occurs.
#[derive(Debug, Default)]
pub struct CounterTable {
    by_protocol: [OnceLock<Box<[Counters; 4]>>; 4],
}

impl CounterTable {
    pub fn get(&self, account: Account, protocol: Protocol) -> &Counters {
        let accounts = self.by_protocol[protocol as usize].get_or_init(Box::default);
        &accounts[account as usize]
    }

    /// An account's figures over each protocol that occurred.
    pub fn protocols(&self, account: Account) -> Vec<(Protocol, CounterSnapshot)> {
        let occurred = Protocol::ALL.into_iter().filter_map(|protocol| {
            let accounts = self.by_protocol[protocol as usize].get()?;
            let snapshot = accounts[account as usize].snapshot();
            (snapshot != CounterSnapshot::default()).then_some((protocol, snapshot))
        });
        occurred.collect()
    }

    /// An account's figures over all protocols.
    pub fn total(&self, account: Account) -> CounterSnapshot {
        let protocols = self.by_protocol.iter().filter_map(OnceLock::get);
        protocols.fold(CounterSnapshot::default(), |sum, accounts| {
            sum + accounts[account as usize].snapshot()
        })
    }

    pub fn totals(&self) -> [(Account, CounterSnapshot); 4] {
        Account::ALL.map(|account| (account, self.total(account)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accounts_total_is_the_sum_over_its_protocols() {
        let table = CounterTable::default();
        let add = |account, protocol, n| {
            table.get(account, protocol).requests.fetch_add(n, Relaxed);
        };
        add(Account::Poll, Protocol::Http1, 3);
        add(Account::Poll, Protocol::H2Tls, 4);
        add(Account::Stream, Protocol::H2, 5);
        assert_eq!(table.total(Account::Poll).requests, 7);
        let occurred = table.protocols(Account::Poll);
        let occurred: Vec<_> = occurred
            .iter()
            .map(|(it, f)| (it.as_str(), f.requests))
            .collect();
        assert_eq!(occurred, [("http/1.1", 3), ("h2+tls", 4)]);
        assert!(table.protocols(Account::Publish).is_empty());
    }
}
