//! One room's tail: its newest messages, encoded, and the wakers of readers that wait for more.
//!
//! A tail *covers* every message of the room after `loaded_after`: within that range it answers
//! alone. A reader further back is `Behind` and is served by the store.
//!
//! The wakers are behind the tail's lock, so that "nothing new" and "wake me" are one step and no
//! notification is lost between them.

use std::{
    collections::VecDeque,
    task::{Context, Waker},
};

use parking_lot::Mutex;
use slab::Slab;

use super::{
    entry::{Entry, Limit, Page},
    frame_batch::{BATCH_BYTES, FrameBatch},
};
use crate::domain::{cursor::LogId, room::Room};

/// Batches a tail keeps ready, so that readers in step share each batch of a burst.
const BATCHES_CACHED: usize = 4;

/// A room's newest messages as the store has them.
#[derive(Debug)]
pub struct RoomSnapshot {
    pub entries: Vec<Entry>,
    /// The room has no message after this position and before the first of `entries`.
    pub loaded_after: u64,
    /// Whether there is no retained message before that either.
    pub complete: bool,
}

/// What a tail knows about the messages after a position.
#[derive(Debug)]
pub enum TailLookup<T> {
    Found(T),
    UpToDate,
    /// The position is before the range that the tail covers: read from the store.
    Behind,
    /// Another log has replaced this one, which gets no more messages.
    LogReplaced,
}

pub struct Tail {
    pub log: LogId,
    pub room: Room,
    state: Mutex<TailState>,
}

struct TailState {
    loaded_after: u64,
    /// The tail has every retained message of the room; the store has no older ones.
    complete: bool,
    /// The store's history was loaded and prepended.
    loaded: bool,
    entries: VecDeque<Entry>,
    /// The latest batches of more than one message: readers woken together want the same ones.
    batches: VecDeque<FrameBatch>,
    waiters: Slab<Option<Waker>>,
    /// No more messages will come: readers must end.
    closed: bool,
    /// Another log has replaced this one: readers must switch to it.
    replaced: bool,
}

/// A reader's slot among the wakers of a tail.
#[derive(Debug)]
pub struct WaiterKey(usize);

impl Tail {
    /// A tail of `room` that will be given every message after `loaded_after`.
    pub fn new(log: LogId, room: Room, loaded_after: u64) -> Self {
        let state = TailState {
            loaded_after,
            complete: false,
            loaded: false,
            entries: VecDeque::new(),
            batches: VecDeque::new(),
            waiters: Slab::new(),
            closed: false,
            replaced: false,
        };
        Self {
            log,
            room,
            state: Mutex::new(state),
        }
    }

    /// Adds the newest message. The caller notifies readers afterwards.
    pub(super) fn push(&self, entry: Entry) {
        self.state.lock().entries.push_back(entry);
    }

    /// Drops the oldest message, if it is `id`. `kept` says whether the store still has it.
    pub(super) fn evict(&self, id: u64, kept: bool) -> Option<Entry> {
        let mut state = self.state.lock();
        let entry = state.entries.pop_front_if(|entry| entry.id == id)?;
        state.batches.retain(|batch| batch.first > id);
        state.loaded_after = id;
        state.complete &= !kept;
        Some(entry)
    }

    /// Puts history before the newer messages: everything of the room after `loaded_after` up to
    /// `until`, where this tail began when the history was asked for. Returns how many were taken.
    pub(super) fn prepend(&self, snapshot: &RoomSnapshot, until: u64) -> usize {
        let mut state = self.state.lock();
        if state.loaded {
            return 0;
        }
        state.loaded = true;
        if state.loaded_after != until {
            // Messages were evicted in the meantime, so there is a gap between the history and the rest.
            return 0;
        }
        // Messages after `until` were appended here already, even if the store returned them too.
        let taken = snapshot.entries.partition_point(|entry| entry.id <= until);
        for entry in snapshot.entries[..taken].iter().rev() {
            state.entries.push_front(entry.clone());
        }
        state.loaded_after = snapshot.loaded_after.min(until);
        state.complete = snapshot.complete;
        taken
    }

    /// Drops everything: new messages follow `through`, and older ones are read from the store.
    pub(super) fn reset_to(&self, through: u64) {
        let mut state = self.state.lock();
        state.entries.clear();
        state.batches.clear();
        state.loaded_after = through;
        state.complete = false;
    }

    /// Drops everything, because another log has replaced this one. The caller notifies readers afterwards.
    pub(super) fn mark_replaced(&self) {
        let mut state = self.state.lock();
        state.replaced = true;
        state.entries.clear();
        state.batches.clear();
    }

    pub fn is_replaced(&self) -> bool {
        self.state.lock().replaced
    }

    /// Where the tail begins, if its history was not loaded from the store yet.
    pub fn history_needed_from(&self) -> Option<u64> {
        let state = self.state.lock();
        (!state.loaded).then_some(state.loaded_after)
    }

    /// Whether it is certain that there is nothing after `id`.
    pub fn is_up_to_date(&self, id: u64) -> bool {
        matches!(self.state.lock().index_after(id), TailLookup::UpToDate)
    }

    pub fn is_empty(&self) -> bool {
        self.state.lock().entries.is_empty()
    }

    /// The newest message's id.
    pub fn newest(&self) -> Option<u64> {
        self.state.lock().entries.back().map(|entry| entry.id)
    }

