//! What the server saw of one client, event by event: for the lab's diagram.
//!
//! Only kept for clients that ask for it, the newest events only, and of a bounded number of
//! clients.

use std::{collections::VecDeque, num::NonZeroUsize, sync::Arc};

use jiff::Timestamp;
use lru::LruCache;
use parking_lot::Mutex;
use serde::Serialize;

use super::{ClientLabel, counts::Transport};

/// Events of a client that are kept.
const MAX_EVENTS: usize = 512;
/// Clients whose events are kept; the least recently seen goes first.
const MAX_TRACED: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");

/// The traces of all clients that asked for one.
pub struct Traces(Mutex<LruCache<ClientLabel, Arc<Trace>>>);

/// One client's events. What is not there any more is told by the gap in `seq`.
#[derive(Default)]
pub struct Trace(Mutex<Events>);

#[derive(Default)]
struct Events {
    /// Of the newest event.
    seq: u64,
    newest: VecDeque<Event>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The TCP connection was accepted.
    Opened,
    Request,
    /// A poll's whole answer; of a stream, its head.
    Answer,
    /// Something a stream sent.
    Push,
    /// The TCP connection ended.
    Closed,
}

/// What a push carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    Messages,
    Reset,
    KeepAlive,
    Presence,
}

/// One thing that happened on a connection. The field names are those of `/trace`.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    pub seq: u64,
    /// Microseconds since the Unix epoch.
    pub at_us: i64,
    /// Which connection: a number of this server's.
    pub connection: u64,
    pub kind: Kind,
    pub transport: &'static str,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub messages: u64,
    /// Of an answer.
    pub status: Option<u16>,
    /// Of a push.
    pub content: Option<Content>,
}

impl Event {
    pub fn new(connection: u64, kind: Kind, transport: Transport) -> Self {
        Self {
            seq: 0,
            at_us: Timestamp::now().as_microsecond(),
            connection,
            kind,
            transport: transport.as_str(),
            bytes_in: 0,
            bytes_out: 0,
            messages: 0,
            status: None,
            content: None,
        }
    }
}

impl Default for Traces {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MAX_TRACED)))
    }
}

impl Traces {
    /// The trace of a client, begun when it first asks.
    pub fn of(&self, client: &ClientLabel) -> Arc<Trace> {
        self.0
            .lock()
            .get_or_insert_ref(client, Arc::default)
            .clone()
    }

    /// The trace of a client that asked for one before.
    pub fn known(&self, client: &ClientLabel) -> Option<Arc<Trace>> {
        self.0.lock().peek(client).cloned()
    }
}

impl Trace {
    /// Adds an event, and gives it its number.
    pub fn record(&self, event: Event) {
        let mut events = self.0.lock();
        events.seq += 1;
        let seq = events.seq;
        if events.newest.len() == MAX_EVENTS {
            events.newest.pop_front();
        }
        events.newest.push_back(Event { seq, ..event });
    }

    /// The newest number, and the kept events after `seq`.
    pub fn after(&self, seq: u64) -> (u64, Vec<Event>) {
        let events = self.0.lock();
        let first = events.newest.partition_point(|event| event.seq <= seq);
        let after = events.newest.iter().skip(first).cloned().collect();
        (events.seq, after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_events_are_kept_and_numbered_on() {
        let trace = Trace::default();
        assert_eq!(trace.after(0).0, 0);
        let total = MAX_EVENTS as u64 + 10;
        for connection in 1..=total {
            trace.record(Event::new(connection, Kind::Push, Transport::Stream));
        }
        let (newest, events) = trace.after(0);
        assert_eq!(newest, total);
        assert_eq!(events.len(), MAX_EVENTS);
        assert!(events.iter().all(|event| event.seq == event.connection));
        assert_eq!(trace.after(total - 2).1.len(), 2);
        assert!(trace.after(total + 5).1.is_empty());
    }
}
