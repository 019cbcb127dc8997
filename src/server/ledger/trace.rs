//! The events that the server recorded of one client, for the lab's diagram.
//!
//! Only clients that ask for it have a trace. Both the events of a client and the number of clients are bounded.

use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    sync::{Arc, Weak},
};

use jiff::Timestamp;
use lru::LruCache;
use parking_lot::Mutex;
use serde::Serialize;

use super::{
    client_rooms::ClientRooms,
    counters::{Account, Protocol},
};
use crate::domain::client_label::ClientLabel;

/// The most events of a client; the oldest are dropped first.
const MAX_EVENTS: usize = 512;
/// The most clients with a trace; the least recently seen is dropped first.
const MAX_TRACED_CLIENTS: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");

/// The most clients that get an event when a connection that served them ends. A proxy's connection may serve many
/// more.
const MAX_TRACED_CLIENTS_PER_CONNECTION: usize = 8;

/// The traces of all clients that asked for one.
pub struct TraceTable(Mutex<LruCache<ClientLabel, Arc<ClientTrace>>>);

/// One client's events. A gap in `seq` shows that older ones were dropped.
#[derive(Default)]
pub struct ClientTrace {
    /// The rooms that the client was used in since the first event.
    pub rooms: Arc<ClientRooms>,
    events: Mutex<TraceEvents>,
}

#[derive(Default)]
struct TraceEvents {
    /// The number of the newest event.
    seq: u64,
    newest: VecDeque<Event>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TraceEventKind {
    /// The TCP connection was accepted.
    Opened,
    Request,
    /// A poll's complete answer, or a stream's head.
    Answer,
    /// Something a stream sent.
    Push,
    /// The TCP connection ended.
    Closed,
}

/// What a push carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PushKind {
    Messages,
    Reset,
    KeepAlive,
    Presence,
}

/// The server accepts no other version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum TlsVersion {
    #[serde(rename = "1.2")]
    V1_2,
    #[serde(rename = "1.3")]
    V1_3,
}

/// One thing that happened on a connection. The field names are those of `/trace`.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    pub seq: u64,
    /// Microseconds since the Unix epoch.
    pub at_us: i64,
    /// This server's number of the connection.
    pub connection: u64,
    pub kind: TraceEventKind,
    pub transport: &'static str,
    pub protocol: &'static str,
    pub tls: bool,
    /// Such as `1.3`, for a connection over TLS.
    pub tls_version: Option<TlsVersion>,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub messages: u64,
    /// The status of an answer.
    pub status: Option<u16>,
    /// What a push contained.
    pub content: Option<PushKind>,
}

impl Event {
    pub fn new(kind: TraceEventKind, account: Account, protocol: Protocol) -> Self {
        Self {
            seq: 0,
            at_us: Timestamp::now().as_microsecond(),
            connection: 0,
            kind,
            transport: account.as_str(),
            protocol: protocol.name(),
            tls: protocol.is_tls(),
            tls_version: None,
            bytes_in: 0,
            bytes_out: 0,
            messages: 0,
            status: None,
            content: None,
        }
    }
}

impl Default for TraceTable {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MAX_TRACED_CLIENTS)))
    }
}

impl TraceTable {
    /// The trace of a client, created when it first asks. `rooms` are those of its present figures: a trace from before
    /// these were forgotten is dropped, because the rooms of its further events would not be known.
    pub fn open(&self, client: &ClientLabel, rooms: &Arc<ClientRooms>) -> Arc<ClientTrace> {
        let mut traces = self.0.lock();
        if let Some(known) = traces.get(client)
            && Arc::ptr_eq(&known.rooms, rooms)
        {
            return known.clone();
        }
        let new = Arc::new(ClientTrace {
            rooms: rooms.clone(),
            events: Mutex::default(),
        });
        traces.put(client.clone(), new.clone());
        new
    }

    /// The trace of a client that asked for one before.
    pub fn find(&self, client: &ClientLabel) -> Option<Arc<ClientTrace>> {
        self.0.lock().peek(client).cloned()
    }
}

impl ClientTrace {
    /// Adds an event and numbers it.
    pub fn record(&self, event: Event) {
        let mut events = self.events.lock();
        events.seq += 1;
        let seq = events.seq;
        if events.newest.len() == MAX_EVENTS {
            events.newest.pop_front();
        }
        events.newest.push_back(Event { seq, ..event });
    }

    /// The newest number, and the kept events after `seq`.
    pub fn after(&self, seq: u64) -> (u64, Vec<Event>) {
        let events = self.events.lock();
        let first = events.newest.partition_point(|event| event.seq <= seq);
        let after = events.newest.iter().skip(first).cloned().collect();
        (events.seq, after)
    }
}

/// A connection whose events are traced.
pub(super) struct ConnectionTrace {
    number: u64,
    accepted_at_us: i64,
    /// The traces of the clients that it served, the present one last. Weak, so that a connection does not keep a
    /// dropped trace in memory.
    traces: Vec<Weak<ClientTrace>>,
}

impl ConnectionTrace {
    pub fn new(number: u64, accepted_at_us: i64) -> Self {
        Self {
            number,
            accepted_at_us,
            traces: Vec::new(),
        }
    }

    /// Makes `trace` the present one. It gets the event `opened` if the connection is new to it.
    pub fn switch_to(&mut self, trace: &Arc<ClientTrace>, opened: Event) {
        let trace = Arc::downgrade(trace);
        if let Some(at) = self.traces.iter().position(|each| each.ptr_eq(&trace)) {
            self.traces[at..].rotate_left(1);
            return;
        }
        if self.traces.len() == MAX_TRACED_CLIENTS_PER_CONNECTION {
            self.traces.remove(0);
        }
        self.traces.push(trace);
        self.record(Event {
            at_us: self.accepted_at_us,
            ..opened
        });
    }

    /// Adds an event to the present client's trace.
    fn record(&self, event: Event) {
        self.record_in(self.traces.last(), &event);
    }

    /// Adds an event to a client's trace.
    pub fn record_for(&self, client: &Weak<ClientTrace>, event: Event) {
        self.record_in([client], &event);
    }

    /// Adds an event to the traces of all clients that the connection served.
    pub fn record_for_all(&self, event: &Event) {
        self.record_in(&self.traces, event);
    }

    fn record_in<'a>(
        &self,
        traces: impl IntoIterator<Item = &'a Weak<ClientTrace>>,
        event: &Event,
    ) {
        for trace in traces.into_iter().filter_map(Weak::upgrade) {
            trace.record(Event {
                connection: self.number,
                ..event.clone()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_events_are_kept_and_numbered_on() {
        let trace = ClientTrace::default();
        assert_eq!(trace.after(0).0, 0);
        let total = MAX_EVENTS as u64 + 10;
        for connection in 1..=total {
            let event = Event::new(TraceEventKind::Push, Account::Stream, Protocol::Http1);
            trace.record(Event {
                connection,
                ..event
            });
        }
        let (newest, events) = trace.after(0);
        assert_eq!(newest, total);
        assert_eq!(events.len(), MAX_EVENTS);
        assert!(events.iter().all(|event| event.seq == event.connection));
        assert_eq!(trace.after(total - 2).1.len(), 2);
        assert!(trace.after(total + 5).1.is_empty());
    }
}
