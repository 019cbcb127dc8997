//! Messages that were read ahead of what a reader asked for, and where from: it will most likely ask
//! for what follows.

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

/// What is read at once for a reader that is behind, if there is so much and readers are few.
const READ_AHEAD: Limit = Limit {
    messages: 4096,
    bytes: 1024 * 1024,
};
/// The most memory kept for all readers; beyond it the least recently seen reader reads again.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// The most readers with messages kept for them.
const MAX_READERS: NonZeroUsize = NonZeroUsize::new(512).expect("above zero");
/// How long a consumer is reused: shorter than JetStream keeps it.
const CONSUMER_TTL: Duration = Duration::from_secs(3);

/// A reader's place: after this message of that room.
type Place = (LogId, Room, u64);

/// What follows a place.
pub struct ReadAhead {
    entries: VecDeque<Entry>,
    /// Of the entries.
    bytes: usize,
    /// The last message that was read.
    pub at: u64,
    /// The room's newest message, when that was last asked.
    pub newest: u64,
    /// What brings the messages after `at`.
    pub source: Option<RoomConsumer>,
    kept_at: Instant,
}

impl ReadAhead {
    /// Nothing yet, after message `id`.
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

    /// Whether there are others after what was read.
    pub fn more(&self) -> bool {
        self.at < self.newest
    }

    pub fn push(&mut self, entry: Entry) {
        self.bytes += entry.size_bytes();
        self.entries.push_back(entry);
    }

    /// What is left of `limit`, if anything is.
    pub fn remaining(&self, limit: Limit) -> Option<Limit> {
        let messages = limit.messages.saturating_sub(self.entries.len());
        let bytes = limit.bytes.saturating_sub(self.bytes);
        (messages > 0 && bytes > 0).then_some(Limit { messages, bytes })
    }

    /// Takes what fits `limit`.
    pub fn take_page(&mut self, limit: Limit) -> Page {
        let mut page = Page::collect(self.entries.iter().cloned(), limit);
        self.entries.drain(..page.entries.len());
        self.bytes -= page.entries.iter().map(Entry::size_bytes).sum::<usize>();
        page.more |= self.more();
        page
    }
}

pub struct ReadAheadCache {
    by_place: LruCache<Place, ReadAhead>,
    bytes: usize,
}

impl Default for ReadAheadCache {
    fn default() -> Self {
        Self {
            by_place: LruCache::new(MAX_READERS),
            bytes: 0,
        }
    }
}

impl ReadAheadCache {
    /// What to read at once for a reader that asks for `limit`: no more than its share of what is kept,
    /// or one reader's messages would drive out another's before that has come for them.
    pub fn fair_share(&self, limit: Limit) -> Limit {
        let share = Limit {
            bytes: READ_AHEAD.bytes.min(MAX_BYTES / (self.by_place.len() + 1)),
            ..READ_AHEAD
        };
        share.max(limit)
    }

    /// What follows message `id`, if that was read ahead, and none of it is retired: `first` is the
    /// oldest message that is retained.
    pub fn take(&mut self, log: LogId, room: &Room, id: u64, first: u64) -> Option<ReadAhead> {
        let mut ahead = self.by_place.pop(&(log, room.clone(), id))?;
        self.bytes -= ahead.bytes;
        if id + 1 < first {
            return None;
        }
        if ahead.kept_at.elapsed() > CONSUMER_TTL {
            ahead.source = None;
        }
        Some(ahead)
    }

    /// Keeps what follows message `id`.
    pub fn put_back(&mut self, log: LogId, room: &Room, id: u64, mut ahead: ReadAhead) {
        if ahead.is_empty() && ahead.source.is_none() {
            return;
        }
        ahead.kept_at = Instant::now();
        self.bytes += ahead.bytes;
        if let Some((_, replaced)) = self.by_place.push((log, room.clone(), id), ahead) {
            self.bytes -= replaced.bytes;
        }
        while self.bytes > MAX_BYTES
            && let Some((_, oldest)) = self.by_place.pop_lru()
        {
            self.bytes -= oldest.bytes;
        }
    }
}
