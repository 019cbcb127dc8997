//! What a stream sends: the same read of the log as a poll, in a loop that waits for notifications.
//!
//! There is no queue per client: a slow reader only has an older position in the log.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{Delivery, drain::DrainDeadline, read_query::ReadQuery, sse};
use crate::{
    domain::transport::Transport,
    ledger::{request_recorder::RequestRecorder, trace::PushKind},
    log::{
        ReadBatch, ReadPosition, RoomReader, Start, Subscription,
        entry::Limit,
        store::StoreUnavailable,
        tail::{FrameBatch, TailLookup},
    },
    presence::{Presence, PresenceGuard, PresenceUpdates},
};

/// How long a stream may be silent before it sends a comment.
const KEEP_ALIVE_INTERVAL: Duration = poll_vs_sse_model::server_limits::KEEP_ALIVE_INTERVAL;
/// How long a stream waits before it asks a store again that did not answer.
const STORE_RETRY_DELAY: Duration = Duration::from_secs(1);
/// What is read from the store at once.
const STORE_PAGE: Limit = Limit {
    messages: 256,
    bytes: 16 * 1024,
};

/// One reader's stream: the preamble, messages as they come, and what is sent between them.
pub struct EventStream {
    preamble: Option<Bytes>,
    messages: Messages,
    presence: PresenceEvents,
    keep_alive: KeepAliveTimer,
    shutdown: DrainDeadline,
    has_ended: bool,
}

/// One piece of a stream: whole events.
#[derive(Debug)]
pub struct EventChunk {
    pub bytes: Bytes,
    /// `None` for the preamble, which belongs to every stream as its head does.
    pub kind: Option<PushKind>,
    pub messages: u64,
    /// When the oldest message in it was published, microseconds since the Unix epoch; `None` if
    /// there is none, or the reader was not there then.
    pub published_at_us: Option<i64>,
}

impl Delivery {
    /// Opens the stream that `query` asks for, on the connection with this id.
    pub async fn stream(
        &self,
        query: &ReadQuery,
        connection: u64,
    ) -> Result<EventStream, StoreUnavailable> {
        let messages = Messages::open(self, query).await?;
        let preamble = match query.heartbeat {
            None => sse::RETRY,
            Some(_) => sse::PREAMBLE_WITH_HEARTBEAT,
        };
        Ok(EventStream {
            preamble: Some(preamble),
            messages,
            presence: PresenceEvents::open(&self.presence, query),
            keep_alive: KeepAliveTimer::new(query.heartbeat),
            shutdown: DrainDeadline::new(self.drain.clone(), connection),
            has_ended: false,
        })
    }
}

impl Stream for EventStream {
    type Item = EventChunk;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<EventChunk>> {
        let this = &mut *self;
        if this.has_ended {
            return Poll::Ready(None);
        }
        if let Some(preamble) = this.preamble.take() {
            return this.emit(EventChunk::control(None, preamble));
        }
        loop {
            match this.messages.poll_step(cx) {
                Step::Chunk(chunk) => return this.emit(chunk),
                Step::Reading => break,
                Step::UpToDate if this.poll_shutdown(cx).is_pending() => break,
                Step::Behind if this.poll_shutdown(cx).is_pending() => {
                    this.messages.start_store_read(Duration::ZERO);
                }
                // What is left to read is read elsewhere.
                Step::UpToDate | Step::Behind => return Poll::Ready(this.end()),
            }
        }
        if let Poll::Ready(event) = this.presence.poll_next(cx) {
            return this.emit(EventChunk::control(Some(PushKind::Presence), event));
        }
        let event = ready!(this.keep_alive.poll_due(cx));
        this.emit(EventChunk::control(Some(PushKind::KeepAlive), event))
    }
}

impl EventStream {
    fn emit(&mut self, chunk: EventChunk) -> Poll<Option<EventChunk>> {
        self.keep_alive.on_sent();
        Poll::Ready(Some(chunk))
    }

