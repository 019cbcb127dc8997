//! A reader that behaves like a client: it has a cursor, and its connection may be cut at any byte.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use futures_util::StreamExt as _;
use poll_vs_sse_server::{
    delivery::{Delivery, event_stream::EventStream, read_query::ReadQuery},
    domain::{cursor::Cursor, room::Room},
    log::{Log, LogReader as _, LogSubscription as _, Reset, Start, entry::Limit},
};
use tokio::time::timeout;

use crate::{fixture::Fixture, model::Model};

/// Far longer than anything here takes.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// A reader of one room, by poll, long-poll or stream.
pub struct Reader {
    pub room: Room,
    pub cursor: Cursor,
    /// Whether it received a reset and no message since.
    reset_seen: bool,
    stream: Option<EventStream>,
    /// Whether the current stream was already open before this read.
    stream_was_open: bool,
    /// Set when the stream's waker is called.
    notified: Arc<Notified>,
}

/// Whether a waker was called.
#[derive(Default)]
struct Notified(AtomicBool);

impl Wake for Notified {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

impl Reader {
    /// A reader at the current end of `room`.
    pub async fn new(fixture: &Fixture, room: Room) -> Self {
        let handle = fixture.log.reader(&room).await;
        let position = handle.resolve(Start::Last(0)).await.expect("reads");
        assert_eq!(position.reset, None);
        Self {
            cursor: handle.cursor(position.after),
            room,
            reset_seen: false,
            stream: None,
            stream_was_open: false,
            notified: Arc::default(),
        }
    }

    /// Whether the reader's cursor belongs to another log.
    fn has_foreign_cursor(&self, log: &Log) -> bool {
        self.cursor.log != log.id() || self.cursor.id > log.head()
    }

    fn position(&self, log: &Log) -> u64 {
        if self.has_foreign_cursor(log) {
            0
        } else {
            self.cursor.id
        }
    }

    fn on_reset(&mut self, fixture: &Fixture, reason: Reset) {
        // After a reset, an open stream is in this log, even if its client still has a cursor of another.
        let in_this_log = self.reset_seen && self.stream_was_open;
        if self.has_foreign_cursor(&fixture.log) && !in_this_log {
            assert_eq!(reason, Reset::Unknown, "{:?}", self.cursor);
        } else {
            assert_eq!(reason, Reset::Expired, "{:?}", self.cursor);
            let at = self.position(&fixture.log);
            let gap = fixture.model.has_gap_after(&self.room, at);
            assert!(
                gap || fixture.model.may_see_a_gap_after(at),
                "a reset after {at} although nothing is missing"
            );
        }
        self.reset_seen = true;
    }

    fn on_message(&mut self, fixture: &Fixture, id: u64, json: &str) {
        let model = &fixture.model;
        let found = model.after(&self.room, 0).find(|known| known.id == id);
        let known = found.unwrap_or_else(|| panic!("{id} was never published in {:?}", self.room));
        assert_eq!(known.json, json);
        if self.reset_seen {
            let oldest = model
                .retained_after(&self.room, 0)
                .next()
                .map(|known| known.id);
            assert!(
                oldest.is_none_or(|oldest| id <= oldest),
                "{oldest:?} was skipped before {id}"
            );
        } else {
            assert!(
                !self.has_foreign_cursor(&fixture.log),
                "{:?} was missed without a reset",
                self.cursor
            );
            let next = model.after(&self.room, self.cursor.id).next();
            let next = next.map(|known| known.id);
            assert_eq!(next, Some(id), "after {:?}", self.cursor);
        }
        self.reset_seen = false;
        self.cursor = Cursor {
            log: fixture.log.id(),
            id,
        };
    }

    /// Polls once. Returns true if there is more to read.
    pub async fn poll(&mut self, fixture: &Fixture, limit: usize) -> bool {
        self.cut();
        let limit = Limit {
            messages: limit,
            bytes: 4096,
        };
        let room = fixture.log.reader(&self.room).await;
        let position = room
            .resolve(Start::After(self.cursor))
            .await
            .expect("reads");
        let read = room.after(position, limit).await.expect("reads");
        assert!(read.entries.len() <= limit.messages);
        self.reset_seen = false;
        let reset_due = self.has_foreign_cursor(&fixture.log)
            || fixture.model.has_gap_after(&self.room, self.cursor.id);
        let may_be = fixture.model.may_see_a_gap_after(self.cursor.id);
        let is_reset = read.reset.is_some();
        assert!(
            is_reset == reset_due || (is_reset && may_be),
            "at {:?}: {:?}",
            self.cursor,
            read.reset
        );
        if let Some(reason) = read.reset {
            self.on_reset(fixture, reason);
        }
        for entry in &read.entries {
            self.on_message(
                fixture,
                entry.id,
                std::str::from_utf8(&entry.json()).expect("UTF-8"),
            );
        }
        let left = fixture
            .model
            .retained_after(&self.room, self.position(&fixture.log))
            .count();
        assert_eq!(read.more, left > 0, "{left} left");
        assert!(self.reset_seen || read.after >= self.position(&fixture.log));
        self.reset_seen = false;
        self.cursor = room.cursor(read.after);
        let left_now = fixture.model.retained_after(&self.room, read.after).count();
        assert_eq!(left_now, left, "the cursor of an answer must skip nothing");
        read.more
    }

