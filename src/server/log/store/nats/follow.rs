//! Following the stream: one consumer for the whole process, whose messages go to the tails in the
//! order of their ids, each exactly once.
//!
//! A session lasts until anything is doubtful: a lost connection, a missing heartbeat, a message out of order, or
//! missing messages. The next session continues after the last message seen. The server also polls the stream's
//! state, for events without a message: the stream was replaced, has no leader, or has removed messages.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_nats::jetstream::{
    self,
    consumer::{
        AckPolicy, Consumer, DeliverPolicy,
        push::{self, Messages, MessagesError},
    },
    stream::Info,
};
use futures_util::StreamExt as _;
use tokio::time::{Instant, sleep, timeout};

use super::{
    NatsInner,
    client::{JetStreamClient, micros},
    health::StreamHealth,
    identity::identity,
    open::refuses,
    publish::PublishConfirmation,
    record::{self, Record},
    room_index::RoomIndex,
    stall_detector::StallDetector,
};
use crate::log::{
    entry::Entry,
    store::{StoreUnavailable, open_error::one_line},
};

/// How often the stream's state is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// The pause between two sessions.
const SESSION_INTERVAL: Duration = Duration::from_millis(100);
/// The interval of the consumer's heartbeats; it is given up after twice this.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// The time after which JetStream drops the consumer of a server that is gone.
const FORGET_AFTER: Duration = Duration::from_secs(10);
/// A replica that its leader has not heard from for longer may be away.
const PEER_SILENCE: Duration = Duration::from_millis(2500);
/// The delay before a deleted stream is created again. NATS 2.9 may still be removing the files of the old stream,
/// and would remove those of the new one with them, whose messages it would then never deliver.
const RECREATE_AFTER: Duration = Duration::from_secs(1);
/// The most messages that are passed to the tails at a time.
const MAX_BATCH: usize = 256;

/// The followed stream was replaced, or must be created.
struct StreamReplaced;

/// A message of the stream; without a record if it was not one of our servers that published it.
struct PendingDelivery {
    id: u64,
    stored_at_us: i64,
    record: Option<Record>,
}

pub(super) async fn follow(shared: Arc<NatsInner>) {
    loop {
        match shared.session().await {
            // The new stream is as good as the old one was.
            Ok(StreamReplaced) => {}
            Err(StoreUnavailable(why)) => {
                shared.status.send_modify(|status| status.away = Some(why));
                sleep(SESSION_INTERVAL).await;
            }
        }
    }
}

impl NatsInner {
    async fn session(&self) -> Result<StreamReplaced, StoreUnavailable> {
        let mut connections = self.client.connections();
        connections.mark_unchanged();
        if !self.client.is_connected() {
            // Polled again even without an event.
            let _ = timeout(POLL_INTERVAL, connections.changed()).await;
            return Err(StoreUnavailable("not connected".to_owned()));
        }
        let info = self.info_or_recreate().await?;
        self.switch_log(&info);
        let mut messages = self.consume().await?.ready_chunks(MAX_BATCH);
        let mut delivered = 0;
        let mut stall_detector = StallDetector::default();
        self.update_status(&info);
        loop {
            let looking = async {
                let _ = timeout(POLL_INTERVAL, self.refresh.notified()).await;
                self.client.info().await
            };
            tokio::pin!(looking);
            loop {
                tokio::select! {
                    biased;
                    _ = connections.changed() => {
                        return Err(StoreUnavailable("the connection was lost".to_owned()));
                    }
                    info = &mut looking => {
                        match info {
                            Ok(Some(info)) if identity(&info) == self.room_index.lock().log => {
                                self.update_status(&info);
                                self.check_lag(&info, &mut stall_detector).await?;
                            }
                            Ok(_) => return Ok(StreamReplaced),
                            // A new consumer needs a majority of the NATS servers.
                            Err(away) => return Err(away),
                        }
                        break;
                    }
                    batch = messages.next() => {
                        let batch = batch.ok_or_else(|| StoreUnavailable("not connected".to_owned()))?;
                        self.take(batch, &mut delivered)?;
                    }
                }
            }
        }
    }

    /// The stream, or the one that replaces it if it is gone.
    async fn info_or_recreate(&self) -> Result<Info, StoreUnavailable> {
        let due = Instant::now() + RECREATE_AFTER;
        while Instant::now() < due {
            if let Some(info) = self.client.info().await? {
                return Ok(info);
            }
            sleep(SESSION_INTERVAL).await;
        }
        self.client.info_or_create().await
    }

    /// Switches to the stream's log if the stream was replaced.
    fn switch_log(&self, info: &Info) {
        let log = identity(info);
        let head = info.state.last_sequence;
        let mut room_index = self.room_index.lock();
        if room_index.log == log {
            return;
        }
        *room_index = RoomIndex::new(log, head);
        self.tails.replace_log(log, head);
        self.applied.send_replace((log, head));
        drop(room_index);
        *self.health.lock() = StreamHealth::default();
        self.status.send_modify(|status| status.log = log);
    }

    async fn consume(&self) -> Result<Messages, StoreUnavailable> {
        let start_sequence = self.room_index.lock().through() + 1;
        let consumer = consumer(&self.client, start_sequence).await?;
        consumer
            .messages()
            .await
            .map_err(|error| StoreUnavailable(one_line(&error)))
    }

    /// Records the stream's state as its leader reports it.
    fn update_status(&self, info: &Info) {
        let first = info.state.first_sequence;
        self.held_from.store(first, Ordering::Relaxed);
        self.tails.expire(first.saturating_sub(1));
        self.health.lock().settings(refuses(&info.config));
        let away = quorum_problem(info);
        self.status.send_modify(|status| status.away = away);
        self.retained_messages
            .store(info.state.messages, Ordering::Relaxed);
    }

