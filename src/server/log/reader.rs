//! Reading one room: where to start, what a read returns, and where to go on.

use std::sync::Arc;

use super::{
    Log,
    entry::{Entry, Limit, Page},
    store::StoreUnavailable,
    tail::{Tail, TailLookup},
};
use crate::domain::{cursor::Cursor, room::Room};

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

/// One room of the log, as a reader holds it.
#[derive(Clone)]
pub struct RoomReader {
    pub(super) log: Arc<Log>,
    pub(super) tail: Arc<Tail>,
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
        mut position: ReadPosition,
        limit: Limit,
    ) -> Result<ReadBatch, StoreUnavailable> {
        let mut successor = None;
        loop {
            let room = successor.as_ref().unwrap_or(&*self);
            if room.tail.is_replaced() {
                position = ReadPosition::UNKNOWN_RESET;
                successor = Some(self.log.reader(self.room()).await);
                continue;
            }
            // Where this fails, the reader has yet to be told: it stays at the old log.
            let read = room.after(position, limit).await?;
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
        position: ReadPosition,
        limit: Limit,
    ) -> Result<ReadBatch, StoreUnavailable> {
        // Read before the store is asked: what comes between is after it, and not skipped.
        let head = self.log.head();
        let (page, from_store) = match self.tail.after(position.after, limit) {
            TailLookup::Found(page) => (page, false),
            TailLookup::UpToDate | TailLookup::LogReplaced => (Page::default(), false),
            TailLookup::Behind => (
                self.log
                    .store
                    .after(self.room(), position.after, limit)
                    .await?,
                true,
            ),
        };
        let reset = position.reset.or(page.expired.then_some(Reset::Expired));
        let after = match page.entries.last() {
            Some(newest) => newest.id,
            // Nothing of the past is left to read: the way on is the present.
            None if reset.is_some() || from_store => head,
            None => position.after,
        };
        Ok(ReadBatch {
            entries: page.entries,
            more: page.more,
            reset,
            after,
        })
    }
}

impl Drop for RoomReader {
    fn drop(&mut self) {
        self.log.tails.release(&self.tail);
    }
}
