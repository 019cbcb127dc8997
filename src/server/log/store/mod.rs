//! The stores of messages: the choice of store, and the operations of every store.
//!
//! What a store owes to the tails ([`TailCache`](super::tail_cache::TailCache)):
//!
//! - [`advance_visible`](super::tail_cache::TailCache::advance_visible) before a read of the store can return a
//!   message;
//! - [`append`](super::tail_cache::TailCache::append) in the order of the ids, before the publisher gets its answer;
//! - [`expire`](super::tail_cache::TailCache::expire) after messages were removed;
//! - [`reset_to`](super::tail_cache::TailCache::reset_to) when the tails may lack messages;
//! - [`replace_log`](super::tail_cache::TailCache::replace_log) when the store holds another log.
//!
//! An append fails with [`AppendError::Unavailable`] only if the message will never appear.

pub(super) mod idempotency;
pub mod memory;
pub mod nats;
mod open_error;
pub mod sqlite;

use bytes::Bytes;
use thiserror::Error;

pub use self::{idempotency::IdempotencyKey, open_error::OpenError};
use self::{memory::Memory, nats::Nats, sqlite::Sqlite};
use super::{
    entry::{Entry, Limit, Page},
    tail::RoomSnapshot,
};
use crate::domain::{
    cursor::{Cursor, LogId},
    draft::Draft,
    room::Room,
};

/// The most rooms whose last removed message is remembered individually.
const MAX_PRUNED_ROOMS: usize = 100_000;

/// The store does not answer. The text says why, for the operator.
#[derive(Debug, Clone, Error)]
#[error("{0}")]
pub struct StoreUnavailable(pub String);

#[derive(Debug, Clone, Error)]
pub enum AppendError {
    /// Nothing was appended.
    #[error("the store is away: {0}")]
    Unavailable(#[from] StoreUnavailable),
    /// The message was sent, and the store did not confirm it in time.
    #[error("the store did not confirm: {0}")]
    Unconfirmed(StoreUnavailable),
    /// Nothing was appended, and nothing will be until the operator changes something.
    #[error("the store refuses the message: {0}")]
    Rejected(String),
    #[error("this Idempotency-Key was used for another message")]
    KeyReused,
}

/// The message as the log has it after an append, or after the same append before.
#[derive(Debug)]
pub struct AppendedMessage {
    pub cursor: Cursor,
    pub json: Bytes,
    /// Whether an earlier publish with the same idempotency key appended it.
    pub is_replay: bool,
}

/// For `/metrics` and the operator.
#[derive(Debug, Clone, Copy)]
pub struct StoreStatus {
    pub name: &'static str,
    /// Whether it answers and takes messages, by its last answers.
    pub up: bool,
    pub retained_messages: u64,
}

/// Futures of NATS are boxed: they take several KiB, and the future of each request would be as large, whatever the
/// store.
pub enum Store {
    Memory(Box<Memory>),
    Sqlite(Sqlite),
    Nats(Nats),
}

impl Store {
    pub async fn append(
        &self,
        draft: Draft,
        key: Option<IdempotencyKey>,
    ) -> Result<AppendedMessage, AppendError> {
        match self {
            Self::Memory(memory) => memory.append(draft, key),
            Self::Sqlite(sqlite) => sqlite.append(draft, key).await,
            Self::Nats(nats) => Box::pin(nats.append(draft, key)).await,
        }
    }

    /// The newest messages of a room that fit `limit`.
    pub async fn newest(
        &self,
        room: &Room,
        limit: Limit,
    ) -> Result<RoomSnapshot, StoreUnavailable> {
        match self {
            Self::Memory(memory) => Ok(memory.newest(room, limit)),
            Self::Sqlite(sqlite) => sqlite.newest(room, limit).await,
            Self::Nats(nats) => Box::pin(nats.newest(room, limit)).await,
        }
    }

    /// The retained messages of a room after `id`.
    pub async fn after(
        &self,
        room: &Room,
        id: u64,
        limit: Limit,
    ) -> Result<Page, StoreUnavailable> {
        match self {
            Self::Memory(memory) => Ok(memory.after(room, id, limit)),
            Self::Sqlite(sqlite) => sqlite.after(room, id, limit).await,
            Self::Nats(nats) => Box::pin(nats.after(room, id, limit)).await,
        }
    }

