//! What a stream sends, and in which order: the same read of the log as a poll, in a loop that waits for
//! notifications. Its [`ReaderWaits`] decides how it waits.
//!
//! There is no queue per client: a slow reader only has an older position in the log.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

use super::{
    Delivery, drain::DrainDeadline, presence_events::PresenceEvents, read_query::ReadQuery, sse,
    waits::ReaderWaits,
};
use crate::{
    ledger::{request_recorder::RequestRecorder, trace::PushKind},
    log::{
        LogReader, ReadBatch, ReadPosition, RoomReader, Start,
        entry::Limit,
        frame_batch::{BATCH_BYTES, FrameBatch},
        store::StoreUnavailable,
        tail::TailLookup,
    },
};

/// How long a stream may be silent before it sends a comment.
const KEEP_ALIVE_INTERVAL: Duration = poll_vs_sse_model::server_limits::KEEP_ALIVE_INTERVAL;
/// How long a stream waits before it retries a store that did not answer.
const STORE_RETRY_DELAY: Duration = Duration::from_secs(1);
/// How much a stream reads from the store at a time.
const STORE_PAGE: Limit = Limit {
    messages: 256,
    bytes: BATCH_BYTES,
};
/// The same while few streams catch up. A read of the store changes threads twice, which takes as long as encoding a
/// small page.
const LARGE_STORE_PAGE: Limit = Limit {
    messages: 4 * STORE_PAGE.messages,
    bytes: 4 * STORE_PAGE.bytes,
};
/// The most large pages in the process: each stays in memory until its client takes it, and clients stall.
static LARGE_PAGES: Semaphore = Semaphore::const_new(256);

/// One reader's stream: the preamble, messages as they come, and the events between them. By default it reads one
/// room.
pub struct StreamReader<R = RoomReader> {
    messages: Messages<R>,
    /// `None` if the reader neither gets presence events nor is present itself.
    presence: Option<Box<PresenceEvents>>,
    keep_alive: KeepAliveSchedule,
    shutdown: DrainDeadline,
    stage: Stage,
}

/// How far a stream is: what the next call may send.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Preamble,
    Events,
    Nothing,
}

/// One piece of a stream: whole events.
#[derive(Debug)]
pub struct EventChunk {
    pub bytes: Bytes,
    /// `None` for the preamble, which every stream has.
    pub kind: Option<PushKind>,
    pub messages: u64,
    /// When the chunk's oldest message was published, in microseconds since the Unix epoch; `None` without a message,
    /// or if the reader was not connected then.
    pub published_at_us: Option<i64>,
}

impl Delivery {
    /// Opens the stream that `query` asks for, on the connection with this id.
    pub async fn open_stream<R: LogReader>(
        &self,
        query: &ReadQuery,
        connection: u64,
    ) -> Result<StreamReader<R>, StoreUnavailable> {
        let messages = Messages::open(self, query).await?;
        Ok(StreamReader {
            messages,
            presence: PresenceEvents::open(&self.presence, query),
            keep_alive: KeepAliveSchedule::new(query.heartbeat),
            shutdown: DrainDeadline::new(self.drain.clone(), connection),
            stage: Stage::Preamble,
        })
    }
}

impl<R: LogReader> StreamReader<R> {
    /// The reader's handle of the log; it changes when another log replaces this one.
    pub fn reader(&self) -> &R {
        &self.messages.reader
    }

    /// Whether something other than its `ReaderWaits` must wake it: a read of the store, or a presence event.
    pub fn awaits_wake(&self) -> bool {
        let hears_presence = self.presence.as_ref().is_some_and(|it| it.awaits_wake());
        hears_presence || self.messages.is_reading()
    }

    /// The preamble, for callers that send it together with the head. Without this call it is the first piece.
    pub fn begin(&mut self, now: Instant) -> Bytes {
        self.stage = Stage::Events;
        self.keep_alive.last_sent = now;
        self.keep_alive.preamble()
    }

