//! Reading behind the tails: a room's messages from a place on, and back from its end.
//!
//! A consumer with the room's subject brings many messages at once, but it may live on a replica
//! that lags. So the stream's leader says first which message is the room's newest, and is asked
//! for what the consumer does not have yet.

use std::{collections::VecDeque, sync::atomic::Ordering, time::Duration};

use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy, pull};
use futures_util::StreamExt as _;
use tokio::{sync::SemaphorePermit, time::timeout};

use super::{
    Nats, Shared,
    ahead::READ_AHEAD,
    link::{micros, one_line},
    past::retired_through,
    record::{self, Record},
};
use crate::{
    cursor::LogId,
    log::{
        entry::{Entry, Limit, Page},
        store::Unavailable,
        tail::History,
    },
    message::Room,
};

/// Messages that are fetched at once.
const FETCH: usize = 512;
/// Messages that the leader is asked for one by one at most, where the consumer lags.
const SINGLY: usize = 256;
/// A start is good enough when at most so many times the messages that are wanted follow it.
const SPARE: u64 = 4;
/// The first guess, in messages of the whole log, where the end of a room is looked for.
const NEAR: u64 = 256;
/// How much further back each next guess is.
const STRIDE: u64 = 8;
/// How long a fetched message may take.
const FETCH_TIMEOUT: Duration = Duration::from_millis(1500);
/// JetStream drops a consumer that was left behind after this.
const FORGET_AFTER: Duration = Duration::from_secs(5);

impl Nats {
    pub async fn after(&self, room: &Room, id: u64, limit: Limit) -> Result<Page, Unavailable> {
        let log = self.shared.pasts.lock().log;
        let first = self
            .shared
            .first(self.shared.held_from.load(Ordering::Relaxed));
        let ahead = self.shared.aheads.lock().take(log, room, id, first, limit);
        if let Some(mut page) = ahead {
            // What has come since is after all that was read ahead.
            let past = self.shared.pasts.lock().of(room);
            let last = page.entries.last().map_or(id, |entry| entry.id);
            page.more |= past.is_some_and(|past| past.newest > last);
            return Ok(page);
        }
        let reading = self.shared.reading(room).await?;
        let mut page = Page::default();
        let mut next = None;
        if let Some(newest) = reading.newest().await?.filter(|&newest| newest > id) {
            let mut taking = Taking::new(READ_AHEAD.or_more(limit));
            let consumer = reading.consumer(id + 1).await?;
            let end = reading
                .scan(&consumer, id, newest, |record| {
                    let entry = Entry::new(&record.message, self.shared.encode);
                    next.get_or_insert(record);
                    taking.take(entry)
                })
                .await;
            reading.discard(consumer);
            let more = end? < newest;
            if more && taking.entries.is_empty() {
                // Not to be taken for an empty past.
                return Err(Unavailable("JetStream lags behind itself".to_owned()));
            }
            let mut aheads = self.shared.aheads.lock();
            page = aheads.give(reading.log, room, taking.entries, more, limit);
        }
        page.expired = reading.retired_through(next.as_ref()).await? > id;
        Ok(page)
    }

    pub async fn newest(&self, room: &Room, limit: Limit) -> Result<History, Unavailable> {
        let reading = self.shared.reading(room).await?;
        let (records, is_whole) = reading.last(limit.messages + 1).await?;
        let newest_first = records.iter().rev();
        let newest_first = newest_first.map(|it| Entry::new(&it.message, self.shared.encode));
        let page = Page::collect(newest_first, limit);
        let complete = is_whole && !page.more;
        let mut entries = page.entries;
        entries.reverse();
        let covered_after = match entries.first() {
            Some(first) if !complete => first.id - 1,
            _ => reading.retired_through(records.front()).await?,
        };
        Ok(History {
            entries,
            covered_after,
            complete,
        })
    }

    pub async fn before_last(&self, room: &Room, n: usize) -> Result<Option<u64>, Unavailable> {
        let reading = self.shared.reading(room).await?;
        let (records, _) = reading.last(n.max(1)).await?;
        Ok(match n {
            0 => records.back().map(|newest| newest.message.cursor.id),
            _ => records
                .get(records.len().saturating_sub(n))
                .map(|record| record.message.cursor.id - 1),
        })
    }
}

