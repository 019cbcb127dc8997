//! Messages that were read ahead of what a reader asked for: it will most likely ask for them next.

use std::collections::VecDeque;

use lru::LruCache;

use crate::{
    cursor::LogId,
    log::entry::{Entry, Limit, Page},
    message::Room,
};

/// What is read at once for a reader that is behind, if there is so much.
pub const READ_AHEAD: Limit = Limit {
    messages: 2048,
    bytes: 512 * 1024,
};
/// The most that is kept for all readers; who has not come for the longest time reads anew.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// A reader's place: after this message of that room.
type Place = (LogId, Room, u64);

/// What follows a place.
struct Ahead {
    entries: VecDeque<Entry>,
    /// There are others after these.
    more: bool,
    bytes: usize,
}

pub struct Aheads {
    by_place: LruCache<Place, Ahead>,
    bytes: usize,
}

impl Default for Aheads {
    fn default() -> Self {
        Self {
            by_place: LruCache::unbounded(),
            bytes: 0,
        }
    }
}

impl Aheads {
    /// What fits `limit` of `entries`, which follow one another; the rest is kept for the next read.
    pub fn give(
        &mut self,
        log: LogId,
        room: &Room,
        entries: VecDeque<Entry>,
        more: bool,
        limit: Limit,
    ) -> Page {
        let mut page = Page::collect(entries.iter().cloned(), limit);
        let mut entries = entries;
        entries.drain(..page.entries.len());
        page.more |= more;
        if let Some(newest) = page.entries.last()
            && !entries.is_empty()
        {
            let bytes = entries.iter().map(Entry::cost).sum();
            let ahead = Ahead {
                entries,
                more,
                bytes,
            };
            self.keep((log, room.clone(), newest.id), ahead);
        }
        page
    }

    /// What follows message `id`, if that was read ahead, and none of it is retired: `first` is the
    /// oldest message that is retained.
    pub fn take(
        &mut self,
        log: LogId,
        room: &Room,
        id: u64,
        first: u64,
        limit: Limit,
    ) -> Option<Page> {
        let ahead = self.by_place.pop(&(log, room.clone(), id))?;
        self.bytes -= ahead.bytes;
        if id + 1 < first {
            return None;
        }
        Some(self.give(log, room, ahead.entries, ahead.more, limit))
    }

    fn keep(&mut self, place: Place, ahead: Ahead) {
        self.bytes += ahead.bytes;
        if let Some((_, replaced)) = self.by_place.push(place, ahead) {
            self.bytes -= replaced.bytes;
        }
        while self.bytes > MAX_BYTES
            && let Some((_, oldest)) = self.by_place.pop_lru()
        {
            self.bytes -= oldest.bytes;
        }
    }
}
