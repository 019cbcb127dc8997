//! Waits for the next message in any of several rooms.

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
    room_set_reader::RoomSetReader,
    store::StoreUnavailable,
    tail::{TailLookup, WaiterKey},
};
use crate::domain::{cursor::Cursor, room_set::RoomSet};

/// A reader that waits for messages of its rooms.
pub struct RoomSetSubscription {
    reader: RoomSetReader,
    /// One for each room, in their order.
    keys: Box<[WaiterKey]>,
}

impl RoomSetSubscription {
    pub(super) fn new(reader: RoomSetReader) -> Self {
        let keys = reader.rooms().iter().map(|room| room.tail.register());
        Self {
            keys: keys.collect(),
            reader,
        }
    }
}

impl LogReader for RoomSetReader {
    type Subscription = RoomSetSubscription;

    async fn for_rooms(log: &Arc<Log>, rooms: &RoomSet) -> Self {
        Self::new(log, rooms.iter()).await
    }

    async fn reopen(&self) -> Self {
        Self::reopen(self).await
    }

    fn is_replaced(&self) -> bool {
        let log = self.rooms()[0].tail.log;
        let is_replaced = |room: &RoomReader| room.is_replaced() || room.tail.log != log;
        self.rooms().iter().any(is_replaced)
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
        self.rooms()[0].cursor(id)
    }

    fn has_newer(&self, id: u64) -> bool {
        self.rooms().iter().any(|room| room.has_newer(id))
    }

    fn is_closed(&self) -> bool {
        self.rooms()[0].is_closed()
    }

    fn subscribe(self) -> RoomSetSubscription {
        RoomSetSubscription::new(self)
    }
}

impl LogSubscription for RoomSetSubscription {
    type Reader = RoomSetReader;

    fn poll_batch(&self, id: u64, cx: &mut Context<'_>) -> TailLookup<FrameBatch> {
        let batch = self.reader.batch_after(id, |i, room| {
            room.tail.has_newer(id, Some((&self.keys[i], cx)))
        });
        match batch {
            TailLookup::Found(Some(batch)) => TailLookup::Found(batch),
            TailLookup::Found(None) => {
                // The message came while the rooms were read, and perhaps not every room was complete then.
                cx.waker().wake_by_ref();
                TailLookup::UpToDate
            }
            TailLookup::UpToDate => TailLookup::UpToDate,
            TailLookup::Behind => TailLookup::Behind,
            TailLookup::LogReplaced => TailLookup::LogReplaced,
        }
    }

    fn poll_newer(&self, id: u64, cx: &mut Context<'_>) -> Poll<()> {
        let mut rooms = self.reader.rooms().iter().zip(&self.keys);
        let has_newer = rooms.any(|(room, key)| room.tail.has_newer(id, Some((key, &mut *cx))));
        if has_newer {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn follow(&mut self, reader: &RoomSetReader) {
        if !self.reader.is_same(reader) {
            *self = Self::new(reader.clone());
        }
    }

    fn is_closed(&self) -> bool {
        self.reader.is_closed()
    }
}

impl Drop for RoomSetSubscription {
    fn drop(&mut self) {
        for (room, key) in self.reader.rooms().iter().zip(&self.keys) {
            room.tail.unregister(key);
        }
    }
}
