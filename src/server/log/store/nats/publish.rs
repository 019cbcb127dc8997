//! Publishing: sends a message until JetStream has it, or until it would be too late to count.
//!
//! The client gets an answer within [`RESPONSE_DEADLINE`]. A message that JetStream stores after [`VALID_FOR`] is
//! void for all servers, because of the deadline that the message carries. So a publish that timed out is not
//! appended later. See `docs/decisions/0007-told-failed-stays-failed.md`.

use std::{sync::atomic::Ordering, time::Duration};

use async_nats::{HeaderMap, header::NATS_MESSAGE_ID};
use jiff::Timestamp;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout_at},
};

use super::{
    Nats, NatsInner,
    client::{PubAck, PublishError, StoredMessage},
    record::{self, PreviousMessage, PublishMetadata, Record},
};
use crate::{
    domain::{cursor::LogId, draft::Draft, message::Message, room::Room},
    log::{
        entry::Entry,
        store::{
            AppendError, AppendedMessage, IdempotencyKey, StoreUnavailable, appended,
            idempotency::IdempotencyRecord,
        },
    },
};

/// No attempt begins later than this.
const SEND_DEADLINE: Duration = Duration::from_millis(2800);
/// A message that is stored later does not count.
const VALID_FOR: Duration = Duration::from_millis(3200);
/// The client gets its answer by then. The margin allows for clocks that differ and for slow acknowledgements.
const RESPONSE_DEADLINE: Duration = Duration::from_millis(4500);
/// How long one attempt waits for its acknowledgement.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1200);
/// JetStream has a message, but readers of this server do not see it yet.
const NOT_YET_DELIVERED: &str = "it has the message, but has not delivered it to this server";
const RETRY_DELAY: Duration = Duration::from_millis(100);
/// A message that takes longer to come back is not precise enough for measuring JetStream's clock.
const MAX_ROUND_TRIP: Duration = Duration::from_millis(500);

/// A message has come from the stream to this server.
#[derive(Debug)]
pub(super) struct PublishConfirmation {
    pub log: LogId,
    /// `None`: it does not count.
    pub entry: Option<Entry>,
    pub stored_at_us: i64,
}

impl Nats {
    pub async fn append(
        &self,
        draft: Draft,
        key: Option<IdempotencyKey>,
    ) -> Result<AppendedMessage, AppendError> {
        let publish = Publish {
            shared: &self.shared,
            draft,
            key,
            begun: Instant::now(),
        };
        publish.run().await
    }
}

struct Publish<'a> {
    shared: &'a NatsInner,
    draft: Draft,
    key: Option<IdempotencyKey>,
    begun: Instant,
}

/// The outcome of one attempt.
enum Attempt {
    Done(Result<AppendedMessage, AppendError>),
    /// The message is in the stream but does not count, so it must be sent again as another message.
    Void,
    /// It was not stored.
    Refused(String),
    /// It could not be sent.
    Unsent(String),
    /// The message may still be stored.
    Timeout(String),
}

/// A publish that waits for its message.
struct PendingPublish<'a> {
    shared: &'a NatsInner,
    name: String,
    delivery: oneshot::Receiver<PublishConfirmation>,
    /// Whether it may have been sent already.
    was_sent: bool,
}

impl<'a> PendingPublish<'a> {
    fn new(shared: &'a NatsInner) -> Self {
        let n = shared.names.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}{n}", shared.names_prefix);
        let (sender, delivery) = oneshot::channel();
        shared.pending.lock().insert(name.clone(), sender);
        Self {
            shared,
            name,
            delivery,
            was_sent: false,
        }
    }
}

impl Drop for PendingPublish<'_> {
    fn drop(&mut self) {
        self.shared.pending.lock().remove(&self.name);
    }
}

