//! Reading one room: where to start, what a read returns, and where to continue.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    Log,
    entry::{Entry, Limit, Page},
    frame_batch::FrameBatch,
    store::StoreUnavailable,
    tail::{Tail, TailLookup},
};
use crate::domain::{cursor::Cursor, room::Room};

/// Why a reader's cursor could not be continued from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// Messages after the cursor are no longer retained.
    Expired,
    /// The cursor belongs to another log.
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
    /// This number of messages before the room's end.
    Last(usize),
}

/// A position in the log to continue from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadPosition {
    pub after: u64,
    /// Reported to the reader before anything else.
    pub reset: Option<Reset>,
}

impl ReadPosition {
    /// The position of a reader whose cursor belongs to another log.
    pub(super) const UNKNOWN_RESET: Self = Self {
        after: 0,
        reset: Some(Reset::Unknown),
    };
}

/// The result of one read, oldest message first.
#[derive(Debug)]
pub struct ReadBatch {
    pub entries: Vec<Entry>,
    /// The frames of all entries as one piece, if the store encoded them so. Boxed, because most reads have none.
    pub frames: Option<Box<Bytes>>,
    /// Further messages are ready now.
    pub more: bool,
    /// Reported to the reader: it missed messages before these.
    pub reset: Option<Reset>,
    /// The position to continue from.
    pub after: u64,
}

impl ReadBatch {
    /// There is nothing after this position.
    pub fn empty(after: u64) -> Self {
        Self {
            entries: Vec::new(),
            frames: None,
            more: false,
            reset: None,
            after,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.reset.is_none()
    }

    /// The memory of its messages.
    pub fn bytes(&self) -> usize {
        self.entries.iter().map(|entry| entry.frame().len()).sum()
    }
}

/// A reader's handle to one room of the log.
#[derive(Clone)]
pub struct RoomReader {
    pub(super) log: Arc<Log>,
    pub(super) tail: Arc<Tail>,
}

impl RoomReader {
    pub fn room(&self) -> &Room {
        &self.tail.room
    }

    /// Whether both are handles to the same room of the same log.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.tail, &other.tail)
    }

    /// Identifies this room of this log, for as long as there is a handle to it.
    pub fn key(&self) -> usize {
        Arc::as_ptr(&self.tail).addr()
    }

    /// The frames after `id`, from memory.
    pub fn batch_after(&self, id: u64) -> TailLookup<FrameBatch> {
        self.tail.batch_after(id, None)
    }

    /// The position for `start`.
    pub async fn resolve(&self, start: Start) -> Result<ReadPosition, StoreUnavailable> {
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
                // Read first: messages appended in between come after it and are not skipped.
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

    /// Whether this log may have issued `cursor`. A position after every visible message belongs to a log that was
    /// longer than this one, unless other servers of the group have shown more of this log.
    async fn is_valid_cursor(&self, cursor: Cursor) -> Result<bool, StoreUnavailable> {
        if cursor.log != self.tail.log {
            return Ok(false);
        }
        Ok(cursor.id <= self.log.tails.visible_through()
            || self.log.store.contains(cursor.id).await?)
    }

    /// The messages after `position`, from the tail or else from the store, and where to continue.
    pub async fn after(
        &self,
        position: ReadPosition,
        limit: Limit,
    ) -> Result<ReadBatch, StoreUnavailable> {
        // Read first: messages appended in between come after it and are not skipped.
        let head = self.log.head();
        let (page, from_store) = self.page_after(position.after, limit).await?;
        let reset = position
            .reset
            .or(page.expired_through.map(|_| Reset::Expired));
        let after = match page.entries.last() {
            Some(newest) => newest.id,
            // No older message is left to read, so the reader continues at the head.
            // While a batch is being published, the reader may be ahead of it.
            None if reset.is_some() || from_store => head.max(position.after),
            None => position.after,
        };
        Ok(ReadBatch {
            entries: page.entries,
            frames: page.frames.map(Box::new),
            more: page.more,
            reset,
            after,
        })
    }

    /// The messages after `id`, and whether the store was asked for them.
    pub(super) async fn page_after(
        &self,
        id: u64,
        limit: Limit,
    ) -> Result<(Page, bool), StoreUnavailable> {
        match self.tail.after(id, limit) {
            TailLookup::Found(page) => Ok((page, false)),
            TailLookup::UpToDate | TailLookup::LogReplaced => Ok((Page::default(), false)),
            TailLookup::Behind => {
                let page = self.log.store.after(self.room(), id, limit).await?;
                Ok((page, true))
            }
        }
    }

    /// The ids of the newest messages after `after`, `n` at the most.
    pub(super) async fn newest_ids(
        &self,
        n: usize,
        after: u64,
    ) -> Result<Vec<u64>, StoreUnavailable> {
        match self.tail.newest_ids(n, after) {
            Some(ids) => Ok(ids),
            None => self.log.store.newest_ids(self.room(), n, after).await,
        }
    }
}

impl Drop for RoomReader {
    fn drop(&mut self) {
        self.log.tails.release(&self.tail);
    }
}