    /// Ready when the stream must end.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.messages.subscription.is_closed() {
            return Poll::Pending;
        }
        self.shutdown.poll_due(cx)
    }

    /// Ends the stream; says when to come back if many leave.
    fn end(&mut self) -> Option<EventChunk> {
        self.has_ended = true;
        let retry_ms = self.shutdown.retry_ms();
        retry_ms.map(|ms| EventChunk::control(Some(PushKind::KeepAlive), sse::retry(ms)))
    }
}

impl EventChunk {
    /// A piece without messages.
    pub fn control(kind: Option<PushKind>, bytes: Bytes) -> Self {
        Self {
            bytes,
            kind,
            messages: 0,
            published_at_us: None,
        }
    }

    /// Counts the chunk as delivered, as it is handed to what writes it.
    pub fn record(&self, recorder: &RequestRecorder) {
        if self.messages > 0 {
            recorder.record_messages(self.messages);
            if let Some(published_at_us) = self.published_at_us {
                recorder.record_delay(published_at_us, self.messages);
            }
        }
        if let Some(kind) = self.kind {
            recorder.record_push(kind, self.messages, self.bytes.len());
        }
    }
}

/// The room's messages from the reader's position on: from the store until it is caught up, then
/// from the tail.
struct Messages {
    subscription: Subscription,
    position: ReadPosition,
    /// Messages after this were published while the reader was there to wait for them.
    joined_at: u64,
    store_read: Option<StoreRead>,
}

type StoreRead = Pin<Box<dyn Future<Output = Result<(RoomReader, ReadBatch), StoreUnavailable>>>>;

/// What comes next of a room's messages.
enum Step {
    Chunk(EventChunk),
    /// The store is being read.
    Reading,
    UpToDate,
    /// The tail no longer has the next messages.
    Behind,
}

impl Messages {
    async fn open(delivery: &Delivery, query: &ReadQuery) -> Result<Self, StoreUnavailable> {
        let joined_at = match query.start {
            Start::After(_) => 0,
            Start::Last(_) => delivery.log.head(),
        };
        let (room, position) = delivery.log.open_reader(&query.room, query.start).await?;
        Ok(Self {
            subscription: room.subscribe(),
            position,
            joined_at,
            store_read: None,
        })
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Step {
        loop {
            if let Some(read) = &mut self.store_read {
                let Poll::Ready(read) = read.as_mut().poll(cx) else {
                    return Step::Reading;
                };
                self.store_read = None;
                if let Some(chunk) = self.on_store_read(read) {
                    return Step::Chunk(chunk);
                }
            } else if self.position.reset.is_some() {
                // The store knows what is retained, and so where to go on.
                self.start_store_read(Duration::ZERO);
            } else {
                let batch = self.subscription.poll_batch(self.position.after, cx);
                return match batch {
                    TailLookup::Found(batch) => Step::Chunk(self.advance(batch)),
                    TailLookup::UpToDate => Step::UpToDate,
                    TailLookup::Behind | TailLookup::LogReplaced => Step::Behind,
                };
            }
        }
    }

    fn start_store_read(&mut self, delay: Duration) {
        let mut room = self.subscription.room.clone();
        let position = self.position;
        self.store_read = Some(Box::pin(async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            let read = room.read(position, STORE_PAGE).await?;
            Ok((room, read))
        }));
    }

    /// Takes what was read; `None` if there is nothing to send.
    fn on_store_read(
        &mut self,
        read: Result<(RoomReader, ReadBatch), StoreUnavailable>,
    ) -> Option<EventChunk> {
        let Ok((room, mut read)) = read else {
            // The stream stays open and goes on from its position when the store returns.
            self.start_store_read(STORE_RETRY_DELAY);
            return None;
        };
        self.subscription.switch_room(room);
        let messages = match FrameBatch::from_page(&mut read.entries) {
            Some(batch) => Some(self.advance(batch)),
            None => {
                self.position.after = read.after;
                None
            }
        };
        self.position.reset = None;
        let Some(reason) = read.reset else {
            return messages;
        };
        let reset = sse::reset(reason);
        let Some(messages) = messages else {
            return Some(EventChunk::control(Some(PushKind::Reset), reset));
        };
        Some(EventChunk {
            bytes: [reset, messages.bytes].concat().into(),
            ..messages
        })
    }