impl Publish<'_> {
    async fn run(self) -> Result<AppendedMessage, AppendError> {
        let mut round = 0;
        let mut pending = PendingPublish::new(self.shared);
        let mut refused = None;
        let mut why = "away".to_owned();
        while self.is_store_there_by(self.begun + SEND_DEADLINE).await {
            match self.attempt(round, &mut pending).await {
                Attempt::Done(result) => return result,
                Attempt::Void => {
                    round += 1;
                    pending = PendingPublish::new(self.shared);
                    continue;
                }
                Attempt::Refused(reason) => {
                    refused = Some(reason.clone());
                    why = reason;
                }
                Attempt::Unsent(reason) => why = reason,
                Attempt::Timeout(reason) => {
                    why = reason;
                    pending.was_sent = true;
                }
            }
            sleep(RETRY_DELAY).await;
        }
        if let Some(why) = refused {
            self.shared.health.lock().refused(&why, self.bytes());
        }
        if !pending.was_sent {
            return Err(StoreUnavailable(why).into());
        }
        if let Ok(Ok(delivery)) =
            timeout_at(self.begun + RESPONSE_DEADLINE, &mut pending.delivery).await
            && let Some(entry) = delivery.entry
        {
            return Ok(appended(delivery.log, &entry));
        }
        if self.shared.check().is_ok() {
            let bytes = self.bytes();
            self.shared.health.lock().unconfirmed(self.begun, bytes);
        }
        Err(AppendError::Unconfirmed(StoreUnavailable(why)))
    }

    /// Its size, for comparison with others.
    fn bytes(&self) -> usize {
        self.draft.author.len() + self.draft.text.len()
    }

    async fn is_store_there_by(&self, deadline: Instant) -> bool {
        let mut status = self.shared.status.subscribe();
        let there = status.wait_for(|status| status.away.is_none());
        Instant::now() < deadline && timeout_at(deadline, there).await.is_ok_and(|it| it.is_ok())
    }

    async fn attempt(&self, round: u32, pending: &mut PendingPublish<'_>) -> Attempt {
        let metadata = match self.metadata(pending.name.clone()).await {
            Ok(metadata) => metadata,
            Err(away) => return Attempt::Unsent(away.0),
        };
        let mut headers = HeaderMap::new();
        let message_id = match &self.key {
            // A key whose message does not count is used again, under another message id.
            Some(key) => format!("k{round}:{}", key.as_str()),
            None => metadata.publish.clone(),
        };
        headers.insert(NATS_MESSAGE_ID, message_id);
        let subject = self.shared.client.subject(&self.draft.room);
        let payload = record::encode(&self.draft, &metadata);
        let now = Instant::now();
        // A message that comes after a second attempt may be that of the first.
        let sent = (!pending.was_sent).then_some(now);
        let until = (now + ATTEMPT_TIMEOUT).min(self.begun + RESPONSE_DEADLINE);
        let sending = self.shared.client.send(subject, headers, payload, until);
        let acknowledged = tokio::select! {
            delivery = &mut pending.delivery => {
                self.shared.health.lock().accepted(self.bytes());
                return self.on_delivered(delivery, sent);
            }
            acknowledged = sending => acknowledged,
        };
        match acknowledged {
            Ok(PubAck {
                id,
                is_duplicate: false,
            }) => {
                self.shared.health.lock().accepted(self.bytes());
                let deadline = self.begun + RESPONSE_DEADLINE;
                let log = metadata.log;
                if !self.shared.wait_until_applied(log, id, deadline).await {
                    self.shared.health.lock().expect_delivery(log, id);
                    return Attempt::Timeout(NOT_YET_DELIVERED.to_owned());
                }
                match pending.delivery.try_recv() {
                    Ok(delivery) => self.on_delivered(Ok(delivery), sent),
                    Err(_) => {
                        let stored = self.stored(log, id, &pending.name).await;
                        stored.unwrap_or_else(|| self.no_longer_retained(log, id))
                    }
                }
            }
            Ok(PubAck {
                id,
                is_duplicate: true,
            }) => match self.stored(metadata.log, id, &pending.name).await {
                Some(attempt) => attempt,
                // The first message cannot be compared.
                None if self.key.is_some() => Attempt::Done(Err(AppendError::KeyReused)),
                None => self.no_longer_retained(metadata.log, id),
            },
            Err(PublishError::Refused(why)) => Attempt::Refused(why),
            Err(PublishError::Rejected(why)) => {
                self.shared.health.lock().refused(&why, self.bytes());
                Attempt::Done(Err(AppendError::Rejected(why)))
            }
            Err(PublishError::Timeout(why)) => {
                self.shared.mark_suspect(&why);
                Attempt::Timeout(why)
            }
        }
    }

    /// The message has come from the stream. `sent` is when it was sent, if that was once.
    fn on_delivered(
        &self,
        delivery: Result<PublishConfirmation, oneshot::error::RecvError>,
        sent: Option<Instant>,
    ) -> Attempt {
        let Ok(delivery) = delivery else {
            return Attempt::Timeout("stopped".to_owned());
        };
        if let Some(took) = sent.map(|sent| sent.elapsed())
            && took < MAX_ROUND_TRIP
        {
            let halfway = now_us() - took.as_micros() as i64 / 2;
            let skew = delivery.stored_at_us - halfway;
            self.shared.skew_us.store(skew, Ordering::Relaxed);
        }
        match delivery.entry {
            Some(entry) => Attempt::Done(Ok(appended(delivery.log, &entry))),
            None => Attempt::Void,
        }
    }

    /// Handles the acknowledgement of message `id`: this message, or the first one with the same key. `None` if it is
    /// no longer retained.
    async fn stored(&self, log: LogId, id: u64, name: &str) -> Option<Attempt> {
        let record = match self.shared.client.message(log, id).await {
            Ok(Some(StoredMessage {
                record: Some(record),
                ..
            })) => record,
            Ok(_) => return None,
            Err(away) => return Some(Attempt::Timeout(away.0)),
        };
        if record.is_expired {
            return Some(Attempt::Void);
        }
        let deadline = self.begun + RESPONSE_DEADLINE;
        if !self.shared.wait_until_applied(log, id, deadline).await {
            return Some(Attempt::Timeout(NOT_YET_DELIVERED.to_owned()));
        }
        let Record {
            message, publish, ..
        } = record;
        let entry = Entry::new(&message.view(), self.shared.encode);
        if publish.as_deref() == Some(name) {
            return Some(Attempt::Done(Ok(appended(log, &entry))));
        }
        let first_use = IdempotencyRecord {
            at: message.sent_at,
            cursor: message.cursor,
            json: entry.json(),
        };
        Some(Attempt::Done(first_use.replay(self.draft.clone())))
    }

    /// The message as it was when it was stored; no reader will see it any more.
    fn no_longer_retained(&self, log: LogId, id: u64) -> Attempt {
        let message = Message::new(log, id, self.draft.clone(), Timestamp::now());
        let entry = Entry::new(&message.view(), self.shared.encode);
        Attempt::Done(Ok(appended(log, &entry)))
    }

    async fn metadata(&self, publish: String) -> Result<PublishMetadata, StoreUnavailable> {
        let (log, min_sent_at_us, past) = self.shared.past(&self.draft.room).await?;
        let left = (self.begun + VALID_FOR).saturating_duration_since(Instant::now());
        let skew_us = self.shared.skew_us.load(Ordering::Relaxed);
        Ok(PublishMetadata {
            log,
            publish,
            deadline_us: now_us() + skew_us + left.as_micros() as i64,
            min_sent_at_us,
            past,
        })
    }
}

impl NatsInner {
    /// The log, the newest time in it, and the known history of a room.
    async fn past(&self, room: &Room) -> Result<(LogId, i64, PreviousMessage), StoreUnavailable> {
        let (log, min_sent_at_us, through) = {
            let mut room_index = self.room_index.lock();
            let (log, min_sent_at_us) = (room_index.log, room_index.last_sent_at_us());
            if let Some(past) = room_index.previous(room) {
                return Ok((log, min_sent_at_us, past));
            }
            (log, min_sent_at_us, room_index.through())
        };
        let newest = match self.client.newest(log, room).await? {
            Some(newest) => newest.id,
            // There may have been a message before all that the stream holds.
            None => {
                let first = self.info().await?.state.first_sequence;
                self.room_index.lock().newest_at_most(first)
            }
        };
        self.room_index
            .lock()
            .record_newest(log, room, newest, through);
        let known = through.max(newest);
        Ok((log, min_sent_at_us, PreviousMessage { newest, known }))
    }
}

fn now_us() -> i64 {
    Timestamp::now().as_microsecond()
}
