//! Waits for the next message in a room.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    Log,
    entry::Limit,
    frame_batch::FrameBatch,
    log_reader::{LogReader, LogSubscription},
    reader::{ReadBatch, ReadPosition, RoomReader, Start},
    store::StoreUnavailable,
    tail::{TailLookup, WaiterKey},
};
use crate::domain::{cursor::Cursor, room_set::RoomSet};

/// A reader that waits for messages of its room.
pub struct Subscription {
    pub room: RoomReader,
    key: WaiterKey,
}

impl Subscription {
    pub(super) fn new(room: RoomReader) -> Self {
        let key = room.tail.register();
        Self { room, key }
    }

    /// Makes the next notification wake `cx`, even if there is something to read now.
    pub fn arm(&self, cx: &mut Context<'_>) {
        self.room.tail.wait(&self.key, cx);
    }
}

impl LogReader for RoomReader {
    type Subscription = Subscription;

    async fn for_rooms(log: &Arc<Log>, rooms: &RoomSet) -> Self {
        debug_assert!(rooms.is_single(), "{rooms}");
        log.reader(rooms.first()).await
    }

    async fn reopen(&self) -> Self {
        self.log.reader(self.room()).await
    }

    fn is_replaced(&self) -> bool {
        self.tail.is_replaced()
    }

    async fn resolve(&self, start: Start) -> Result<ReadPosition, StoreUnavailable> {
        Self::resolve(self, start).await
    }

    async fn after(
        &self,
        position: ReadPosition,
        limit: Limit,
    ) -> Result<ReadBatch, StoreUnavailable> {
        Self::after(self, position, limit).await
    }

    fn cursor(&self, id: u64) -> Cursor {
        Cursor {
            log: self.tail.log,
            id,
        }
    }

    fn has_newer(&self, id: u64) -> bool {
        self.tail.has_newer(id, None)
    }

    fn is_closed(&self) -> bool {
        self.tail.is_closed()
    }

    fn subscribe(self) -> Subscription {
        Subscription::new(self)
    }
}

impl LogSubscription for Subscription {
    type Reader = RoomReader;

    fn poll_batch(&self, id: u64, cx: &mut Context<'_>) -> TailLookup<FrameBatch> {
        self.room.tail.batch_after(id, Some((&self.key, cx)))
    }

    fn poll_newer(&self, id: u64, cx: &mut Context<'_>) -> Poll<()> {
        if self.room.tail.has_newer(id, Some((&self.key, cx))) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn follow(&mut self, room: &RoomReader) {
        if !self.room.is_same(room) {
            *self = Self::new(room.clone());
        }
    }

    fn is_closed(&self) -> bool {
        self.room.is_closed()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.room.tail.unregister(&self.key);
    }
}
