//! The store for trying out, tests and benches: the log is in this process, and lost with it.
//!
//! It is limited by retention and, because it is in memory, by bytes.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use jiff::Timestamp;
use parking_lot::Mutex;

use super::{
    AppendError, AppendedMessage, IdempotencyKey, MAX_PRUNED_ROOMS, StoreStatus, appended,
    idempotency::{IDEMPOTENCY_TTL, IdempotencyRecord},
};
use crate::domain::{cursor::LogId, draft::Draft, message::Message, room::Room};
use crate::log::{
    clock::LogClock,
    entry::{Entry, FrameEncoder, Limit, Page},
    retention::Retention,
    tail::RoomSnapshot,
    tail_cache::TailCache,
};

/// The most memory for messages; the oldest are removed first, as by retention.
const MAX_BYTES: usize = 256 * 1024 * 1024;
/// The most memory for idempotency keys; beyond it, the oldest are forgotten early.
const MAX_KEY_BYTES: usize = 64 * 1024 * 1024;

pub struct Memory {
    log: LogId,
    retention: Retention,
    encode: FrameEncoder,
    tails: Arc<TailCache>,
    state: Mutex<MemoryLog>,
}

struct MemoryLog {
    head: u64,
    clock: LogClock,
    bytes: usize,
    /// Every retained message, oldest first.
    all: VecDeque<Entry>,
    rooms: HashMap<Room, VecDeque<Entry>>,
    pruned: PrunedRooms,
    keys: IdempotencyKeys,
}

impl Memory {
    pub fn new(
        log: LogId,
        retention: Retention,
        encode: FrameEncoder,
        tails: Arc<TailCache>,
    ) -> Self {
        let state = MemoryLog {
            head: 0,
            clock: LogClock::new(Timestamp::UNIX_EPOCH),
            bytes: 0,
            all: VecDeque::new(),
            rooms: HashMap::new(),
            pruned: PrunedRooms::default(),
            keys: IdempotencyKeys::default(),
        };
        Self {
            log,
            retention,
            encode,
            tails,
            state: Mutex::new(state),
        }
    }

    pub fn append(
        &self,
        draft: Draft,
        key: Option<IdempotencyKey>,
    ) -> Result<AppendedMessage, AppendError> {
        let mut state = self.state.lock();
        let now = state.clock.now();
        let keys_cutoff = state.clock.older_than(IDEMPOTENCY_TTL);
        if let Some(earlier) = key
            .as_ref()
            .and_then(|key| state.keys.get(key, keys_cutoff))
        {
            return earlier.replay(draft);
        }
        let id = state.head + 1;
        let entry = Entry::new(&Message::new(self.log, id, draft, now).view(), self.encode);
        let answer = appended(self.log, &entry);
        if let Some(key) = key {
            let first_use = IdempotencyRecord {
                at: now,
                cursor: answer.cursor,
                json: answer.json.clone(),
            };
            state.keys.insert(key, first_use);
        }
        state.head = id;
        state.bytes += 2 * entry.size_bytes();
        state.all.push_back(entry.clone());
        state
            .rooms
            .entry(entry.room.clone())
            .or_default()
            .push_back(entry.clone());
        // Under the same lock, so that tails are appended to in the order of the ids.
        self.tails.append(vec![entry]);
        self.prune_entries(&mut state);
        Ok(answer)
    }

    pub fn newest(&self, room: &Room, limit: Limit) -> RoomSnapshot {
        let state = self.state.lock();
        let entries = state.rooms.get(room);
        let newest_first = entries
            .into_iter()
            .flat_map(|entries| entries.iter().rev().cloned());
        let page = Page::collect(newest_first, limit);
        let mut entries = page.entries;
        entries.reverse();
        let loaded_after = match entries.first() {
            Some(first) if page.more => first.id - 1,
            _ => state.pruned.through(room),
        };
        RoomSnapshot {
            entries,
            loaded_after,
            complete: !page.more,
        }
    }

    pub fn after(&self, room: &Room, id: u64, limit: Limit) -> Page {
        let state = self.state.lock();
        let mut page = match state.rooms.get(room) {
            Some(entries) => {
                let start = entries.partition_point(|entry| entry.id <= id);
                Page::collect(entries.range(start..).cloned(), limit)
            }
            None => Page::default(),
        };
        page.expired_through = Some(state.pruned.through(room)).filter(|through| *through > id);
        page
    }

