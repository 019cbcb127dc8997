//! Publishing: a message is sent until JetStream has it, or until it is too late for it to count.
//!
//! A client is told within [`ANSWER`]. What JetStream stores after [`COUNT`] is void for all
//! servers, by the deadline that the message carries: so a publish that timed out is
//! not appended later. See `docs/decisions/0007-told-failed-stays-failed.md`.

use std::{sync::atomic::Ordering, time::Duration};

use async_nats::{HeaderMap, header::NATS_MESSAGE_ID};
use jiff::Timestamp;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout_at},
};

use super::{
    Nats, Shared,
    link::{Acknowledged, Stored, Unacknowledged},
    record::{self, Past, Record, Stamp},
};
use crate::{
    domain::{cursor::LogId, draft::Draft, message::Message, room::Room},
    log::{
        entry::Entry,
        store::{
            AppendError, Appended, IdempotencyKey, StoreUnavailable, appended,
            idempotency::IdempotencyRecord,
        },
    },
};

/// No attempt begins later than this.
const SEND: Duration = Duration::from_millis(2800);
/// A message that is stored later does not count.
const COUNT: Duration = Duration::from_millis(3200);
/// The client is answered by then. The margin allows for clocks that differ and acknowledgements
/// that take their time.
const ANSWER: Duration = Duration::from_millis(4500);
/// How long one attempt waits for its acknowledgement.
const ATTEMPT: Duration = Duration::from_millis(1200);
/// JetStream has a message, but readers of this server do not see it yet.
const BEHIND: &str = "it has the message, but has not brought it here";
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(100);
/// A message that took longer to come back says too little about JetStream's clock.
const PROMPT: Duration = Duration::from_millis(500);

/// A message has come from the stream to this server.
#[derive(Debug)]
pub(super) struct Arrival {
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
    ) -> Result<Appended, AppendError> {
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
    shared: &'a Shared,
    draft: Draft,
    key: Option<IdempotencyKey>,
    begun: Instant,
}

/// The outcome of one attempt.
enum Attempt {
    Done(Result<Appended, AppendError>),
    /// The message is in the stream but does not count: it must be sent as another one.
    Void,
    /// It was stored, and is retained no longer.
    Gone,
    /// It was not stored.
    Refused(String),
    /// It could not be sent.
    Unsent(String),
    /// It may be stored yet.
    Silent(String),
}

/// A publish's place among those that wait for their message.
struct Waiting<'a> {
    shared: &'a Shared,
    name: String,
    arrival: oneshot::Receiver<Arrival>,
}

impl<'a> Waiting<'a> {
    fn new(shared: &'a Shared) -> Self {
        let n = shared.names.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}{n}", shared.names_prefix);
        let (sender, arrival) = oneshot::channel();
        shared.waiting.lock().insert(name.clone(), sender);
        Self {
            shared,
            name,
            arrival,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.shared.waiting.lock().remove(&self.name);
    }
}

