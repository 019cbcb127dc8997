//! `GET /stream`: the same read of the log as a poll, in a loop that waits on the room's bell.
//!
//! There is no queue per client: a slow reader only has an older place in the log. What a stream
//! sends is [`Frames`]; how it gets onto the wire is [`super::session`].

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use bytes::Bytes;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{Served, open, query::ReadQuery, refuse, session::Session, sse};
use crate::{
    http::error::{Problem, unmetered},
    ledger::{connection::Connection, counts::Transport, trace::Content},
    lifecycle::drain::Parting,
    log::{
        Log, ReadBatch, ReadPosition, RoomReader, Start, Subscription,
        entry::Limit,
        store::StoreUnavailable,
        tail::{FrameBatch, TailLookup},
    },
    presence::{Presence, PresenceGuard, PresenceUpdates},
};

/// How long a stream may be silent before it sends a comment.
pub const KEEP_ALIVE_AFTER: Duration = poll_vs_sse_model::server_limits::KEEP_ALIVE_INTERVAL;
/// How long a stream waits before it asks a store again that did not answer.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// What is read from the store at once.
const PAGE: Limit = Limit {
    messages: 256,
    bytes: 16 * 1024,
};

pub async fn stream(request: HttpRequest, served: web::Data<Served>) -> HttpResponse {
    let query = ReadQuery::of(request.head());
    let Some(connection) = Connection::of(&request) else {
        return unmetered().error_response();
    };
    connection.flushed().await;
    let exchange = open(connection, Transport::Stream, query.as_ref().ok());
    let query = match query {
        Ok(query) => query,
        Err(problem) => return refuse(&problem, &exchange),
    };
    if !served.afflict(connection, &query) {
        return std::future::pending().await;
    }
    let frames = match Frames::open(&served.log, &query).await {
        Ok(frames) => Frames {
            parting: Some(Parting::new(served.drain.clone(), connection)),
            ..frames.among(&served.presence, &query)
        },
        Err(away) => return refuse(&Problem::from(away), &exchange),
    };
    exchange.status(200);
    exchange.announce();
    let counting = connection.clone();
    connection.take_over(|socket| {
        Box::pin(Session::new(
            socket,
            counting,
            frames,
            exchange,
            query.fault,
        ))
    });
    // For the HTTP layer only: the session writes the client's answer.
    HttpResponse::Ok().force_close().finish()
}

/// The bytes of a stream, in batches: messages, resets and keep-alives, as they become due.
pub struct Frames {
    listener: Subscription,
    place: ReadPosition,
    /// Messages after this were published while the reader was there to wait for them.
    live_after: u64,
    greeted: bool,
    reading: Option<Reading>,
    last_sent: Instant,
    /// How long it may be silent, where the reader said: then keep-alives are events.
    heartbeat: Option<Duration>,
    keep_alive: Pin<Box<Sleep>>,
    /// When the timer fires; kept here too, as a delivery would have to follow the pointer.
    keep_alive_due: Instant,
    /// The timer will wake the stream's task.
    keep_alive_set: bool,
    just_sent: bool,
    company: Company,
    /// When it is to go once the log's readers are to end; at once where there is none.
    parting: Option<Parting>,
    has_ended: bool,
}

/// The reader among the others in its room.
#[derive(Default)]
struct Company {
    /// What it is told of them.
    news: Option<Telling>,
    _guard: Option<PresenceGuard>,
}

type Telling = Pin<Box<dyn Future<Output = (PresenceUpdates, Option<Bytes>)>>>;
type Reading = Pin<Box<dyn Future<Output = Result<(RoomReader, ReadBatch), StoreUnavailable>>>>;

/// One batch of a stream.
#[derive(Debug)]
pub struct Frame {
    pub bytes: Bytes,
    pub content: Content,
    pub messages: u64,
    /// When the oldest message in it was published, microseconds since the Unix epoch; `None` where
    /// there is none, or the reader was not there then.
    pub published_at_us: Option<i64>,
}

impl Frames {
    pub async fn open(log: &Arc<Log>, query: &ReadQuery) -> Result<Self, StoreUnavailable> {
        let live_after = match query.start {
            Start::After(_) => 0,
            Start::Last(_) => log.head(),
        };
        let (room, place) = log.open_reader(&query.room, query.start).await?;
        let now = Instant::now();
        let keep_alive_due = now + query.heartbeat.unwrap_or(KEEP_ALIVE_AFTER);
        Ok(Self {
            listener: room.subscribe(),
            place,
            live_after,
            greeted: false,
            reading: None,
            last_sent: now,
            heartbeat: query.heartbeat,
            keep_alive: Box::pin(sleep_until(keep_alive_due)),
            keep_alive_due,
            keep_alive_set: false,
            just_sent: false,
            company: Company::default(),
            parting: None,
            has_ended: false,
        })
    }

    /// Lets the reader be seen in its room, and see who else is there.
    fn among(mut self, presence: &Arc<Presence>, query: &ReadQuery) -> Self {
        let reader = query.reader(Transport::Stream);
        if query.presence.unwrap_or(reader.is_some()) {
            // Before it enters: it is to be told of itself.
            self.company.news = Some(Box::pin(presence.subscribe(&query.room).next()));
        }
        self.company._guard = reader.and_then(|reader| presence.join(&query.room, reader));
        self
    }