    fn advance(&mut self, batch: FrameBatch) -> EventChunk {
        self.position.after = batch.last;
        let is_live = batch.first > self.joined_at;
        EventChunk {
            bytes: batch.bytes,
            kind: Some(PushKind::Messages),
            messages: batch.messages,
            published_at_us: is_live.then_some(batch.sent_at_us),
        }
    }
}

/// The reader among the others in its room: what it hears of them, and that they see it.
struct PresenceEvents {
    update: Option<PresenceUpdate>,
    _guard: Option<PresenceGuard>,
}

type PresenceUpdate = Pin<Box<dyn Future<Output = (PresenceUpdates, Option<Bytes>)>>>;

impl PresenceEvents {
    fn open(presence: &Arc<Presence>, query: &ReadQuery) -> Self {
        let reader = query.reader(Transport::Stream);
        // Subscribed before it joins, so that it hears of itself.
        let update = (query.presence == Some(true)).then(|| {
            let update: PresenceUpdate = Box::pin(presence.subscribe(&query.room).next());
            update
        });
        Self {
            update,
            _guard: reader.and_then(|reader| presence.join(&query.room, reader)),
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        let Some(update) = &mut self.update else {
            return Poll::Pending;
        };
        let (updates, event) = ready!(update.as_mut().poll(cx));
        let Some(event) = event else {
            // No more will come.
            self.update = None;
            return Poll::Pending;
        };
        self.update = Some(Box::pin(updates.next()));
        Poll::Ready(event)
    }
}

/// What is sent when nothing else was for long enough.
struct KeepAliveTimer {
    interval: Duration,
    event: Bytes,
    last_sent: Instant,
    /// Only moved when it fires, so that a delivery need not touch it.
    timer: Pin<Box<Sleep>>,
    /// When the timer fires; kept here too, as a delivery would have to follow the pointer.
    due: Instant,
    /// The timer will wake the stream's task.
    is_set: bool,
    sent_since_poll: bool,
}

impl KeepAliveTimer {
    /// With `heartbeat`, keep-alives are events at that interval.
    fn new(heartbeat: Option<Duration>) -> Self {
        let interval = heartbeat.unwrap_or(KEEP_ALIVE_INTERVAL);
        let now = Instant::now();
        let due = now + interval;
        Self {
            interval,
            event: match heartbeat {
                None => sse::KEEP_ALIVE,
                Some(_) => sse::HEARTBEAT,
            },
            last_sent: now,
            timer: Box::pin(sleep_until(due)),
            due,
            is_set: false,
            sent_since_poll: false,
        }
    }

    fn on_sent(&mut self) {
        self.last_sent = Instant::now();
        // A timer that is still to come need not be looked at right after.
        self.is_set = self.is_set && self.last_sent < self.due;
        self.sent_since_poll = true;
    }

    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        if std::mem::take(&mut self.sent_since_poll) && self.is_set {
            return Poll::Pending;
        }
        loop {
            self.is_set = true;
            ready!(self.timer.as_mut().poll(cx));
            self.is_set = false;
            let due = self.last_sent + self.interval;
            let now = Instant::now();
            if due > now {
                self.reset(due);
                continue;
            }
            self.reset(now + self.interval);
            return Poll::Ready(self.event.clone());
        }
    }

    fn reset(&mut self, due: Instant) {
        self.timer.as_mut().reset(due);
        self.due = due;
    }
}
