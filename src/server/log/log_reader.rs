//! A reader of the log for `delivery`: of one room, or of several rooms with one cursor.
//!
//! Nearly all readers have one room. The code that delivers is compiled for each kind, so that readers of one room
//! pay nothing for the others.

use std::{
    future::{Future, poll_fn},
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    Log,
    entry::Limit,
    frame_batch::FrameBatch,
    reader::{ReadBatch, ReadPosition, Start},
    store::StoreUnavailable,
    tail::TailLookup,
};
use crate::domain::{cursor::Cursor, room_set::RoomSet};

pub trait LogReader: Clone + 'static {
    type Subscription: LogSubscription<Reader = Self>;

    /// A reader of `rooms` in the log that is served now.
    fn for_rooms(log: &Arc<Log>, rooms: &RoomSet) -> impl Future<Output = Self>;

    /// The same rooms of the log that is served now.
    fn reopen(&self) -> impl Future<Output = Self>;

    /// Whether another log has replaced this reader's log.
    fn is_replaced(&self) -> bool;

    /// The position for `start`.
    fn resolve(&self, start: Start)
    -> impl Future<Output = Result<ReadPosition, StoreUnavailable>>;

    /// The messages after `position`, from the tails or else from the store, and where to continue.
    fn after(
        &self,
        position: ReadPosition,
        limit: Limit,
    ) -> impl Future<Output = Result<ReadBatch, StoreUnavailable>>;

    fn cursor(&self, id: u64) -> Cursor;

    /// Whether there may be something after `id`.
    fn has_newer(&self, id: u64) -> bool;

    /// Whether readers must end.
    fn is_closed(&self) -> bool;

    /// A subscription that waits for new messages.
    fn subscribe(self) -> Self::Subscription;

    /// A reader of `rooms`, and the position that `start` stands for.
    fn open(
        log: &Arc<Log>,
        rooms: &RoomSet,
        start: Start,
    ) -> impl Future<Output = Result<(Self, ReadPosition), StoreUnavailable>> {
        async move {
            log.refresh_identity(start).await?;
            loop {
                let reader = Self::for_rooms(log, rooms).await;
                let position = reader.resolve(start).await?;
                if !reader.is_replaced() {
                    return Ok((reader, position));
                }
            }
        }
    }

    /// Like [`Self::after`]. If another log has replaced this one, reads the new log from its beginning, and this
    /// handle belongs to the new log afterwards.
    fn read(
        &mut self,
        mut position: ReadPosition,
        limit: Limit,
    ) -> impl Future<Output = Result<ReadBatch, StoreUnavailable>> {
        async move {
            let mut successor = None;
            loop {
                let reader = successor.as_ref().unwrap_or(&*self);
                if reader.is_replaced() {
                    position = ReadPosition::UNKNOWN_RESET;
                    successor = Some(self.reopen().await);
                    continue;
                }
                // If this fails, the reader has not got its reset yet, and stays at the old log.
                let read = reader.after(position, limit).await?;
                if !reader.is_replaced() {
                    if let Some(successor) = successor {
                        *self = successor;
                    }
                    return Ok(read);
                }
            }
        }
    }
}

/// A reader that waits for messages.
pub trait LogSubscription {
    type Reader;

    /// The frames after `id`; if there are none, the next notification wakes `cx`.
    fn poll_batch(&self, id: u64, cx: &mut Context<'_>) -> TailLookup<FrameBatch>;

    /// Ready if there may be something after `id`; otherwise the next notification wakes `cx`.
    fn poll_newer(&self, id: u64, cx: &mut Context<'_>) -> Poll<()>;

    /// Waits until there may be something after `id`, or readers must end.
    fn notified_or_closed(&self, id: u64) -> impl Future<Output = ()> {
        poll_fn(move |cx| match self.poll_newer(id, cx) {
            Poll::Pending if !self.is_closed() => Poll::Pending,
            _ => Poll::Ready(()),
        })
    }

    /// Waits for messages of `reader` from now on, if it belongs to another log.
    fn follow(&mut self, reader: &Self::Reader);

    /// Whether readers must end.
    fn is_closed(&self) -> bool;
}