    pub fn before_last(&self, room: &Room, n: usize) -> Option<u64> {
        let state = self.state.lock();
        let entries = state.rooms.get(room)?;
        match n {
            0 => entries.back().map(|entry| entry.id),
            _ => entries
                .get(entries.len().saturating_sub(n))
                .map(|entry| entry.id - 1),
        }
    }

    pub fn newest_ids(&self, room: &Room, n: usize, after: u64) -> Vec<u64> {
        let state = self.state.lock();
        let entries = state.rooms.get(room).into_iter().flatten();
        let newest = entries.rev().map(|entry| entry.id);
        newest.take_while(|id| *id > after).take(n).collect()
    }

    pub fn prune(&self) {
        let mut state = self.state.lock();
        state.clock.now();
        self.prune_entries(&mut state);
    }

    pub fn status(&self) -> StoreStatus {
        let retained_messages = self.state.lock().all.len() as u64;
        StoreStatus {
            name: "memory",
            up: true,
            retained_messages,
        }
    }

    fn prune_entries(&self, state: &mut MemoryLog) {
        let floor = self.retention.prune_through(state.head);
        let cutoff_us = self
            .retention
            .prune_before(&mut state.clock)
            .map_or(i64::MIN, |at| at.as_microsecond());
        let mut through = None;
        while let Some(oldest) = state.all.front() {
            let is_prunable =
                oldest.id <= floor || oldest.sent_at_us < cutoff_us || state.bytes > MAX_BYTES;
            if !is_prunable {
                break;
            }
            through = Some(oldest.id);
            state.prune_oldest();
        }
        if let Some(through) = through {
            self.tails.expire(through);
        }
        let keys_cutoff = state.clock.older_than(IDEMPOTENCY_TTL);
        state.keys.expire(keys_cutoff);
    }
}

impl MemoryLog {
    fn prune_oldest(&mut self) {
        let Some(entry) = self.all.pop_front() else {
            return;
        };
        self.bytes -= 2 * entry.size_bytes();
        self.pruned.note(&entry.room, entry.id);
        if let Some(entries) = self.rooms.get_mut(&entry.room) {
            entries.pop_front();
            if entries.is_empty() {
                self.rooms.remove(&entry.room);
            }
        }
    }
}

/// The last removed message of each room.
#[derive(Default)]
struct PrunedRooms {
    rooms: HashMap<Room, u64>,
    /// The same for all rooms that are not in `rooms`, because there were too many: it is better to report a gap that
    /// may not exist than to miss one.
    others: u64,
}

impl PrunedRooms {
    fn note(&mut self, room: &Room, id: u64) {
        if self.rooms.len() >= MAX_PRUNED_ROOMS && !self.rooms.contains_key(room) {
            self.others = self
                .rooms
                .values()
                .copied()
                .max()
                .unwrap_or(0)
                .max(self.others);
            self.rooms.clear();
        }
        self.rooms.insert(room.clone(), id);
    }

    fn through(&self, room: &Room) -> u64 {
        self.rooms.get(room).copied().unwrap_or(self.others)
    }
}

#[derive(Default)]
struct IdempotencyKeys {
    first_uses: HashMap<IdempotencyKey, IdempotencyRecord>,
    /// In the order of their first use.
    order: VecDeque<IdempotencyKey>,
    bytes: usize,
}

impl IdempotencyKeys {
    fn get(&mut self, key: &IdempotencyKey, cutoff: Timestamp) -> Option<IdempotencyRecord> {
        self.expire(cutoff);
        self.first_uses.get(key).cloned()
    }

    fn insert(&mut self, key: IdempotencyKey, first_use: IdempotencyRecord) {
        self.bytes += cost(&key, &first_use);
        self.order.push_back(key.clone());
        self.first_uses.insert(key, first_use);
    }

    fn expire(&mut self, cutoff: Timestamp) {
        while let Some(oldest) = self.order.front() {
            let expired = self
                .first_uses
                .get(oldest)
                .is_none_or(|first| first.is_expired(cutoff));
            if !expired && self.bytes <= MAX_KEY_BYTES {
                break;
            }
            if let Some(key) = self.order.pop_front()
                && let Some(first_use) = self.first_uses.remove(&key)
            {
                self.bytes -= cost(&key, &first_use);
            }
        }
    }
}

fn cost(key: &IdempotencyKey, first_use: &IdempotencyRecord) -> usize {
    const STRUCT_OVERHEAD_BYTES: usize = 256;
    2 * key.as_str().len() + first_use.json.len() + STRUCT_OVERHEAD_BYTES
}
