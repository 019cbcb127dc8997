//! The tails of all rooms, bounded in bytes for the whole process.
//!
//! The oldest message of the whole log is evicted first, whatever its room. A room without
//! messages in memory and without readers is forgotten.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use lru::LruCache;
use parking_lot::Mutex;

use super::{
    entry::Entry,
    tail::{RoomSnapshot, Tail},
};
use crate::domain::{
    cursor::{Cursor, LogId},
    room::Room,
    room_set::RoomSet,
};

/// Empty rooms that stay known for a while, so that polling one does not ask the store each time.
const IDLE_ROOMS: usize = 1024;

pub struct TailCache {
    budget_bytes: usize,
    /// The newest message of the log that readers can see.
    head: AtomicU64,
    /// The newest message that a reader may have been given: it may be ahead of `head` while a batch
    /// is being published, and a cursor up to here belongs to this log.
    visible_through: AtomicU64,
    rooms: Mutex<TailsByRoom>,
}

struct TailsByRoom {
    log: LogId,
    tails: HashMap<Room, Arc<Tail>>,
    /// Every entry of every tail by id: the order of eviction.
    order: BTreeMap<u64, Arc<Tail>>,
    bytes: usize,
    /// The store no longer retains the messages up to here. A room's history that was read before may still have them.
    expired_through: u64,
    /// Rooms that were empty when a reader left, the least recent first.
    idle: LruCache<Room, ()>,
    closed: bool,
}

/// How full the tails are.
#[derive(Debug, Clone, Copy)]
pub struct TailCacheStats {
    pub rooms: usize,
    pub messages: usize,
    pub bytes: usize,
}

impl TailCache {
    /// The tails of `log`, whose newest message is `head`.
    pub fn new(budget_bytes: usize, log: LogId, head: u64) -> Self {
        Self {
            budget_bytes,
            head: AtomicU64::new(head),
            visible_through: AtomicU64::new(head),
            rooms: Mutex::new(TailsByRoom {
                log,
                tails: HashMap::new(),
                order: BTreeMap::new(),
                bytes: 0,
                expired_through: 0,
                idle: LruCache::unbounded(),
                closed: false,
            }),
        }
    }

    /// The log whose messages these are.
    pub fn log(&self) -> LogId {
        self.rooms.lock().log
    }

    /// Switches to another log, whose newest message is `head`, and notifies readers of the old one.
    pub fn replace_log(&self, log: LogId, head: u64) {
        let old = {
            let mut rooms = self.rooms.lock();
            rooms.log = log;
            rooms.order.clear();
            rooms.bytes = 0;
            rooms.expired_through = 0;
            rooms.idle.clear();
            self.head.store(head, Ordering::Release);
            self.visible_through.store(head, Ordering::Release);
            let old = std::mem::take(&mut rooms.tails);
            // Under the lock, so that no reader adds the old log's history to them meanwhile.
            old.values().for_each(|tail| tail.mark_replaced());
            old
        };
        for tail in old.into_values() {
            tail.notify();
        }
    }

    /// Drops everything, because messages up to `through` may be missing here: readers that lack
    /// them read from the store.
    pub fn reset_to(&self, through: u64) {
        let tails: Vec<Arc<Tail>> = {
            let mut rooms = self.rooms.lock();
            rooms.order.clear();
            rooms.bytes = 0;
            for tail in rooms.tails.values() {
                tail.reset_to(through);
            }
            self.visible_through.fetch_max(through, Ordering::AcqRel);
            self.head.store(through, Ordering::Release);
            rooms.tails.values().cloned().collect()
        };
        for tail in tails {
            tail.notify();
        }
    }

    /// The newest id of the whole log that readers can see.
    pub fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// The head while no append is in progress.
    pub fn settled_head(&self) -> u64 {
        let _rooms = self.rooms.lock();
        self.head()
    }

    /// Lets readers get messages up to `id` from now on.
    pub fn advance_visible(&self, id: u64) {
        self.visible_through.fetch_max(id, Ordering::AcqRel);
    }

    /// The newest message that a reader may have been given.
    pub fn visible_through(&self) -> u64 {
        self.visible_through.load(Ordering::Acquire)
    }

    /// The tail of `room`; a new one covers what comes after the present head.
    pub fn tail(&self, room: &Room) -> Arc<Tail> {
        let mut rooms = self.rooms.lock();
        // Read under the lock: an append moves the head under the same lock.
        rooms.tail(room, self.head()).clone()
    }

    /// Whether the rooms are in memory, and have nothing after `cursor`.
    pub fn is_up_to_date(&self, of: &RoomSet, cursor: Cursor) -> bool {
        let rooms = self.rooms.lock();
        let is_up_to_date = |room| {
            let tail = rooms.tails.get(room);
            tail.is_some_and(|tail| tail.is_up_to_date(cursor.id))
        };
        rooms.log == cursor.log
            && cursor.id <= self.visible_through()
            && of.iter().all(is_up_to_date)
    }

    /// Makes `entries`, which follow the head in order, visible to readers and wakes them.
    pub fn append(&self, entries: Vec<Entry>) {
        let Some(head) = entries.last().map(|entry| entry.id) else {
            return;
        };
        self.advance_visible(head);
        let mut wait: Vec<Arc<Tail>> = Vec::new();
        {
            let mut rooms = self.rooms.lock();
            for entry in entries {
                let tail = rooms.tail(&entry.room, self.head()).clone();
                rooms.bytes += entry.size_bytes();
                rooms.order.insert(entry.id, tail.clone());
                tail.push(entry);
                if !wait.iter().any(|known| Arc::ptr_eq(known, &tail)) {
                    wait.push(tail);
                }
            }
            self.head.store(head, Ordering::Release);
            rooms.evict_to_budget(self.budget_bytes);
        }
        for tail in wait {
            tail.notify();
        }
    }

