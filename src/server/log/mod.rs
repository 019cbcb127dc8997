//! The log: the ordered messages, and the only way to them.
//!
//! `append` assigns a message its id, `after` reads from a position on, `head` is the newest id, and a subscription
//! is notified of new messages. Durable messages are in a store (`memory`, `sqlite`, `nats`); all stores share the
//! in-memory [`tail`] in front of them. The log does not depend on a transport.

mod clock;
pub mod entry;
pub mod frame_batch;
mod log_reader;
mod merge;
mod open;
mod reader;
pub mod retention;
mod room_set_reader;
mod room_set_subscription;
pub mod store;
mod subscription;
pub mod tail;
pub mod tail_cache;

use std::sync::Arc;

use self::{
    entry::Limit,
    store::{AppendError, AppendedMessage, IdempotencyKey, Store, StoreStatus, StoreUnavailable},
    tail_cache::{TailCache, TailCacheStats},
};
pub use self::{
    log_reader::{LogReader, LogSubscription},
    open::LogSettings,
    reader::{ReadBatch, ReadPosition, Reset, RoomReader, Start},
    room_set_reader::RoomSetReader,
    subscription::Subscription,
};
use crate::domain::{
    cursor::{Cursor, LogId},
    draft::Draft,
    room::Room,
    room_set::RoomSet,
};

/// How much history a room's tail loads when its first reader comes.
const HISTORY: Limit = Limit {
    messages: 256,
    bytes: 64 * 1024,
};

pub struct Log {
    store: Store,
    tails: Arc<TailCache>,
}

impl Log {
    pub fn id(&self) -> LogId {
        self.tails.log()
    }

    /// Returns once the store has the message durably and readers can see it.
    pub async fn append(
        &self,
        draft: Draft,
        key: Option<IdempotencyKey>,
    ) -> Result<AppendedMessage, AppendError> {
        self.store.append(draft, key).await
    }

    /// A reader of `room`.
    pub async fn reader(self: &Arc<Self>, room: &Room) -> RoomReader {
        let tail = self.tails.tail(room);
        let room = RoomReader {
            log: self.clone(),
            tail,
        };
        if let Some(until) = room.tail.history_needed_from() {
            // Without its history the tail has only newer messages. A reader that needs more gets an
            // error, and the next reader loads again.
            if let Ok(history) = self.store.newest(&room.tail.room, HISTORY).await {
                self.tails.prepend(&room.tail, &history, until);
            }
        }
        room
    }

    /// Refreshes the log's identity if `start` belongs to another log.
    async fn refresh_identity(&self, start: Start) -> Result<(), StoreUnavailable> {
        match start {
            Start::After(cursor) if cursor.log != self.id() => self.store.refresh_identity().await,
            _ => Ok(()),
        }
    }

    /// Whether it is certain, without a request to the store, that there is no message after `cursor`.
    pub fn is_up_to_date(&self, rooms: &RoomSet, cursor: Cursor) -> bool {
        self.tails.is_up_to_date(rooms, cursor)
    }

    /// Whether `cursor` is a position in this log after every message that readers have been given.
    pub fn is_ahead(&self, cursor: Cursor) -> bool {
        cursor.id > self.tails.visible_through() && cursor.log == self.id()
    }

    /// Makes the store delete messages beyond its retention.
    pub async fn prune(&self) -> Result<(), StoreUnavailable> {
        self.store.prune().await
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

    /// The head while no append is in progress: every message that reached a room until now is at most this one.
    fn settled_head(&self) -> u64 {
        self.tails.settled_head()
    }

    /// Makes all readers end.
    pub fn end_readers(&self) {
        self.tails.close();
    }

    /// Closes the store. Nothing can be read or appended afterwards.
    pub async fn close(&self) {
        self.store.close().await;
    }
}
