//! Reads beyond the tails: a room's messages from a position on, and back from its end.
//!
//! A consumer with the room's subject delivers many messages at once, but it may be on a replica that lags. So the
//! server first asks the stream's leader for the room's newest message, and gets the messages that the consumer lacks
//! from the leader.

use std::{collections::VecDeque, sync::atomic::Ordering};

use tokio::sync::SemaphorePermit;

use super::{
    Nats, NatsInner,
    read_ahead::ReadAhead,
    record::Record,
    room_consumer::{FETCH, RoomConsumer, Scan},
    room_index::pruned_through,
};
use crate::{
    domain::{cursor::LogId, room::Room},
    log::{
        entry::{Entry, Limit, Page},
        store::StoreUnavailable,
        tail::RoomSnapshot,
    },
};

/// A start is close enough if at most this many times the requested messages follow it.
const MAX_OVERFETCH_RATIO: u64 = 4;
/// The distance of the first guess from the head, in messages of the whole log.
const INITIAL_SCAN_DISTANCE: u64 = 256;
/// The factor by which each next guess goes further back.
const SCAN_GROWTH: u64 = 8;

impl Nats {
    pub async fn after(
        &self,
        room: &Room,
        id: u64,
        limit: Limit,
    ) -> Result<Page, StoreUnavailable> {
        let shared = &self.shared;
        let log = shared.room_index.lock().log;
        let first = shared.first(shared.held_from.load(Ordering::Relaxed));
        let kept = shared.read_aheads.lock().take(log, room, id, first);
        let mut ahead = kept.unwrap_or_else(|| ReadAhead::after(id));
        let page = if ahead.is_empty() {
            let query = shared.query(room).await?;
            let next = query.fill(&mut ahead, limit).await?;
            let mut page = ahead.take_page(limit);
            let through = query.pruned_through(next.as_ref()).await?;
            page.expired_through = Some(through).filter(|through| *through > id);
            page
        } else {
            let mut page = ahead.take_page(limit);
            // Newer messages come after everything that was read ahead.
            let past = shared.room_index.lock().previous(room);
            let last = page.entries.last().map_or(id, |entry| entry.id);
            page.more |= past.is_some_and(|past| past.newest > last);
            page
        };
        if let Some(newest) = page.entries.last() {
            let mut read_aheads = shared.read_aheads.lock();
            read_aheads.put_back(log, room, newest.id, ahead);
        }
        Ok(page)
    }

    pub async fn newest(
        &self,
        room: &Room,
        limit: Limit,
    ) -> Result<RoomSnapshot, StoreUnavailable> {
        let query = self.shared.query(room).await?;
        let (records, is_whole) = query.last(limit.messages + 1, 0).await?;
        let newest_first = records.iter().rev();
        let newest_first =
            newest_first.map(|it| Entry::new(&it.message.view(), self.shared.encode));
        let page = Page::collect(newest_first, limit);
        let complete = is_whole && !page.more;
        let mut entries = page.entries;
        entries.reverse();
        let loaded_after = match entries.first() {
            Some(first) if !complete => first.id - 1,
            _ => query.pruned_through(records.front()).await?,
        };
        Ok(RoomSnapshot {
            entries,
            loaded_after,
            complete,
        })
    }

    pub async fn before_last(
        &self,
        room: &Room,
        n: usize,
    ) -> Result<Option<u64>, StoreUnavailable> {
        let query = self.shared.query(room).await?;
        let (records, _) = query.last(n.max(1), 0).await?;
        Ok(match n {
            0 => records.back().map(|newest| newest.message.cursor.id),
            _ => records
                .get(records.len().saturating_sub(n))
                .map(|record| record.message.cursor.id - 1),
        })
    }

    pub async fn newest_ids(
        &self,
        room: &Room,
        n: usize,
        after: u64,
    ) -> Result<Vec<u64>, StoreUnavailable> {
        let query = self.shared.query(room).await?;
        let (records, _) = query.last(n, after).await?;
        let ids = records.iter().map(|record| record.message.cursor.id);
        Ok(ids.filter(|id| *id > after).collect())
    }
}

/// One reading of a room.
pub(super) struct RoomQuery<'a> {
    pub shared: &'a NatsInner,
    pub room: &'a Room,
    pub log: LogId,
    _permit: SemaphorePermit<'a>,
}

impl NatsInner {
    async fn query<'a>(&'a self, room: &'a Room) -> Result<RoomQuery<'a>, StoreUnavailable> {
        self.check()?;
        let permit = self.reads.acquire().await;
        Ok(RoomQuery {
            shared: self,
            room,
            log: self.room_index.lock().log,
            _permit: permit.map_err(|_| StoreUnavailable("stopped".to_owned()))?,
        })
    }
}

