//! Messages that were read ahead for a reader, and their source, because the reader will probably ask for them next.

use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use lru::LruCache;

use super::room_consumer::RoomConsumer;
use crate::{
    domain::{cursor::LogId, room::Room},
    log::entry::{Entry, Limit, Page},
};

/// The most that is read at a time for a reader that is behind, if there are few readers.
const READ_AHEAD: Limit = Limit {
    messages: 4096,
    bytes: 1024 * 1024,
};
/// The most memory for all readers; beyond it, the messages of the least recently seen reader are dropped.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// The most readers with messages kept for them.
const MAX_READERS: NonZeroUsize = NonZeroUsize::new(512).expect("above zero");
/// How long a consumer is reused: shorter than the time for which JetStream keeps it.
const CONSUMER_TTL: Duration = Duration::from_secs(3);

/// A reader's position: after this message of that room.
type ReadAheadKey = (LogId, Room, u64);

/// The messages after a position.
pub struct ReadAhead {
    entries: VecDeque<Entry>,
    /// The size of the entries.
    bytes: usize,
    /// The last message that was read.
    pub at: u64,
    /// The room's newest message, as of the last check.
    pub newest: u64,
    /// The consumer that delivers the messages after `at`.
    pub source: Option<RoomConsumer>,
    kept_at: Instant,
}

impl ReadAhead {
    /// An empty value, at the position after message `id`.
    pub fn after(id: u64) -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            at: id,
            newest: 0,
            source: None,
            kept_at: Instant::now(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether there are further messages.
    pub fn more(&self) -> bool {
        self.at < self.newest
    }

    pub fn push(&mut self, entry: Entry) {
        self.bytes += entry.size_bytes();
        self.entries.push_back(entry);
    }

    /// The rest of `limit`, if any.
    pub fn remaining(&self, limit: Limit) -> Option<Limit> {
        let messages = limit.messages.saturating_sub(self.entries.len());
        let bytes = limit.bytes.saturating_sub(self.bytes);
        (messages > 0 && bytes > 0).then_some(Limit { messages, bytes })
    }

    /// Takes the messages that fit `limit`.
    pub fn take_page(&mut self, limit: Limit) -> Page {
        let mut page = Page::collect(self.entries.iter().cloned(), limit);
        self.entries.drain(..page.entries.len());
        self.bytes -= page.entries.iter().map(Entry::size_bytes).sum::<usize>();
        page.more |= self.more();
        page
    }
}

pub struct ReadAheadCache {
    by_key: LruCache<ReadAheadKey, ReadAhead>,
    bytes: usize,
}

impl Default for ReadAheadCache {
    fn default() -> Self {
        Self {
            by_key: LruCache::new(MAX_READERS),
            bytes: 0,
        }
    }
}

impl ReadAheadCache {
    /// How much to read at a time for a reader that asks for `limit`: at most its share of the memory. Otherwise one
    /// reader's messages would drive out another's before that reader gets them.
    pub fn fair_share(&self, limit: Limit) -> Limit {
        let share = Limit {
            bytes: READ_AHEAD.bytes.min(MAX_BYTES / (self.by_key.len() + 1)),
            ..READ_AHEAD
        };
        share.max(limit)
    }

    /// Takes the messages after `id`, if they were read ahead and none of them has been removed: `first` is the
    /// oldest retained message.
    pub fn take(&mut self, log: LogId, room: &Room, id: u64, first: u64) -> Option<ReadAhead> {
        let mut ahead = self.by_key.pop(&(log, room.clone(), id))?;
        self.bytes -= ahead.bytes;
        if id + 1 < first {
            return None;
        }
        if ahead.kept_at.elapsed() > CONSUMER_TTL {
            ahead.source = None;
        }
        Some(ahead)
    }

    /// Keeps the messages after `id`.
    pub fn put_back(&mut self, log: LogId, room: &Room, id: u64, mut ahead: ReadAhead) {
        if ahead.is_empty() && ahead.source.is_none() {
            return;
        }
        ahead.kept_at = Instant::now();
        self.bytes += ahead.bytes;
        if let Some((_, replaced)) = self.by_key.push((log, room.clone(), id), ahead) {
            self.bytes -= replaced.bytes;
        }
        while self.bytes > MAX_BYTES
            && let Some((_, oldest)) = self.by_key.pop_lru()
        {
            self.bytes -= oldest.bytes;
        }
    }
}
