//! A reader of the log as its deliveries see it: of one room, or of several with one cursor.
//!
//! Nearly all readers have one room. What delivers is compiled for each kind, so that they pay nothing
//! for the others.

use std::{
    future::Future,
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

    /// A reader of `rooms`, and the position that `start` stands for.
    fn open(
        log: &Arc<Log>,
        rooms: &RoomSet,
        start: Start,
    ) -> impl Future<Output = Result<(Self, ReadPosition), StoreUnavailable>>;

    /// The messages after `position`. If another log has replaced this one, the new log is read from
    /// its beginning, and this handle belongs to it afterwards.
    fn read(
        &mut self,
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
}

/// A reader that waits for messages.
pub trait LogSubscription {
    type Reader;

    /// The frames after `id`; if there are none, the next notification wakes `cx`.
    fn poll_batch(&self, id: u64, cx: &mut Context<'_>) -> TailLookup<FrameBatch>;

    /// Ready if there may be something after `id`; otherwise the next notification wakes `cx`.
    fn poll_newer(&self, id: u64, cx: &mut Context<'_>) -> Poll<()>;

    /// Waits for messages of `reader` from now on, if it belongs to another log.
    fn follow(&mut self, reader: &Self::Reader);

    /// Whether readers must end.
    fn is_closed(&self) -> bool;
}