impl RoomQuery<'_> {
    /// The room's newest message that the stream holds.
    async fn newest(&self) -> Result<Option<u64>, StoreUnavailable> {
        let newest = self.shared.client.newest(self.log, self.room).await?;
        Ok(newest.map(|newest| newest.id))
    }

    /// The oldest message of the log that is retained now.
    async fn first(&self) -> Result<u64, StoreUnavailable> {
        let info = self.shared.info().await?;
        Ok(self.shared.first(info.state.first_sequence))
    }

    /// The message up to which the room's messages may have been removed. `next` is the first message that was read;
    /// `None` if there was none.
    async fn pruned_through(&self, next: Option<&Record>) -> Result<u64, StoreUnavailable> {
        let mut first = self.first().await?;
        let mut room_index = self.shared.room_index.lock();
        let past = match next {
            Some(next) => {
                // It still existed, whatever has been pruned in the meantime.
                first = first.min(next.message.cursor.id);
                next.past
            }
            None => room_index.previous(self.room),
        };
        Ok(pruned_through(
            first,
            room_index.merge(self.room, past, first),
        ))
    }

    /// Reads the messages after the position of `ahead`. Returns the first of them.
    async fn fill(
        &self,
        ahead: &mut ReadAhead,
        limit: Limit,
    ) -> Result<Option<Record>, StoreUnavailable> {
        let limit = self.shared.read_aheads.lock().fair_share(limit);
        if ahead.at >= ahead.newest {
            match self.newest().await? {
                Some(newest) if newest > ahead.at => ahead.newest = newest,
                _ => return Ok(None),
            }
        }
        let mut source = match ahead.source.take() {
            Some(source) => source,
            None => self.source(ahead.at + 1).await?,
        };
        let mut scan = self.scan(&mut source, ahead.at, ahead.newest);
        let mut next = None;
        while let Some(room) = ahead.remaining(limit) {
            let records = scan.next(room).await?;
            if records.is_empty() {
                break;
            }
            for record in records {
                ahead.push(Entry::new(&record.message.view(), self.shared.encode));
                next.get_or_insert(record);
            }
        }
        ahead.at = scan.at;
        if !ahead.more() {
            source.discard(&self.shared.client);
        } else if ahead.is_empty() {
            // An error, because this must not look like an empty room.
            return Err(StoreUnavailable(
                "JetStream's consumer lags behind its stream".to_owned(),
            ));
        } else {
            ahead.source = Some(source);
        }
        Ok(next)
    }

    /// Scans the messages of `source` after message `at`, up to the room's newest.
    fn scan<'a>(&'a self, source: &'a mut RoomConsumer, at: u64, newest: u64) -> Scan<'a> {
        let room = (self.log, self.room);
        Scan::new(&self.shared.client, room, source, at, newest)
    }

    /// The room's messages from `start` on.
    async fn source(&self, start: u64) -> Result<RoomConsumer, StoreUnavailable> {
        RoomConsumer::open(&self.shared.client, self.room, start).await
    }

    /// The room's newest messages after `after`, at most `n`, oldest first; and whether there are no others.
    async fn last(
        &self,
        n: usize,
        after: u64,
    ) -> Result<(VecDeque<Record>, bool), StoreUnavailable> {
        let newest = match self.newest().await? {
            Some(newest) if newest > after => newest,
            _ => return Ok((VecDeque::new(), true)),
        };
        let first = self.first().await?.max(after + 1);
        let mut reach = INITIAL_SCAN_DISTANCE.max(MAX_OVERFETCH_RATIO * n as u64);
        loop {
            let from = first.max((newest + 1).saturating_sub(reach));
            let mut source = self.start(first, from, newest, n as u64).await?;
            let start = source.start;
            let mut scan = self.scan(&mut source, start.saturating_sub(1), newest);
            let mut last = VecDeque::new();
            loop {
                let records = scan.next(FETCH).await?;
                if records.is_empty() {
                    break;
                }
                last.extend(records);
                last.drain(..last.len().saturating_sub(n));
            }
            let scanned = scan.at;
            source.discard(&self.shared.client);
            if scanned < newest {
                return Err(StoreUnavailable(
                    "JetStream's consumer lags behind its stream".to_owned(),
                ));
            }
            if last.len() == n || start <= first {
                return Ok((last, start <= first));
            }
            // Some of the messages did not count.
            reach = (newest + 1 - start) * SCAN_GROWTH;
        }
    }

    /// A source from a position that at least `n` messages of the room follow, but not many times `n`; or from
    /// `first` on.
    async fn start(
        &self,
        first: u64,
        mut from: u64,
        newest: u64,
        n: u64,
    ) -> Result<RoomConsumer, StoreUnavailable> {
        let mut too_late = newest + 1;
        let mut source = self.source(from).await?;
        loop {
            let next = if source.pending < n && from > first {
                too_late = from;
                first.max((newest + 1).saturating_sub((newest + 1 - from) * SCAN_GROWTH))
            } else if source.pending > MAX_OVERFETCH_RATIO * n && too_late - from > 1 {
                from + (too_late - from) / 2
            } else {
                return Ok(source);
            };
            let other = self.source(next).await?;
            if next > from && other.pending < n {
                too_late = next;
                other.discard(&self.shared.client);
                continue;
            }
            from = next;
            std::mem::replace(&mut source, other).discard(&self.shared.client);
        }
    }
}
