//! A consumer that delivers the messages of one room, many at a time, and the messages that it lacks.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy, Info, pull};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::{
    client::{JetStreamClient, StoredMessage, micros},
    record::{self, Record},
};
use crate::{
    domain::{cursor::LogId, room::Room},
    log::{
        entry::Limit,
        store::{StoreUnavailable, open_error::one_line},
    },
};

/// What is fetched at once, at most.
pub const FETCH: Limit = Limit {
    messages: 4096,
    bytes: 1024 * 1024,
};
/// The most messages read one by one from the leader if the consumer lags.
const MAX_DIRECT_GETS: usize = 256;
/// How long a fetched message may take.
const FETCH_TIMEOUT: Duration = Duration::from_millis(1500);
/// JetStream drops a consumer that was left behind after this.
const FORGET_AFTER: Duration = Duration::from_secs(5);

/// A consumer of a room's messages, and how far it has come.
pub struct RoomConsumer {
    consumer: Consumer<pull::Config>,
    /// Where it begins.
    pub start: u64,
    /// Messages that it has yet to bring, as far as it knew when it was made.
    pub pending: u64,
    /// Messages that it has brought.
    brought: u64,
}

impl RoomConsumer {
    pub(super) async fn open(
        client: &JetStreamClient,
        room: &Room,
        start: u64,
    ) -> Result<Self, StoreUnavailable> {
        let start = start.max(1);
        let config = pull::Config {
            description: Some("reads behind a poll-vs-sse server's tails".to_owned()),
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: start,
            },
            ack_policy: AckPolicy::None,
            filter_subject: client.subject(room),
            inactive_threshold: FORGET_AFTER,
            num_replicas: 1,
            memory_storage: true,
            ..pull::Config::default()
        };
        let consumer = client.consumer(config).await?;
        Ok(Self {
            start,
            pending: consumer.cached_info().num_pending,
            consumer,
            brought: 0,
        })
    }

    pub fn info(&self) -> &Info {
        self.consumer.cached_info()
    }

    /// Pulls once when nothing is left: JetStream answers that there is no message, which shows that pulling is
    /// permitted.
    pub(super) async fn flush_pull(
        &self,
        client: &JetStreamClient,
    ) -> Result<(), StoreUnavailable> {
        let batch = self.consumer.fetch().max_messages(1).messages().await;
        let mut batch = batch.map_err(|error| StoreUnavailable(one_line(&error)))?;
        let answer = timeout(FETCH_TIMEOUT, batch.next()).await;
        answer.map(drop).map_err(|_| client.no_response())
    }

    /// Makes JetStream drop the consumer, without waiting for it.
    pub(super) fn discard(self, client: &JetStreamClient) {
        let jetstream = client.jetstream.clone();
        let info = self.consumer.cached_info();
        let (name, stream) = (info.name.clone(), info.stream_name.clone());
        tokio::spawn(async move {
            // If this fails, JetStream drops the consumer when it is idle.
            let _ = jetstream.delete_consumer_from_stream(&name, &stream).await;
        });
    }

    /// The next messages, at most `limit`. If there are none, the consumer has no others.
    async fn fetch(
        &mut self,
        log: LogId,
        limit: Limit,
    ) -> Result<Vec<StoredMessage>, StoreUnavailable> {
        let mut fetched = Vec::new();
        let pending = usize::try_from(self.pending).unwrap_or(usize::MAX);
        let n = pending.min(limit.messages).min(FETCH.messages);
        if n == 0 {
            return Ok(fetched);
        }
        let bytes = limit.bytes.min(FETCH.bytes);
        let batch = self.consumer.fetch().max_messages(n).max_bytes(bytes);
        let mut batch = batch
            .messages()
            .await
            .map_err(|error| StoreUnavailable(one_line(&error)))?;
        while let Ok(Some(Ok(message))) = timeout(FETCH_TIMEOUT, batch.next()).await {
            let Ok(place) = message.info() else { break };
            if place.consumer_sequence != self.brought + 1 {
                // Some messages were lost on their way.
                self.pending = 0;
                return Ok(fetched);
            }
            self.brought += 1;
            self.pending -= 1;
            let id = place.stream_sequence;
            let stored_at_us = micros(place.published.unix_timestamp_nanos());
            let (subject, payload) = (&message.subject, &message.payload);
            let record = record::decode(log, subject, id, stored_at_us, payload);
            fetched.push(StoredMessage { id, record });
        }
        if fetched.is_empty() {
            self.pending = 0;
        }
        Ok(fetched)
    }
}

/// A scan of a room's messages with a consumer, or with the stream's leader if that lags.
pub(super) struct Scan<'a> {
    client: &'a JetStreamClient,
    log: LogId,
    room: &'a Room,
    source: &'a mut RoomConsumer,
    /// The last message that was read, counted or not.
    pub at: u64,
    /// Where it ends.
    newest: u64,
    singly: usize,
}

impl<'a> Scan<'a> {
    pub fn new(
        client: &'a JetStreamClient,
        (log, room): (LogId, &'a Room),
        source: &'a mut RoomConsumer,
        at: u64,
        newest: u64,
    ) -> Self {
        Self {
            client,
            log,
            room,
            source,
            at,
            newest,
            singly: 0,
        }
    }

    /// The next messages that count. If there are none, the scan is complete.
    pub async fn next(&mut self, limit: Limit) -> Result<Vec<Record>, StoreUnavailable> {
        while self.at < self.newest {
            let mut stored = self.source.fetch(self.log, limit).await?;
            if stored.is_empty() {
                if self.singly == MAX_DIRECT_GETS {
                    break;
                }
                self.singly += 1;
                stored.extend(self.client.next(self.log, self.room, self.at + 1).await?);
            }
            self.at = stored.last().map_or(self.newest, |last| last.id);
            let records = stored.into_iter().filter_map(|stored| stored.record);
            let records: Vec<Record> = records.filter(|record| !record.is_expired).collect();
            if !records.is_empty() {
                return Ok(records);
            }
        }
        Ok(Vec::new())
    }
}