    /// The position `n` messages before the end. `Found(None)`: the room has no message.
    pub fn before_last(&self, n: usize) -> TailLookup<Option<u64>> {
        let state = self.state.lock();
        let len = state.entries.len();
        if n <= len {
            let place = match n {
                0 => state.entries.back().map(|entry| entry.id),
                _ => state.entries.get(len - n).map(|entry| entry.id - 1),
            };
            if place.is_some() || state.complete {
                return TailLookup::Found(place);
            }
        } else if state.complete {
            return TailLookup::Found(state.entries.front().map(|entry| entry.id - 1));
        }
        TailLookup::Behind
    }

    /// The ids of the newest messages after `after`, at most `n`; `None`: only the store knows.
    pub fn newest_ids(&self, n: usize, after: u64) -> Option<Vec<u64>> {
        let state = self.state.lock();
        let newest = state.entries.iter().rev().map(|entry| entry.id);
        let ids: Vec<u64> = newest.take_while(|id| *id > after).take(n).collect();
        let has_all = ids.len() == n || state.complete || state.loaded_after <= after;
        has_all.then_some(ids)
    }

    /// The messages after `id`.
    pub fn after(&self, id: u64, limit: Limit) -> TailLookup<Page> {
        let state = self.state.lock();
        match state.index_after(id) {
            TailLookup::Found(index) => {
                let entries = state.entries.range(index..).cloned();
                TailLookup::Found(Page::collect(entries, limit))
            }
            TailLookup::UpToDate => TailLookup::UpToDate,
            TailLookup::Behind => TailLookup::Behind,
            TailLookup::LogReplaced => TailLookup::LogReplaced,
        }
    }

    /// The frames after `id` as one batch; if there are none, `waiter` is woken by the next
    /// notification.
    pub fn batch_after(
        &self,
        id: u64,
        waiter: Option<(&WaiterKey, &mut Context<'_>)>,
    ) -> TailLookup<FrameBatch> {
        let mut state = self.state.lock();
        match state.index_after(id) {
            TailLookup::Found(index) => TailLookup::Found(state.batch_from(index)),
            TailLookup::UpToDate => {
                if let Some((key, cx)) = waiter {
                    state.wait(key, cx);
                }
                TailLookup::UpToDate
            }
            TailLookup::Behind => TailLookup::Behind,
            TailLookup::LogReplaced => TailLookup::LogReplaced,
        }
    }

    /// Whether there may be messages after `id`; if not, `waiter` is woken by the next notification.
    pub fn has_newer(&self, id: u64, waiter: Option<(&WaiterKey, &mut Context<'_>)>) -> bool {
        let mut state = self.state.lock();
        let news = !matches!(state.index_after(id), TailLookup::UpToDate);
        if !news && let Some((key, cx)) = waiter {
            state.wait(key, cx);
        }
        news
    }

    /// The next notification wakes `key`'s reader.
    pub fn wait(&self, key: &WaiterKey, cx: &mut Context<'_>) {
        self.state.lock().wait(key, cx);
    }

    pub fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Makes all readers end.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.notify();
    }

    /// Wakes every reader that waits.
    pub(super) fn notify(&self) {
        // Woken outside the lock: a waker may run other code.
        let waiting: Vec<Waker> = {
            let mut state = self.state.lock();
            state
                .waiters
                .iter_mut()
                .filter_map(|(_, waker)| waker.take())
                .collect()
        };
        for waker in waiting {
            waker.wake();
        }
    }

    pub fn register(&self) -> WaiterKey {
        WaiterKey(self.state.lock().waiters.insert(None))
    }

    pub fn unregister(&self, key: &WaiterKey) {
        self.state.lock().waiters.try_remove(key.0);
    }
}

impl TailState {
    fn index_after(&self, id: u64) -> TailLookup<usize> {
        if self.replaced {
            return TailLookup::LogReplaced;
        }
        if id < self.loaded_after {
            return TailLookup::Behind;
        }
        match self.entries.back() {
            Some(newest) if newest.id > id => {
                // Most readers lack only the newest message or a few.
                let lacking = self
                    .entries
                    .iter()
                    .rev()
                    .take(8)
                    .take_while(|e| e.id > id)
                    .count();
                if lacking < 8 {
                    TailLookup::Found(self.entries.len() - lacking)
                } else {
                    TailLookup::Found(self.entries.partition_point(|entry| entry.id <= id))
                }
            }
            _ => TailLookup::UpToDate,
        }
    }

    fn batch_from(&mut self, index: usize) -> FrameBatch {
        let newest = self.entries.len() - 1;
        if index == newest {
            return FrameBatch::from_entry(&self.entries[index]);
        }
        let first = self.entries[index].id;
        let newest = self.entries[newest].id;
        let kept = self
            .batches
            .iter()
            .find(|batch| batch.covers(first, newest));
        if let Some(batch) = kept {
            return batch.clone();
        }
        let batch = FrameBatch::from_entries(self.entries.range_mut(index..), BATCH_BYTES);
        self.batches.retain(|kept| kept.first != first);
        if self.batches.len() == BATCHES_CACHED {
            self.batches.pop_front();
        }
        self.batches.push_back(batch.clone());
        batch
    }

    fn wait(&mut self, key: &WaiterKey, cx: &Context<'_>) {
        let Some(slot) = self.waiters.get_mut(key.0) else {
            return;
        };
        match slot {
            Some(waker) if waker.will_wake(cx.waker()) => {}
            _ => *slot = Some(cx.waker().clone()),
        }
    }
}
