//! Reads several rooms with one cursor, in the order of their ids, like one room.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    Log,
    entry::{Limit, Page},
    frame_batch::{BATCH_BYTES, FrameBatch},
    merge::{Merge, MergeStep},
    reader::{ReadBatch, ReadPosition, Reset, RoomReader, Start},
    store::StoreUnavailable,
    tail::TailLookup,
};
use crate::domain::room::Room;

/// How many rooms of one reader are read from the store at the same time, so that other readers have their turn in
/// between.
const READS_AT_ONCE: usize = 4;
/// The size of a stream's batch.
const BATCH: Limit = Limit {
    messages: 256,
    bytes: BATCH_BYTES,
};

/// A reader's handle to several rooms of the log. Clones share it.
#[derive(Clone)]
pub struct RoomSetReader {
    log: Arc<Log>,
    /// At least one.
    rooms: Arc<[RoomReader]>,
}

impl RoomSetReader {
    pub(super) async fn new(log: &Arc<Log>, rooms: impl IntoIterator<Item = &Room>) -> Self {
        let rooms: Vec<Room> = rooms.into_iter().cloned().collect();
        let readers = stream::iter(rooms).map(|room| async move { log.reader(&room).await });
        let readers: Vec<RoomReader> = readers.buffered(READS_AT_ONCE).collect().await;
        Self {
            log: log.clone(),
            rooms: readers.into(),
        }
    }

    pub(super) fn rooms(&self) -> &[RoomReader] {
        &self.rooms
    }

    /// Whether both are handles to the same rooms of the same log.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.rooms, &other.rooms)
    }

    /// The same rooms of the log that is served now.
    pub(super) async fn reopen(&self) -> Self {
        Self::new(&self.log, self.rooms.iter().map(RoomReader::room)).await
    }

    /// The position for `start`.
    pub async fn resolve(&self, start: Start) -> Result<ReadPosition, StoreUnavailable> {
        let Start::Last(n) = start else {
            return self.rooms[0].resolve(start).await;
        };
        // Read first: messages appended in between come after it and are not skipped.
        let head = self.log.head();
        let mut newest = BinaryHeap::with_capacity(n + 1);
        for room in self.rooms.iter().filter(|_| n > 0) {
            // Messages older than those already found do not count.
            let after = match newest.peek() {
                Some(Reverse(oldest)) if newest.len() == n => *oldest,
                _ => 0,
            };
            for id in room.newest_ids(n, after).await? {
                newest.push(Reverse(id));
                if newest.len() > n {
                    newest.pop();
                }
            }
        }
        Ok(ReadPosition {
            after: newest.peek().map_or(head, |Reverse(oldest)| oldest - 1),
            reset: None,
        })
    }

    /// The messages of all rooms after `position`, from the tails or else from the store, and where to
    /// continue.
    pub async fn after(
        &self,
        position: ReadPosition,
        limit: Limit,
    ) -> Result<ReadBatch, StoreUnavailable> {
        let through = self.log.settled_head();
        let share = Merge::share(limit, self.rooms.len());
        let reads = stream::iter(0..self.rooms.len())
            .map(|i| self.rooms[i].page_after(position.after, share));
        let pages: Vec<(Page, bool)> = reads.buffered(READS_AT_ONCE).try_collect().await?;
        let mut merge = Merge::new(through, limit);
        let mut expired_through = None;
        let mut from_store = false;
        for (page, is_from_store) in pages {
            expired_through = expired_through.max(page.expired_through);
            from_store |= is_from_store;
            merge.add(page);
        }
        if let Some(through) = expired_through {
            merge.expire(through);
        }
        let more = loop {
            match merge.advance() {
                MergeStep::Read { lane, after } => {
                    let (page, _) = self.rooms[lane].page_after(after, share).await?;
                    match page.expired_through {
                        // The next read begins with this gap.
                        Some(through) if !merge.expire(through) => break true,
                        through => expired_through = expired_through.max(through),
                    }
                    merge.fill(lane, page);
                }
                MergeStep::Done { more } => break more,
            }
        };
        let entries = merge.into_entries();
        let reset = position.reset.or(expired_through.map(|_| Reset::Expired));
        let after = match entries.last() {
            Some(newest) => newest.id,
            // No older message is left to read, so the reader continues where all rooms were complete.
            None if reset.is_some() || from_store => through.max(position.after),
            None => position.after,
        };
        Ok(ReadBatch {
            // Messages that came only since the read began are no reason to read again at once.
            more: more && !entries.is_empty(),
            entries,
            frames: None,
            reset,
            after,
        })
    }

    /// The frames after `id` of all rooms, from memory. `has_news` returns for each room whether to read it, and
    /// makes the other rooms wake the reader.
    pub(super) fn batch_after(
        &self,
        id: u64,
        mut has_news: impl FnMut(usize, &RoomReader) -> bool,
    ) -> TailLookup<Option<FrameBatch>> {
        let through = self.log.settled_head();
        let share = Merge::share(BATCH, self.rooms.len());
        let mut merge = Merge::new(through, BATCH);
        let mut is_up_to_date = true;
        for (i, room) in self.rooms.iter().enumerate() {
            if !has_news(i, room) {
                continue;
            }
            is_up_to_date = false;
            match room.tail.after(id, share) {
                TailLookup::Found(page) => merge.add(page),
                TailLookup::UpToDate => {}
                TailLookup::Behind => return TailLookup::Behind,
                TailLookup::LogReplaced => return TailLookup::LogReplaced,
            }
        }
        if is_up_to_date {
            return TailLookup::UpToDate;
        }
        // Messages of a room beyond its share are in the next batch.
        merge.advance();
        TailLookup::Found(FrameBatch::from_page(
            &mut merge.into_entries(),
            None,
            BATCH_BYTES,
        ))
    }
}