    /// Subscribes and waits; a message that is appended in the meantime must notify it.
    pub async fn long_poll(&mut self, fixture: &mut Fixture, limit: usize) {
        while self.poll(fixture, limit).await {}
        let listener = fixture.log.reader(&self.room).await.subscribe();
        let mut notified = Box::pin(listener.notified_or_closed(self.cursor.id));
        let waits = poll_fn(|cx| Poll::Ready(notified.as_mut().poll(cx).is_pending())).await;
        fixture.append(std::slice::from_ref(&self.room)).await;
        timeout(READ_TIMEOUT, notified).await.expect("is notified");
        let before = self.cursor;
        self.poll(fixture, limit).await;
        assert_ne!(
            self.cursor, before,
            "the message that notified can be read (waited: {waits})"
        );
    }

    /// Restarts `n` messages before the end.
    pub async fn start_at_last(&mut self, fixture: &Fixture, n: usize) {
        self.cut();
        let room = fixture.log.reader(&self.room).await;
        let position = room.resolve(Start::Last(n)).await.expect("reads");
        assert_eq!(position.reset, None);
        let there = fixture.model.retained_after(&self.room, 0).count();
        let read = fixture
            .model
            .retained_after(&self.room, position.after)
            .count();
        assert_eq!(read, n.min(there), "of {there} messages");
        let gap = fixture.model.has_gap_after(&self.room, position.after);
        assert!(!gap, "a new reader cannot have missed anything");
        self.cursor = room.cursor(position.after);
    }

    /// Reads up to `pieces` chunks of a stream. With `lost`, that many of their last bytes do not arrive, and the
    /// connection is cut.
    pub async fn stream(&mut self, fixture: &Fixture, pieces: usize, lost: Option<usize>) {
        self.stream_was_open = self.stream.is_some();
        let mut frames = match self.stream.take() {
            Some(frames) => frames,
            None => self.open(&fixture.log).await,
        };
        let mut received = Vec::new();
        // The stream may have sent more than has arrived.
        let mut ahead = self.expected_messages(&fixture.model, &fixture.log);
        for _ in 0..pieces {
            if ahead == 0 {
                break;
            }
            let next = timeout(READ_TIMEOUT, poll_fn(|cx| frames.poll_next_unpin(cx))).await;
            let frame = next
                .expect("available messages are sent")
                .expect("the log is open");
            ahead = ahead.saturating_sub(frame.messages as usize);
            received.extend_from_slice(&frame.bytes);
        }
        if let Some(lost) = lost {
            received.truncate(received.len().saturating_sub(lost));
            self.on_bytes(fixture, &received);
            return self.cut();
        }
        self.on_bytes(fixture, &received);
        if ahead == 0 {
            self.expect_idle(fixture, &mut frames);
        }
        self.stream = Some(frames);
    }

    /// The number of messages still to come.
    fn expected_messages(&self, model: &Model, log: &Log) -> usize {
        model.retained_after(&self.room, self.position(log)).count()
    }

    async fn open(&mut self, log: &Arc<Log>) -> EventStream {
        let query = format!("room={}&cursor={}", self.room, self.cursor);
        let query = ReadQuery::parse(&query, None).expect("a query");
        let mut frames = Delivery::new(log.clone())
            .stream(&query, 0)
            .await
            .expect("opens");
        let greeting = poll_fn(|cx| frames.poll_next_unpin(cx))
            .await
            .expect("open");
        assert_eq!(greeting.bytes, "retry: 1000\n\n");
        frames
    }

    fn on_bytes(&mut self, fixture: &Fixture, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes).expect("ASCII");
        let whole = text.rfind("\n\n").map_or("", |end| &text[..end + 2]);
        for frame in whole.split_inclusive("\n\n") {
            match frame.strip_prefix("event: reset\ndata: {\"reason\": \"") {
                Some("expired\"}\n\n") => self.on_reset(fixture, Reset::Expired),
                Some("unknown\"}\n\n") => self.on_reset(fixture, Reset::Unknown),
                Some(other) => panic!("{other}"),
                None => {
                    let (id, json) = frame.split_once("\ndata: ").expect("a frame");
                    let cursor: Cursor = id[4..].parse().expect("a cursor");
                    assert_eq!(cursor.log, fixture.log.id());
                    self.on_message(fixture, cursor.id, json.trim_end());
                }
            }
        }
    }

    /// Checks that the stream has sent everything and waits, so that the next message wakes it. A reset may still come
    /// if there are no messages after it.
    fn expect_idle(&mut self, fixture: &Fixture, frames: &mut EventStream) {
        self.notified.0.store(false, SeqCst);
        let waker = Waker::from(self.notified.clone());
        while let Poll::Ready(frame) = frames.poll_next_unpin(&mut Context::from_waker(&waker)) {
            let frame = frame.expect("the log is open");
            assert_eq!(frame.messages, 0, "no message was due");
            self.on_bytes(fixture, &frame.bytes);
        }
    }

    /// Whether the reader's stream is open and waiting.
    pub fn is_waiting(&self, fixture: &Fixture) -> bool {
        self.stream.is_some() && self.expected_messages(&fixture.model, &fixture.log) == 0
    }

    pub async fn expect_notified(&self) {
        let notified = async {
            while !self.notified.0.load(SeqCst) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(READ_TIMEOUT, notified)
            .await
            .expect("a new message wakes the stream");
    }

    /// Drops the connection.
    pub fn cut(&mut self) {
        self.stream = None;
        self.stream_was_open = false;
        self.reset_seen = false;
    }
}