/// One reading of a room.
struct Reading<'a> {
    shared: &'a Shared,
    room: &'a Room,
    log: LogId,
    _turn: SemaphorePermit<'a>,
}

impl Shared {
    async fn reading<'a>(&'a self, room: &'a Room) -> Result<Reading<'a>, Unavailable> {
        self.check()?;
        let turn = self.reads.acquire().await;
        Ok(Reading {
            shared: self,
            room,
            log: self.pasts.lock().log,
            _turn: turn.map_err(|_| Unavailable("stopped".to_owned()))?,
        })
    }
}

impl Reading<'_> {
    /// The room's newest message that the stream holds.
    async fn newest(&self) -> Result<Option<u64>, Unavailable> {
        let newest = self.shared.link.newest(self.log, self.room).await?;
        Ok(newest.map(|newest| newest.id))
    }

    /// The oldest message of the log that is retained now.
    async fn first(&self) -> Result<u64, Unavailable> {
        let info = self.shared.info().await?;
        Ok(self.shared.first(info.state.first_sequence))
    }

    /// Up to which message the room's past may be gone. `next` is the first of the room that was
    /// read; where none was, there is none.
    async fn retired_through(&self, next: Option<&Record>) -> Result<u64, Unavailable> {
        let mut first = self.first().await?;
        let mut pasts = self.shared.pasts.lock();
        let past = match next {
            Some(next) => {
                // It was still there, whatever has been retired meanwhile.
                first = first.min(next.message.cursor.id);
                next.past
            }
            None => pasts.of(self.room),
        };
        Ok(retired_through(first, pasts.filled(self.room, past, first)))
    }

    /// A consumer of the room's messages from `start` on.
    async fn consumer(&self, start: u64) -> Result<Consumer<pull::Config>, Unavailable> {
        let config = pull::Config {
            description: Some("reads behind a poll-vs-sse server's tails".to_owned()),
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: start.max(1),
            },
            ack_policy: AckPolicy::None,
            filter_subject: self.shared.link.subject(self.room),
            inactive_threshold: FORGET_AFTER,
            num_replicas: 1,
            memory_storage: true,
            ..pull::Config::default()
        };
        let link = &self.shared.link;
        link.jetstream
            .create_consumer_on_stream(config, &link.config.name)
            .await
            .map_err(|error| Unavailable(one_line(&error)))
    }

    /// Lets JetStream drop a consumer, without waiting for it.
    fn discard(&self, consumer: Consumer<pull::Config>) {
        let jetstream = self.shared.link.jetstream.clone();
        let info = consumer.cached_info();
        let (name, stream) = (info.name.clone(), info.stream_name.clone());
        tokio::spawn(async move {
            // Left behind, it is dropped for its idleness.
            let _ = jetstream.delete_consumer_from_stream(&name, &stream).await;
        });
    }

    /// Hands the room's messages after `at` up to `newest` to `take`, until it says that it has
    /// enough. Returns the last message that was taken, counted or not.
    async fn scan(
        &self,
        consumer: &Consumer<pull::Config>,
        mut at: u64,
        newest: u64,
        mut take: impl FnMut(Record) -> Took,
    ) -> Result<u64, Unavailable> {
        let mut pending = usize::try_from(consumer.cached_info().num_pending).unwrap_or(usize::MAX);
        while pending > 0 && at < newest {
            let n = pending.min(FETCH);
            let mut batch = consumer
                .fetch()
                .max_messages(n)
                .messages()
                .await
                .map_err(|error| Unavailable(one_line(&error)))?;
            let mut fetched = 0;
            while let Ok(Some(Ok(message))) = timeout(FETCH_TIMEOUT, batch.next()).await {
                fetched += 1;
                let Ok(place) = message.info() else { break };
                let id = place.stream_sequence;
                let stored_at_us = micros(place.published.unix_timestamp_nanos());
                let (subject, payload) = (&message.subject, &message.payload);
                let record = record::decode(self.log, subject, id, stored_at_us, payload);
                match self.offer(record, &mut take)? {
                    Took::More => at = id,
                    Took::Last => return Ok(id),
                    Took::Not => return Ok(at),
                }
            }
            if fetched < n {
                break;
            }
            pending -= n;
        }
        for _ in 0..SINGLY {
            if at >= newest {
                break;
            }
            let Some(stored) = self.shared.link.next(self.log, self.room, at + 1).await? else {
                return Ok(newest);
            };
            match self.offer(stored.record, &mut take)? {
                Took::More => at = stored.id,
                Took::Last => return Ok(stored.id),
                Took::Not => return Ok(at),
            }
        }
        Ok(at)
    }

    fn offer(
        &self,
        record: Option<Record>,
        take: &mut impl FnMut(Record) -> Took,
    ) -> Result<Took, Unavailable> {
        match record {
            Some(record) if !record.is_void => Ok(take(record)),
            _ => Ok(Took::More),
        }
    }

    /// The room's newest messages, up to `n`, oldest first; and whether there are no others.
    async fn last(&self, n: usize) -> Result<(VecDeque<Record>, bool), Unavailable> {
        let Some(newest) = self.newest().await? else {
            return Ok((VecDeque::new(), true));
        };
        let first = self.first().await?;
        let mut reach = NEAR.max(SPARE * n as u64);
        loop {
            let from = first.max((newest + 1).saturating_sub(reach));
            let consumer = self.start(first, from, newest, n as u64).await?;
            let start = start_of(&consumer);
            let mut last = VecDeque::with_capacity(n.min(FETCH));
            let scanned = self
                .scan(&consumer, start.saturating_sub(1), newest, |record| {
                    if last.len() == n {
                        last.pop_front();
                    }
                    last.push_back(record);
                    Took::More
                })
                .await;
            self.discard(consumer);
            if scanned? < newest {
                return Err(Unavailable("JetStream lags behind itself".to_owned()));
            }
            if last.len() == n || start <= first {
                return Ok((last, start <= first));
            }
            // What does not count was among them.
            reach = (newest + 1 - start) * STRIDE;
        }
    }

    /// A consumer from a place that at least `n` messages of the room follow, but not many times as
    /// many; or from `first` on.
    async fn start(
        &self,
        first: u64,
        mut from: u64,
        newest: u64,
        n: u64,
    ) -> Result<Consumer<pull::Config>, Unavailable> {
        let mut too_late = newest + 1;
        let mut consumer = self.consumer(from).await?;
        loop {
            let pending = consumer.cached_info().num_pending;
            let next = if pending < n && from > first {
                too_late = from;
                first.max((newest + 1).saturating_sub((newest + 1 - from) * STRIDE))
            } else if pending > SPARE * n && too_late - from > 1 {
                from + (too_late - from) / 2
            } else {
                return Ok(consumer);
            };
            let other = self.consumer(next).await?;
            if next > from && other.cached_info().num_pending < n {
                too_late = next;
                self.discard(other);
                continue;
            }
            from = next;
            self.discard(std::mem::replace(&mut consumer, other));
        }
    }
}

fn start_of(consumer: &Consumer<pull::Config>) -> u64 {
    match consumer.cached_info().config.deliver_policy {
        DeliverPolicy::ByStartSequence { start_sequence } => start_sequence,
        _ => 0,
    }
}

/// What became of a message that was offered.
enum Took {
    /// Taken, and the next is welcome.
    More,
    /// Taken, and enough.
    Last,
    /// Not taken: too much.
    Not,
}

/// Takes entries while they fit.
struct Taking {
    entries: VecDeque<Entry>,
    bytes: usize,
    limit: Limit,
}

impl Taking {
    fn new(limit: Limit) -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            limit,
        }
    }

    fn take(&mut self, entry: Entry) -> Took {
        self.bytes += entry.frame().len();
        if self.bytes > self.limit.bytes && !self.entries.is_empty() {
            return Took::Not;
        }
        self.entries.push_back(entry);
        if self.entries.len() >= self.limit.messages || self.bytes >= self.limit.bytes {
            Took::Last
        } else {
            Took::More
        }
    }
}