    /// Gives up a consumer that does not deliver the stream's messages; the next one may be on another node.
    async fn check_lag(
        &self,
        info: &Info,
        stall_detector: &mut StallDetector,
    ) -> Result<(), StoreUnavailable> {
        let (log, through) = {
            let room_index = self.room_index.lock();
            (room_index.log, room_index.through())
        };
        let newest = info.state.last_sequence;
        if !stall_detector.is_stalled(newest, through, Instant::now()) {
            return Ok(());
        }
        // The last sequence may be empty; then no message is missing, unless a publish knows of one.
        let has_missing = self.health.lock().has_missing((log, through));
        if has_missing || self.client.message(log, newest).await?.is_some() {
            return Err(StoreUnavailable("its consumer lags behind".to_owned()));
        }
        Ok(())
    }

    /// Takes messages that follow the `delivered` first ones of the session.
    fn take(
        &self,
        batch: Vec<Result<jetstream::Message, MessagesError>>,
        delivered: &mut u64,
    ) -> Result<(), StoreUnavailable> {
        let mut room_index = self.room_index.lock();
        let mut deliveries = Vec::with_capacity(batch.len());
        let mut through = room_index.through();
        let mut doubt = None;
        for message in batch {
            let message = match message {
                Ok(message) => message,
                Err(error) => {
                    doubt = Some(one_line(&error));
                    break;
                }
            };
            let Ok(place) = message.info() else {
                doubt = Some("a message without its stream sequence".to_owned());
                break;
            };
            *delivered += 1;
            if place.consumer_sequence != *delivered {
                doubt = Some("messages were lost on their way".to_owned());
                break;
            }
            let id = place.stream_sequence;
            if id <= through {
                continue;
            }
            if id > through + 1 {
                // JetStream removed the messages in between before they reached this server.
                self.show(&mut room_index, std::mem::take(&mut deliveries), through);
                room_index.reset_to(id - 1);
                self.tails.reset_to(id - 1);
            }
            through = id;
            let stored_at_us = micros(place.published.unix_timestamp_nanos());
            deliveries.push(PendingDelivery {
                id,
                stored_at_us,
                record: record::decode(
                    room_index.log,
                    &message.subject,
                    id,
                    stored_at_us,
                    &message.payload,
                ),
            });
        }
        self.show(&mut room_index, deliveries, through);
        doubt.map_or(Ok(()), |why| Err(StoreUnavailable(why)))
    }

    /// Makes messages visible to readers, then notifies the publishes that wait for them.
    fn show(&self, room_index: &mut RoomIndex, deliveries: Vec<PendingDelivery>, through: u64) {
        if deliveries.is_empty() {
            return;
        }
        let records = || {
            deliveries
                .iter()
                .filter_map(|deliveries| deliveries.record.as_ref())
        };
        let entries: Vec<Entry> = records()
            .filter(|record| !record.is_expired)
            .map(|record| Entry::new(&record.message.view(), self.encode))
            .collect();
        self.tails.append(entries.clone());
        self.tails.expire(self.retention.prune_through(through));
        room_index.record(records(), through);
        // An estimate until the stream's state is polled again.
        let kept = self.retention.messages.unwrap_or(u64::MAX);
        let before = self.retained_messages.load(Ordering::Relaxed);
        let count = (before + deliveries.len() as u64).min(kept);
        self.retained_messages.store(count, Ordering::Relaxed);
        let mut pending = self.pending.lock();
        let mut entries = entries.into_iter().peekable();
        for PendingDelivery {
            id,
            stored_at_us,
            record,
        } in deliveries
        {
            let entry = entries.next_if(|entry| entry.id == id);
            let publish = record.and_then(|record| record.publish);
            if let Some(sender) = publish.and_then(|publish| pending.remove(&publish)) {
                // An error means that the client no longer waits.
                let _ = sender.send(PublishConfirmation {
                    log: room_index.log,
                    entry,
                    stored_at_us,
                });
            }
        }
        // After the messages, so that a publish that waits for the sequence finds its message.
        self.applied.send_replace((room_index.log, through));
    }
}

/// A consumer that delivers all messages from `start_sequence` on.
pub(super) async fn consumer(
    client: &JetStreamClient,
    start_sequence: u64,
) -> Result<Consumer<push::Config>, StoreUnavailable> {
    let config = push::Config {
        deliver_subject: client.client.new_inbox(),
        description: Some("feeds a poll-vs-sse server".to_owned()),
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence },
        ack_policy: AckPolicy::None,
        flow_control: true,
        idle_heartbeat: HEARTBEAT,
        inactive_threshold: FORGET_AFTER,
        num_replicas: 1,
        memory_storage: true,
        ..push::Config::default()
    };
    client.consumer(config).await
}

/// Why the stream cannot store messages durably, if it cannot.
fn quorum_problem(info: &Info) -> Option<String> {
    let cluster = info.cluster.as_ref()?;
    if info.config.num_replicas > 1 && cluster.leader.is_none() {
        return Some("the stream has no leader".to_owned());
    }
    let is_there =
        |peer: &&jetstream::stream::PeerInfo| !peer.offline && peer.active < PEER_SILENCE;
    let there = 1 + cluster.replicas.iter().filter(is_there).count();
    (2 * there <= info.config.num_replicas).then(|| {
        format!(
            "{there} of {} replicas are available",
            info.config.num_replicas
        )
    })
}
