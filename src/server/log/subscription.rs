//! Waiting for what comes next in a room.

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

impl RoomReader {
    /// A subscription that waits for new messages.
    pub fn subscribe(self) -> Subscription {
        Subscription::new(self)
    }
}

impl Subscription {
    fn new(room: RoomReader) -> Self {
        let key = room.tail.register();
        Self { room, key }
    }

    /// Waits until there may be something after `id`, or the log is closed.
    pub async fn notified_or_closed(&self, id: u64) {
        std::future::poll_fn(|cx| match self.poll_newer(id, cx) {
            Poll::Pending if !self.room.is_closed() => Poll::Pending,
            _ => Poll::Ready(()),
        })
        .await;
    }

    /// The next notification wakes `cx`, whatever there is to be read by now.
    pub fn arm(&self, cx: &mut Context<'_>) {
        self.room.tail.wait(&self.key, cx);
    }
}

impl LogReader for RoomReader {
    type Subscription = Subscription;

    async fn open(
        log: &Arc<Log>,
        rooms: &RoomSet,
        start: Start,
    ) -> Result<(Self, ReadPosition), StoreUnavailable> {
        debug_assert!(rooms.is_single(), "{rooms}");
        log.open_reader(rooms.first(), start).await
    }

    async fn read(
        &mut self,
        position: ReadPosition,
        limit: Limit,
    ) -> Result<ReadBatch, StoreUnavailable> {
        Self::read(self, position, limit).await
    }

    fn cursor(&self, id: u64) -> Cursor {
        Self::cursor(self, id)
    }

    fn has_newer(&self, id: u64) -> bool {
        Self::has_newer(self, id)
    }

    fn is_closed(&self) -> bool {
        Self::is_closed(self)
    }

    fn subscribe(self) -> Subscription {
        Self::subscribe(self)
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
            *self = room.clone().subscribe();
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