    /// The next batch. `None`: the stream has ended.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        if !self.greeted {
            self.greeted = true;
            let greeting = match self.heartbeat {
                None => sse::RETRY,
                Some(_) => sse::RETRY_AND_HEARTBEAT,
            };
            return self.send(Frame::plain(Content::Messages, greeting));
        }
        loop {
            if let Some(reading) = &mut self.reading {
                let Poll::Ready(read) = reading.as_mut().poll(cx) else {
                    return self.poll_aside(cx);
                };
                self.reading = None;
                if let Some(frame) = self.take(read) {
                    return self.send(frame);
                }
            } else if self.place.reset.is_some() {
                // The store knows what is retained, and so where to go on.
                self.read_on(Duration::ZERO);
            } else {
                match self.listener.poll_batch(self.place.after, cx) {
                    TailLookup::Found(batch) => {
                        let frame = self.advance(batch);
                        return self.send(frame);
                    }
                    // What is left to read is read elsewhere.
                    TailLookup::Behind | TailLookup::LogReplaced
                        if self.poll_left(cx).is_ready() =>
                    {
                        return self.end();
                    }
                    TailLookup::Behind | TailLookup::LogReplaced => self.read_on(Duration::ZERO),
                    TailLookup::UpToDate if self.poll_left(cx).is_ready() => return self.end(),
                    TailLookup::UpToDate => return self.poll_aside(cx),
                }
            }
        }
    }

    /// Done when the stream is to end.
    fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.listener.is_closed() {
            return Poll::Pending;
        }
        match &mut self.parting {
            Some(parting) => parting.poll(cx),
            None => Poll::Ready(()),
        }
    }

    /// Ends the stream, with word of when to come back where many leave.
    fn end(&mut self) -> Poll<Option<Frame>> {
        self.has_ended = true;
        let retry_ms = self.parting.as_ref().and_then(Parting::retry_ms);
        let farewell = retry_ms.map(|ms| Frame::plain(Content::KeepAlive, sse::retry(ms)));
        Poll::Ready(farewell)
    }

    /// What there is to send while there is no message.
    fn poll_aside(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        if let Some(telling) = &mut self.company.news
            && let Poll::Ready((news, event)) = telling.as_mut().poll(cx)
        {
            self.company.news = Some(Box::pin(news.next()));
            if let Some(event) = event {
                return self.send(Frame::plain(Content::Presence, event));
            }
        }
        self.poll_keep_alive(cx)
    }

    /// Starts to read from behind the tail.
    fn read_on(&mut self, after: Duration) {
        let mut room = self.listener.room.clone();
        let place = self.place;
        self.reading = Some(Box::pin(async move {
            if !after.is_zero() {
                tokio::time::sleep(after).await;
            }
            let read = room.read(place, PAGE).await?;
            Ok((room, read))
        }));
    }

    /// Takes what was read; `None` where that is nothing to send.
    fn take(&mut self, read: Result<(RoomReader, ReadBatch), StoreUnavailable>) -> Option<Frame> {
        let Ok((room, mut read)) = read else {
            // The stream stays open and goes on where it was when the store returns.
            self.read_on(RETRY_AFTER);
            return None;
        };
        self.listener.switch_room(room);
        let batch = FrameBatch::from_page(&mut read.entries);
        let messages = match batch {
            Some(batch) => Some(self.advance(batch)),
            None => {
                self.place.after = read.after;
                None
            }
        };
        self.place.reset = None;
        let Some(reason) = read.reset else {
            return messages;
        };
        let mut bytes = sse::reset(reason).to_vec();
        let Some(messages) = messages else {
            return Some(Frame::plain(Content::Reset, bytes.into()));
        };
        bytes.extend_from_slice(&messages.bytes);
        Some(Frame {
            bytes: bytes.into(),
            ..messages
        })
    }

    fn advance(&mut self, batch: FrameBatch) -> Frame {
        self.place.after = batch.last;
        let live = batch.first > self.live_after;
        Frame {
            bytes: batch.bytes,
            content: Content::Messages,
            messages: batch.messages,
            published_at_us: live.then_some(batch.sent_at_us),
        }
    }

    fn send(&mut self, frame: Frame) -> Poll<Option<Frame>> {
        self.last_sent = Instant::now();
        // A timer that is still to come need not be looked at right after.
        self.keep_alive_set = self.keep_alive_set && self.last_sent < self.keep_alive_due;
        self.just_sent = true;
        Poll::Ready(Some(frame))
    }

    /// Sends a keep-alive when nothing was sent for long enough. The timer is only moved when it
    /// fires, so that a delivery need not touch it.
    fn poll_keep_alive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        if std::mem::take(&mut self.just_sent) && self.keep_alive_set {
            return Poll::Pending;
        }
        let after = self.heartbeat.unwrap_or(KEEP_ALIVE_AFTER);
        loop {
            self.keep_alive_set = true;
            ready!(self.keep_alive.as_mut().poll(cx));
            self.keep_alive_set = false;
            let due = self.last_sent + after;
            let now = Instant::now();
            if due > now {
                self.set_keep_alive(due);
                continue;
            }
            self.set_keep_alive(now + after);
            let keep_alive = match self.heartbeat {
                None => sse::KEEP_ALIVE,
                Some(_) => sse::HEARTBEAT,
            };
            return self.send(Frame::plain(Content::KeepAlive, keep_alive));
        }
    }
}

impl Frames {
    fn set_keep_alive(&mut self, due: Instant) {
        self.keep_alive.as_mut().reset(due);
        self.keep_alive_due = due;
    }
}

impl Frame {
    fn plain(content: Content, bytes: Bytes) -> Self {
        Self {
            bytes,
            content,
            messages: 0,
            published_at_us: None,
        }
    }
}