    /// Puts a room's history before the newer messages; see [`Tail::prepend`].
    pub fn prepend(&self, tail: &Arc<Tail>, snapshot: &RoomSnapshot, until: u64) {
        let mut rooms = self.rooms.lock();
        if tail.is_replaced() {
            return;
        }
        let taken = tail.prepend(snapshot, until);
        for entry in &snapshot.entries[..taken] {
            rooms.bytes += entry.size_bytes();
            rooms.order.insert(entry.id, tail.clone());
        }
        rooms.evict_expired();
        rooms.evict_to_budget(self.budget_bytes);
    }

    /// Drops what the store no longer retains: every message up to `through`.
    pub fn expire(&self, through: u64) {
        let mut rooms = self.rooms.lock();
        rooms.expired_through = rooms.expired_through.max(through);
        rooms.evict_expired();
    }

    /// Called when a reader leaves `tail`, because an empty room need not stay for long.
    pub fn release(&self, tail: &Arc<Tail>) {
        if !tail.is_empty() {
            return;
        }
        let mut rooms = self.rooms.lock();
        rooms.idle.put(tail.room.clone(), ());
        if rooms.idle.len() > IDLE_ROOMS
            && let Some((room, ())) = rooms.idle.pop_lru()
        {
            rooms.forget_if_idle(&room);
        }
    }

    /// Makes the readers of every room end, now and in future.
    pub fn close(&self) {
        let tails: Vec<Arc<Tail>> = {
            let mut rooms = self.rooms.lock();
            rooms.closed = true;
            rooms.tails.values().cloned().collect()
        };
        for tail in tails {
            tail.close();
        }
    }

    pub fn size(&self) -> TailCacheStats {
        let rooms = self.rooms.lock();
        TailCacheStats {
            rooms: rooms.tails.len(),
            messages: rooms.order.len(),
            bytes: rooms.bytes,
        }
    }
}

impl TailsByRoom {
    fn tail(&mut self, room: &Room, head: u64) -> &Arc<Tail> {
        if !self.tails.contains_key(room) {
            let tail = Tail::new(self.log, room.clone(), head);
            if self.closed {
                tail.close();
            }
            self.tails.insert(room.clone(), Arc::new(tail));
        }
        &self.tails[room]
    }

    fn evict_to_budget(&mut self, budget_bytes: usize) {
        while self.bytes > budget_bytes && !self.order.is_empty() {
            self.evict_oldest(true);
        }
    }

    fn evict_expired(&mut self) {
        let through = self.expired_through;
        while self
            .order
            .first_key_value()
            .is_some_and(|(&id, _)| id <= through)
        {
            self.evict_oldest(false);
        }
    }

    fn evict_oldest(&mut self, kept_in_store: bool) {
        let Some((id, tail)) = self.order.pop_first() else {
            return;
        };
        if let Some(entry) = tail.evict(id, kept_in_store) {
            self.bytes -= entry.size_bytes();
        }
        let room = tail.room.clone();
        drop(tail);
        self.forget_if_idle(&room);
    }

    fn forget_if_idle(&mut self, room: &Room) {
        // The map's own handle is the only one: no reader, and no entry in `order`.
        let idle = self
            .tails
            .get(room)
            .is_some_and(|tail| Arc::strong_count(tail) == 1 && tail.is_empty());
        if idle {
            self.tails.remove(room);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        domain::message::MessageView,
        log::{entry::Limit, tail::TailLookup},
    };

    const LIMIT: Limit = Limit {
        messages: 10,
        bytes: 1 << 20,
    };

    fn entry(log: LogId, id: u64) -> Entry {
        let message = MessageView {
            cursor: Cursor { log, id },
            room: &Room::default(),
            author: "mina",
            text: "hello",
            sent_at: Timestamp::UNIX_EPOCH,
        };
        Entry::new(&message, |_, _| 0..0)
    }

    /// The ids after `id` that the tail has; `None`: the store must be asked.
    fn ids_after(tail: &Tail, id: u64) -> Option<Vec<u64>> {
        match tail.after(id, LIMIT) {
            TailLookup::Found(page) => Some(page.entries.iter().map(|entry| entry.id).collect()),
            TailLookup::UpToDate => Some(Vec::new()),
            _ => None,
        }
    }

    #[test]
    fn a_history_has_no_messages_that_expired_while_it_was_read() {
        let log = LogId::from_u64(1);
        let cache = TailCache::new(1 << 20, log, 4);
        let tail = cache.tail(&Room::default());
        let until = tail.history_needed_from().expect("not loaded yet");
        let snapshot = RoomSnapshot {
            entries: (1..=4).map(|id| entry(log, id)).collect(),
            loaded_after: 0,
            complete: true,
        };
        cache.expire(3);
        cache.prepend(&tail, &snapshot, until);
        assert_eq!(ids_after(&tail, 0), None);
        assert_eq!(ids_after(&tail, 3), Some(vec![4]));
        assert_eq!((cache.size().messages, tail.newest()), (1, Some(4)));
        cache.expire(4);
        assert_eq!(ids_after(&tail, 4), Some(Vec::new()));
    }
}