impl Publish<'_> {
    async fn run(self) -> Result<Appended, AppendError> {
        let mut round = 0;
        let mut waiting = Waiting::new(self.shared);
        let mut was_sent = false;
        let mut refused = None;
        let mut why = "away".to_owned();
        while self.is_store_there_by(self.begun + SEND).await {
            match self.attempt(round, &mut waiting).await {
                Attempt::Done(result) => return result,
                Attempt::Void => {
                    round += 1;
                    waiting = Waiting::new(self.shared);
                    was_sent = false;
                    continue;
                }
                Attempt::Gone => {}
                Attempt::Refused(reason) => {
                    refused = Some(reason.clone());
                    why = reason;
                }
                Attempt::Unsent(reason) => why = reason,
                Attempt::Silent(reason) => {
                    why = reason;
                    was_sent = true;
                }
            }
            sleep(BETWEEN_ATTEMPTS).await;
        }
        if let Some(why) = refused {
            self.shared.trouble.lock().refused(&why, self.bytes());
        }
        if !was_sent {
            return Err(StoreUnavailable(why).into());
        }
        if let Ok(Ok(arrival)) = timeout_at(self.begun + ANSWER, &mut waiting.arrival).await
            && let Some(entry) = arrival.entry
        {
            return Ok(appended(arrival.log, &entry));
        }
        if self.shared.check().is_ok() {
            let bytes = self.bytes();
            self.shared.trouble.lock().unconfirmed(self.begun, bytes);
        }
        Err(AppendError::Unconfirmed(StoreUnavailable(why)))
    }

    /// How large it is, to be held against others.
    fn bytes(&self) -> usize {
        self.draft.author.len() + self.draft.text.len()
    }

    async fn is_store_there_by(&self, deadline: Instant) -> bool {
        let mut status = self.shared.status.subscribe();
        let there = status.wait_for(|status| status.away.is_none());
        Instant::now() < deadline && timeout_at(deadline, there).await.is_ok_and(|it| it.is_ok())
    }

    async fn attempt(&self, round: u32, waiting: &mut Waiting<'_>) -> Attempt {
        let stamp = match self.stamp(waiting.name.clone()).await {
            Ok(stamp) => stamp,
            Err(away) => return Attempt::Unsent(away.0),
        };
        let mut headers = HeaderMap::new();
        let message_id = match &self.key {
            // A key whose message does not count is free again, under another id.
            Some(key) => format!("k{round}:{}", key.as_str()),
            None => stamp.publish.clone(),
        };
        headers.insert(NATS_MESSAGE_ID, message_id);
        let subject = self.shared.link.subject(&self.draft.room);
        let payload = record::encode(&self.draft, &stamp);
        let sent = Instant::now();
        let until = (sent + ATTEMPT).min(self.begun + ANSWER);
        let sending = self.shared.link.send(subject, headers, payload, until);
        let acknowledged = tokio::select! {
            arrival = &mut waiting.arrival => {
                self.shared.trouble.lock().taken(self.bytes());
                return self.arrived(arrival, sent);
            }
            acknowledged = sending => acknowledged,
        };
        match acknowledged {
            Ok(Acknowledged {
                id,
                is_repeat: false,
            }) => {
                self.shared.trouble.lock().taken(self.bytes());
                let deadline = self.begun + ANSWER;
                let log = stamp.log;
                if !self.shared.wait_until_reached(log, id, deadline).await {
                    self.shared.trouble.lock().owes(log, id);
                    return Attempt::Silent(BEHIND.to_owned());
                }
                match waiting.arrival.try_recv() {
                    Ok(arrival) => self.arrived(Ok(arrival), sent),
                    Err(_) => match self.stored(log, id, &waiting.name).await {
                        Attempt::Gone => Attempt::Done(Ok(self.retired(log, id))),
                        attempt => attempt,
                    },
                }
            }
            Ok(Acknowledged {
                id,
                is_repeat: true,
            }) => match self.stored(stamp.log, id, &waiting.name).await {
                // The first message cannot be compared.
                Attempt::Gone if self.key.is_some() => Attempt::Done(Err(AppendError::KeyReused)),
                Attempt::Gone => Attempt::Done(Ok(self.retired(stamp.log, id))),
                attempt => attempt,
            },
            Err(Unacknowledged::Refused(why)) => Attempt::Refused(why),
            Err(Unacknowledged::Rejected(why)) => {
                self.shared.trouble.lock().refused(&why, self.bytes());
                Attempt::Done(Err(AppendError::Rejected(why)))
            }
            Err(Unacknowledged::Silent(why)) => {
                self.shared.doubt(&why);
                Attempt::Silent(why)
            }
        }
    }

    /// The message has come from the stream.
    fn arrived(
        &self,
        arrival: Result<Arrival, oneshot::error::RecvError>,
        sent: Instant,
    ) -> Attempt {
        let Ok(arrival) = arrival else {
            return Attempt::Silent("stopped".to_owned());
        };
        let took = sent.elapsed();
        if took < PROMPT {
            let halfway = now_us() - took.as_micros() as i64 / 2;
            let skew = arrival.stored_at_us - halfway;
            self.shared.skew_us.store(skew, Ordering::Relaxed);
        }
        match arrival.entry {
            Some(entry) => Attempt::Done(Ok(appended(arrival.log, &entry))),
            None => Attempt::Void,
        }
    }

    /// JetStream has message `id`: this one, or the first one with the same key.
    async fn stored(&self, log: LogId, id: u64, name: &str) -> Attempt {
        let record = match self.shared.link.message(log, id).await {
            Ok(Some(Stored {
                record: Some(record),
                ..
            })) => record,
            Ok(_) => return Attempt::Gone,
            Err(away) => return Attempt::Silent(away.0),
        };
        if record.is_void {
            return Attempt::Void;
        }
        let deadline = self.begun + ANSWER;
        if !self.shared.wait_until_reached(log, id, deadline).await {
            return Attempt::Silent(BEHIND.to_owned());
        }
        let Record {
            message, publish, ..
        } = record;
        let entry = Entry::new(&message, self.shared.encode);
        if publish.as_deref() == Some(name) {
            return Attempt::Done(Ok(appended(log, &entry)));
        }
        let first_use = IdempotencyRecord {
            at: message.sent_at,
            cursor: message.cursor,
            json: entry.json(),
        };
        Attempt::Done(first_use.replay(self.draft.clone()))
    }

    /// The message as it was, to the moment it was stored: nobody will read it any more.
    fn retired(&self, log: LogId, id: u64) -> Appended {
        let message = Message::new(log, id, self.draft.clone(), Timestamp::now());
        appended(log, &Entry::new(&message, self.shared.encode))
    }

    async fn stamp(&self, publish: String) -> Result<Stamp, StoreUnavailable> {
        let (log, floor_us, past) = self.shared.past(&self.draft.room).await?;
        let left = (self.begun + COUNT).saturating_duration_since(Instant::now());
        let skew_us = self.shared.skew_us.load(Ordering::Relaxed);
        Ok(Stamp {
            log,
            publish,
            deadline_us: now_us() + skew_us + left.as_micros() as i64,
            floor_us,
            past,
        })
    }
}

impl Shared {
    /// The log, the newest time in it, and what is known of a room's past.
    async fn past(&self, room: &Room) -> Result<(LogId, i64, Past), StoreUnavailable> {
        let (log, floor_us, through) = {
            let mut pasts = self.pasts.lock();
            let (log, floor_us) = (pasts.log, pasts.last_sent_at_us());
            if let Some(past) = pasts.of(room) {
                return Ok((log, floor_us, past));
            }
            (log, floor_us, pasts.through())
        };
        let newest = match self.link.newest(log, room).await? {
            Some(newest) => newest.id,
            // There may have been one before all that the stream holds.
            None => {
                let first = self.info().await?.state.first_sequence;
                self.pasts.lock().bound(first)
            }
        };
        self.pasts.lock().learn(log, room, newest, through);
        let known = through.max(newest);
        Ok((log, floor_us, Past { newest, known }))
    }
}

fn now_us() -> i64 {
    Timestamp::now().as_microsecond()
}
