//! The log: the ordered messages, and the only way to them.
//!
//! `append` gives a message its place, `after` reads from a place on, `head` is the newest place,
//! and a room's bell says that there is more. Durable messages are in a store ([`memory`],
//! [`sqlite`], [`nats`]); in front of it is the same in-memory [`tail`] for all of them. The log knows no
//! transport.

pub mod entry;
pub mod store;
pub mod tail;
pub mod tail_cache;

use std::{sync::Arc, task::Context};

use self::{
    entry::{Entry, Limit, Page},
    store::{AppendError, Appended, IdempotencyKey, Store, StoreStatus, StoreUnavailable},
    tail::{FrameBatch, Tail, TailLookup, WaiterKey},
    tail_cache::{TailCache, TailCacheStats},
};
use crate::domain::{
    cursor::{Cursor, LogId},
    draft::Draft,
    room::Room,
};

/// What a room's tail is given of the past when the first reader comes.
const HISTORY: Limit = Limit {
    messages: 256,
    bytes: 64 * 1024,
};

/// Why a reader's cursor could not be continued from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// Messages after the cursor are no longer retained.
    Expired,
    /// The cursor is of another log.
    Unknown,
}

impl Reset {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        }
    }
}

/// Where a reader starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    After(Cursor),
    /// So many messages before the head.
    Last(usize),
}

/// A place in the log to read on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadPosition {
    pub after: u64,
    /// The reader is to be told of this before anything else.
    pub reset: Option<Reset>,
}

impl ReadPosition {
    /// Where a reader goes on whose cursor is of another log.
    const UNKNOWN_RESET: Self = Self {
        after: 0,
        reset: Some(Reset::Unknown),
    };
}

/// What one read brought, oldest first.
#[derive(Debug)]
pub struct ReadBatch {
    pub entries: Vec<Entry>,
    /// Further messages are ready now.
    pub more: bool,
    /// The reader is to be told that it missed what came between its place and these.
    pub reset: Option<Reset>,
    /// The place to read on from.
    pub after: u64,
}

pub struct Log {
    store: Store,
    tails: Arc<TailCache>,
}

impl Log {
    /// The log of `store`, which was given the same `tails` to append to.
    pub fn new(store: Store, tails: Arc<TailCache>) -> Arc<Self> {
        Arc::new(Self { store, tails })
    }

    pub fn id(&self) -> LogId {
        self.tails.log()
    }

    /// Returns once the store has the message for good and readers can see it.
    pub async fn append(
        &self,
        draft: Draft,
        key: Option<IdempotencyKey>,
    ) -> Result<Appended, AppendError> {
        self.store.append(draft, key).await
    }

    /// A handle to read `room` with.
    pub async fn room(self: &Arc<Self>, room: &Room) -> RoomReader {
        let tail = self.tails.of(room);
        let room = RoomReader {
            log: self.clone(),
            tail,
        };
        if let Some(until) = room.tail.history_needed_from() {
            // Without its history the tail has what came since: whoever needs more is told, and the
            // next one asks again.
            if let Ok(history) = self.store.newest(&room.tail.room, HISTORY).await {
                self.tails.prepend(&room.tail, &history, until);
            }
        }
        room
    }

    /// A handle to read `room` with, and the place in it that `start` means.
    pub async fn open_reader(
        self: &Arc<Self>,
        room: &Room,
        start: Start,
    ) -> Result<(RoomReader, ReadPosition), StoreUnavailable> {
        if let Start::After(cursor) = start
            && cursor.log != self.id()
        {
            self.store.refresh_identity().await?;
        }
        loop {
            let room = self.room(room).await;
            let place = room.place(start).await?;
            if !room.tail.is_replaced() {
                return Ok((room, place));
            }
        }
    }

    /// Whether it is certain, without asking the store, that nothing has come after `cursor`.
    pub fn is_up_to_date(&self, room: &Room, cursor: Cursor) -> bool {
        self.tails.is_up_to_date(room, cursor)
    }

    /// Lets the store drop what is older than it retains.
    pub async fn retire(&self) -> Result<(), StoreUnavailable> {
        self.store.retire().await
    }

    /// Whether the store answers.
    pub async fn ready(&self) -> Result<(), StoreUnavailable> {
        self.store.ready().await
    }

    pub fn store_status(&self) -> StoreStatus {
        self.store.status()
    }

    pub fn tail_cache_stats(&self) -> TailCacheStats {
        self.tails.size()
    }

    /// The newest message of the whole log.
    pub fn head(&self) -> u64 {
        self.tails.head()
    }

    /// Tells all readers that they are to end.
    pub fn end_readers(&self) {
        self.tails.close();
    }

    /// Closes the store. Nothing can be read or appended afterwards.
    pub async fn close(&self) {
        self.store.close().await;
    }
}

/// One room of the log, as a reader holds it.
#[derive(Clone)]
pub struct RoomReader {
    log: Arc<Log>,
    tail: Arc<Tail>,
}

impl RoomReader {
    pub fn room(&self) -> &Room {
        &self.tail.room
    }