    /// The position `n` messages before the room's end; `None` if the room is empty.
    pub async fn before_last(
        &self,
        room: &Room,
        n: usize,
    ) -> Result<Option<u64>, StoreUnavailable> {
        match self {
            Self::Memory(memory) => Ok(memory.before_last(room, n)),
            Self::Sqlite(sqlite) => sqlite.before_last(room, n).await,
            Self::Nats(nats) => Box::pin(nats.before_last(room, n)).await,
        }
    }

    /// The ids of the newest messages of a room after `after`, `n` at the most.
    pub async fn newest_ids(
        &self,
        room: &Room,
        n: usize,
        after: u64,
    ) -> Result<Vec<u64>, StoreUnavailable> {
        match self {
            Self::Memory(memory) => Ok(memory.newest_ids(room, n, after)),
            Self::Sqlite(sqlite) => sqlite.newest_ids(room, n, after).await,
            Self::Nats(nats) => Box::pin(nats.newest_ids(room, n, after)).await,
        }
    }

    /// Whether message `id`, which this process has not shown, exists nevertheless: another server on the same store
    /// may have shown it.
    pub async fn contains(&self, id: u64) -> Result<bool, StoreUnavailable> {
        match self {
            Self::Memory(_) | Self::Sqlite(_) => Ok(false),
            Self::Nats(nats) => Box::pin(nats.contains(id)).await,
        }
    }

    /// Makes sure that the served log is the one that the store holds now.
    pub async fn refresh_identity(&self) -> Result<(), StoreUnavailable> {
        match self {
            Self::Memory(_) | Self::Sqlite(_) => Ok(()),
            Self::Nats(nats) => Box::pin(nats.refresh_identity()).await,
        }
    }

    pub async fn prune(&self) -> Result<(), StoreUnavailable> {
        match self {
            Self::Memory(memory) => {
                memory.prune();
                Ok(())
            }
            Self::Sqlite(sqlite) => sqlite.prune().await,
            // JetStream removes messages by itself.
            Self::Nats(nats) => nats.check(),
        }
    }

    pub async fn ready(&self) -> Result<(), StoreUnavailable> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Sqlite(sqlite) => sqlite.ready().await,
            Self::Nats(nats) => Box::pin(nats.ready()).await,
        }
    }

    pub async fn close(&self) {
        match self {
            Self::Memory(_) => {}
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Nats(nats) => nats.close(),
        }
    }

    pub fn status(&self) -> StoreStatus {
        match self {
            Self::Memory(memory) => memory.status(),
            Self::Sqlite(sqlite) => sqlite.status(),
            Self::Nats(nats) => nats.status(),
        }
    }
}

/// The result of an append for `entry`.
pub(in crate::log) fn appended(log: LogId, entry: &Entry) -> AppendedMessage {
    AppendedMessage {
        cursor: Cursor { log, id: entry.id },
        json: entry.json(),
        is_replay: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::cursor::LogId,
        log::{Log, LogSettings, retention::Retention},
    };

    /// Each request holds one of these futures while it reads or publishes, and a large one would count for all.
    #[test]
    fn the_futures_of_requests_are_small() {
        let settings = LogSettings {
            retention: Retention::UNLIMITED,
            tail_bytes: 0,
            encode: |_, _| 0..0,
        };
        let log = Log::in_memory(LogId::from_u64(1), settings);
        let (store, room) = (&log.store, Room::default());
        let draft = Draft {
            room: room.clone(),
            author: "mina".to_owned(),
            text: "hello".to_owned(),
        };
        let limit = Limit {
            messages: 1,
            bytes: 1,
        };
        let sizes = [
            ("append", size_of_val(&store.append(draft, None))),
            ("newest", size_of_val(&store.newest(&room, limit))),
            ("after", size_of_val(&store.after(&room, 0, limit))),
            ("before_last", size_of_val(&store.before_last(&room, 1))),
            ("newest_ids", size_of_val(&store.newest_ids(&room, 1, 0))),
            ("contains", size_of_val(&store.contains(1))),
        ];
        for (what, bytes) in sizes {
            assert!(bytes <= 1024, "{what} takes {bytes} bytes");
        }
    }
}
