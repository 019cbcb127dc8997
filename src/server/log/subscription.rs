//! Waiting for what comes next in a room.

use std::task::Context;

use super::{
    reader::RoomReader,
    tail::{FrameBatch, TailLookup, WaiterKey},
};

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

    /// The frames after `id`; if there are none, the next notification wakes `cx`.
    pub fn poll_batch(&self, id: u64, cx: &mut Context<'_>) -> TailLookup<FrameBatch> {
        self.room.tail.batch_after(id, Some((&self.key, cx)))
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
            if tail.has_newer(id, Some((&self.key, cx))) || (or_closed && tail.is_closed()) {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
    }

    /// The next notification wakes `cx`, whatever there is to be read by now.
    pub fn arm(&self, cx: &mut Context<'_>) {
        self.room.tail.wait(&self.key, cx);
    }

    /// Waits for messages of `room` from now on, if it belongs to another log.
    pub fn follow(&mut self, room: &RoomReader) {
        if !self.room.is_same(room) {
            *self = room.clone().subscribe();
        }
    }

    /// Whether readers must end.
    pub fn is_closed(&self) -> bool {
        self.room.is_closed()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.room.tail.unregister(&self.key);
    }
}