    pub fn cursor(&self, id: u64) -> Cursor {
        Cursor {
            log: self.tail.log,
            id,
        }
    }

    /// The place that `start` means.
    pub async fn place(&self, start: Start) -> Result<ReadPosition, StoreUnavailable> {
        match start {
            Start::After(cursor) => {
                if self.is_valid_cursor(cursor).await? {
                    Ok(ReadPosition {
                        after: cursor.id,
                        reset: None,
                    })
                } else {
                    Ok(ReadPosition::UNKNOWN_RESET)
                }
            }
            Start::Last(n) => {
                // Read before the tail is asked: what comes between is after it, and not skipped.
                let head = self.log.head();
                let before = match self.tail.before_last(n) {
                    TailLookup::Found(before) => before,
                    _ => self.log.store.before_last(self.room(), n).await?,
                };
                Ok(ReadPosition {
                    after: before.unwrap_or(head),
                    reset: None,
                })
            }
        }
    }

    /// Whether this log may have given out `cursor`. A place after all that was shown is one of a
    /// log that went further than this one, unless other servers have shown more of the same log.
    async fn is_valid_cursor(&self, cursor: Cursor) -> Result<bool, StoreUnavailable> {
        if cursor.log != self.tail.log {
            return Ok(false);
        }
        Ok(cursor.id <= self.log.tails.visible_through()
            || self.log.store.contains(cursor.id).await?)
    }

    /// The same as [`Self::after`]; where another log has taken this one's place, that one is read
    /// from its beginning, and this is a handle to it afterwards.
    pub async fn read(
        &mut self,
        mut place: ReadPosition,
        limit: Limit,
    ) -> Result<ReadBatch, StoreUnavailable> {
        let mut successor = None;
        loop {
            let room = successor.as_ref().unwrap_or(&*self);
            if room.tail.is_replaced() {
                place = ReadPosition::UNKNOWN_RESET;
                successor = Some(self.log.room(self.room()).await);
                continue;
            }
            // Where this fails, the reader has yet to be told: it stays at the old log.
            let read = room.after(place, limit).await?;
            if !room.tail.is_replaced() {
                if let Some(successor) = successor {
                    *self = successor;
                }
                return Ok(read);
            }
        }
    }

    /// The messages after `place`, from the tail or else from the store, and where to go on.
    pub async fn after(
        &self,
        place: ReadPosition,
        limit: Limit,
    ) -> Result<ReadBatch, StoreUnavailable> {
        // Read before the store is asked: what comes between is after it, and not skipped.
        let head = self.log.head();
        let (page, from_store) = match self.tail.after(place.after, limit) {
            TailLookup::Found(page) => (page, false),
            TailLookup::UpToDate | TailLookup::LogReplaced => (Page::default(), false),
            TailLookup::Behind => (
                self.log
                    .store
                    .after(self.room(), place.after, limit)
                    .await?,
                true,
            ),
        };
        let reset = place.reset.or(page.expired.then_some(Reset::Expired));
        let after = match page.entries.last() {
            Some(newest) => newest.id,
            // Nothing of the past is left to read: the way on is the present.
            None if reset.is_some() || from_store => head,
            None => place.after,
        };
        Ok(ReadBatch {
            entries: page.entries,
            more: page.more,
            reset,
            after,
        })
    }

    /// A reader that can wait for what comes next.
    pub fn subscribe(self) -> Subscription {
        let key = self.tail.join();
        Subscription { room: self, key }
    }
}

impl Drop for RoomReader {
    fn drop(&mut self) {
        self.log.tails.release(&self.tail);
    }
}

/// A reader at the bell of its room.
pub struct Subscription {
    pub room: RoomReader,
    key: WaiterKey,
}

impl Subscription {
    /// The frames after `id`; where there is nothing, the next ring wakes `cx`.
    pub fn poll_batch(&self, id: u64, cx: &mut Context<'_>) -> TailLookup<FrameBatch> {
        self.room.tail.batch_after(id, &self.key, cx)
    }

    /// Waits until there may be something after `id`, or the log is closed.
    pub async fn notified_or_closed(&self, id: u64) {
        self.wait(id, true).await;
    }

    /// Waits until there may be something after `id`, whether or not the log is closed.
    pub async fn notified(&self, id: u64) {
        self.wait(id, false).await;
    }

    async fn wait(&self, id: u64, or_closed: bool) {
        std::future::poll_fn(|cx| {
            let tail = &self.room.tail;
            if tail.has_newer(id, &self.key, cx) || (or_closed && tail.is_closed()) {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
    }

    /// Waits at the bell of `room`, where that is another log's, from now on.
    pub fn switch_room(&mut self, room: RoomReader) {
        if !Arc::ptr_eq(&self.room.tail, &room.tail) {
            *self = room.subscribe();
        }
    }

    /// Readers are to end.
    pub fn is_closed(&self) -> bool {
        self.room.tail.is_closed()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.room.tail.leave(&self.key);
    }
}