    /// The next piece, as soon as there is one; `None` at the stream's end.
    pub fn poll_chunk(
        &mut self,
        waits: &mut impl ReaderWaits<R>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<EventChunk>> {
        match self.stage {
            Stage::Preamble => {
                let preamble = self.begin(waits.now());
                return Poll::Ready(Some(EventChunk::control(None, preamble)));
            }
            Stage::Events => {}
            Stage::Nothing => return Poll::Ready(None),
        }
        loop {
            match self.messages.poll_step(waits, cx) {
                Step::Chunk(chunk) => return self.emit(chunk, waits),
                Step::Reading | Step::UpToDate if self.poll_shutdown(waits).is_pending() => break,
                Step::Behind if self.poll_shutdown(waits).is_pending() => {
                    self.messages.start_store_read(Duration::ZERO);
                }
                // The client continues reading at another server.
                Step::Reading | Step::UpToDate | Step::Behind => return Poll::Ready(self.end()),
            }
        }
        if let Some(presence) = &mut self.presence
            && let Poll::Ready(event) = presence.poll_next(cx)
        {
            return self.emit(EventChunk::control(Some(PushKind::Presence), event), waits);
        }
        ready!(waits.poll_until(self.keep_alive.due()));
        let event = self.keep_alive.event();
        self.emit(EventChunk::control(Some(PushKind::KeepAlive), event), waits)
    }

    fn emit(&mut self, chunk: EventChunk, waits: &impl ReaderWaits<R>) -> Poll<Option<EventChunk>> {
        self.keep_alive.last_sent = waits.now();
        Poll::Ready(Some(chunk))
    }

    /// Ready when the stream must end.
    fn poll_shutdown(&mut self, waits: &mut impl ReaderWaits<R>) -> Poll<()> {
        if !self.messages.reader.is_closed() {
            return Poll::Pending;
        }
        match self.shutdown.instant() {
            Some(at) => waits.poll_until(at),
            None => Poll::Pending,
        }
    }

    /// Ends the stream, with a time to reconnect if many streams end.
    fn end(&mut self) -> Option<EventChunk> {
        self.stage = Stage::Nothing;
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

    /// Counts the chunk as delivered, when it is handed to its writer.
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

/// The messages from the reader's position on: from the store until it is caught up, then from memory.
struct Messages<R> {
    reader: R,
    position: ReadPosition,
    /// Messages after this id were published while the reader was waiting. After a reset none is, until the reader has
    /// caught up.
    joined_at: u64,
    /// Boxed, because a reader that has caught up has none.
    store_read: Option<Box<StoreRead<R>>>,
}

/// A read of the store, until its page has been sent.
struct StoreRead<R> {
    /// `None` once the page is read.
    reading: Option<ReadFuture<R>>,
    limit: Limit,
    _large_page: Option<SemaphorePermit<'static>>,
}

type ReadFuture<R> = Pin<Box<dyn Future<Output = Result<(R, ReadBatch), StoreUnavailable>>>>;

/// The next step in reading messages.
enum Step {
    Chunk(EventChunk),
    /// The store is being read.
    Reading,
    UpToDate,
    /// The tail no longer has the next messages.
    Behind,
}

impl<R: LogReader> Messages<R> {
    async fn open(delivery: &Delivery, query: &ReadQuery) -> Result<Self, StoreUnavailable> {
        let joined_at = match query.start {
            Start::After(_) => 0,
            Start::Last(_) => delivery.log.head(),
        };
        let (reader, position) = R::open(&delivery.log, &query.rooms, query.start).await?;
        Ok(Self {
            reader,
            position,
            joined_at,
            store_read: None,
        })
    }

    fn poll_step(&mut self, waits: &mut impl ReaderWaits<R>, cx: &mut Context<'_>) -> Step {
        loop {
            if let Some(store_read) = &mut self.store_read {
                let Some(reading) = &mut store_read.reading else {
                    // The caller polls again, so the page has been sent.
                    self.store_read = None;
                    continue;
                };
                let Poll::Ready(read) = reading.as_mut().poll(cx) else {
                    return Step::Reading;
                };
                store_read.reading = None;
                let limit = store_read.limit;
                if let Some(chunk) = self.on_store_read(read, limit) {
                    return Step::Chunk(chunk);
                }
            } else if self.position.reset.is_some() {
                // The store knows which messages are retained, and so where to continue.
                self.start_store_read(Duration::ZERO);
            } else {
                let batch = waits.poll_batch(&self.reader, self.position.after, cx);
                return match batch {
                    TailLookup::Found(batch) => Step::Chunk(self.advance(batch)),
                    TailLookup::UpToDate => {
                        self.joined_at = self.joined_at.min(self.position.after);
                        Step::UpToDate
                    }
                    TailLookup::Behind | TailLookup::LogReplaced => Step::Behind,
                };
            }
        }
    }

    fn start_store_read(&mut self, delay: Duration) {
        let mut reader = self.reader.clone();
        let position = self.position;
        let large_page = LARGE_PAGES.try_acquire().ok();
        let limit = match large_page {
            Some(_) => LARGE_STORE_PAGE,
            None => STORE_PAGE,
        };
        let reading: ReadFuture<R> = Box::pin(async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            let read = reader.read(position, limit).await?;
            Ok((reader, read))
        });
        self.store_read = Some(Box::new(StoreRead {
            reading: Some(reading),
            limit,
            _large_page: large_page,
        }));
    }

    fn is_reading(&self) -> bool {
        let read = self.store_read.as_ref();
        read.is_some_and(|it| it.reading.is_some())
    }

    /// Takes what was read; `None` if there is nothing to send.
    fn on_store_read(
        &mut self,
        read: Result<(R, ReadBatch), StoreUnavailable>,
        limit: Limit,
    ) -> Option<EventChunk> {
        let Ok((reader, mut read)) = read else {
            // The stream stays open, and continues from its position when the store is back.
            self.start_store_read(STORE_RETRY_DELAY);
            return None;
        };
        self.reader = reader;
        if read.reset.is_some() {
            self.joined_at = u64::MAX;
        }
        let batch = FrameBatch::from_page(&mut read.entries, read.frames, limit.bytes);
        let messages = match batch {
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

/// When to send a keep-alive: after nothing else was sent for a time.
struct KeepAliveSchedule {
    interval_ms: u32,
    /// Keep-alives are events.
    is_heartbeat: bool,
    last_sent: Instant,
}

impl KeepAliveSchedule {
    /// With `heartbeat`, keep-alives are events at that interval.
    fn new(heartbeat: Option<Duration>) -> Self {
        let interval = heartbeat.unwrap_or(KEEP_ALIVE_INTERVAL);
        Self {
            // At most a minute.
            interval_ms: interval.as_millis() as u32,
            is_heartbeat: heartbeat.is_some(),
            last_sent: Instant::now(),
        }
    }

    /// The first lines of the stream.
    fn preamble(&self) -> Bytes {
        if self.is_heartbeat {
            sse::PREAMBLE_WITH_HEARTBEAT
        } else {
            sse::RETRY
        }
    }

    fn due(&self) -> Instant {
        self.last_sent + Duration::from_millis(self.interval_ms.into())
    }

    fn event(&self) -> Bytes {
        if self.is_heartbeat {
            sse::HEARTBEAT
        } else {
            sse::KEEP_ALIVE
        }
    }
}
