//! One read of the log per request; with `wait`, a read that waits for new messages. And the one
//! encoding of its answer.

use std::{fmt::Write as _, future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout_at};

use super::{Delivery, drain::DrainDeadline, read_query::ReadQuery};
use crate::{
    domain::cursor::Cursor,
    ledger::request_recorder::RequestRecorder,
    log::{ReadBatch, ReadPosition, RoomReader, Start, entry::Limit, store::StoreUnavailable},
    presence::PresenceGuard,
};

/// The largest answer, in bytes of messages; what is over it is `more`.
const MAX_PAGE_BYTES: usize = poll_vs_sse_model::server_limits::PAGE_BYTES;
/// How long a long-poll waits before it asks a store again that did not answer.
const STORE_RETRY_DELAY: Duration = Duration::from_millis(200);

/// What a poll is answered, if the store answers.
pub type PollResult = Result<PollResponse, StoreUnavailable>;

/// A poll that was begun.
pub enum PollOutcome {
    Ready(PollResult),
    Reading(PollRead),
}

/// A poll that reads the log.
pub type PollRead = Pin<Box<dyn Future<Output = PollStep>>>;

/// What a read has brought.
pub enum PollStep {
    Answer(PollResult),
    /// Nothing that the client lacks, and time to wait for it.
    Wait(Box<WaitingPoll>),
}

/// A long-poll between two reads.
pub struct WaitingPoll {
    request: PollRequest,
    room: RoomReader,
    /// From where it reads.
    position: ReadPosition,
    /// What is answered if nothing comes.
    read: ReadBatch,
    cursor: Cursor,
    deadline: Instant,
}

/// What a client has asked for.
struct PollRequest {
    delivery: Arc<Delivery>,
    query: ReadQuery,
    if_none_match: IfNoneMatch,
    drain: DrainDeadline,
    /// The reader is there while it waits.
    _guard: Option<PresenceGuard>,
}

/// A poll's answer.
pub struct PollResponse {
    /// The place to read on from; the answer's entity tag.
    pub cursor: Cursor,
    /// `None` if the client holds this answer already.
    pub page: Option<PollPage>,
    is_live: bool,
}

/// What was read.
pub struct PollPage {
    pub read: ReadBatch,
    cursor: Cursor,
    /// Who is in the room, as JSON, if that was asked for.
    presence: Option<String>,
}

impl Delivery {
    /// Begins the poll that `query` asks for, on the connection with this id. The commonest answer,
    /// that nothing is new, is there at once.
    pub fn start_poll(
        self: &Arc<Self>,
        query: ReadQuery,
        if_none_match: IfNoneMatch,
        connection: u64,
    ) -> PollOutcome {
        let reader = query.reader(query.poll_transport());
        let guard = reader.and_then(|reader| self.presence.join(&query.room, reader));
        if let Some((read, cursor)) = self.empty_page(&query) {
            return PollOutcome::Ready(Ok(self.respond(read, cursor, &query, &if_none_match)));
        }
        let request = PollRequest {
            delivery: self.clone(),
            query,
            if_none_match,
            drain: DrainDeadline::new(self.drain.clone(), connection),
            _guard: guard,
        };
        PollOutcome::Reading(Box::pin(async move {
            match request.begin().await {
                Ok(step) => step,
                Err(unavailable) => PollStep::Answer(Err(unavailable)),
            }
        }))
    }

    /// The same, to its end.
    pub async fn poll(
        self: &Arc<Self>,
        query: ReadQuery,
        if_none_match: IfNoneMatch,
        connection: u64,
    ) -> PollResult {
        let mut read = match self.start_poll(query, if_none_match, connection) {
            PollOutcome::Ready(result) => return result,
            PollOutcome::Reading(read) => read,
        };
        loop {
            match read.await {
                PollStep::Answer(result) => return result,
                PollStep::Wait(waiting) if waiting.wait().await => read = waiting.read_again(),
                PollStep::Wait(waiting) => return waiting.finish(),
            }
        }
    }

    /// What is answered if it is certain, without a read, that nothing has come after the cursor.
    fn empty_page(&self, query: &ReadQuery) -> Option<(ReadBatch, Cursor)> {
        let Start::After(cursor) = query.start else {
            return None;
        };
        if !query.wait.is_zero() || !self.log.is_up_to_date(&query.room, cursor) {
            return None;
        }
        let read = ReadBatch {
            entries: Vec::new(),
            more: false,
            reset: None,
            after: cursor.id,
        };
        Some((read, cursor))
    }

    fn respond(
        &self,
        read: ReadBatch,
        cursor: Cursor,
        query: &ReadQuery,
        if_none_match: &IfNoneMatch,
    ) -> PollResponse {
        let presence = (query.presence == Some(true)).then(|| self.presence.json(&query.room));
        // A reader that asks for what was said before it came has not waited for it.
        let is_live = matches!(query.start, Start::After(_)) && read.reset.is_none();
        // Who is there has no tag.
        let is_known = presence.is_none() && if_none_match.holds(&read, cursor);
        PollResponse {
            cursor,
            page: (!is_known).then_some(PollPage {
                read,
                cursor,
                presence,
            }),
            is_live,
        }
    }
}

impl PollResponse {
    /// Counts the messages in the answer as delivered.
    pub fn record(&self, recorder: &RequestRecorder) {
        let Some(page) = &self.page else { return };
        let entries = &page.read.entries;
        if entries.is_empty() {
            return;
        }
        recorder.record_messages(entries.len() as u64);
        if self.is_live {
            for entry in entries {
                recorder.record_delay(entry.sent_at_us, 1);
            }
        }
    }
}

impl PollRequest {
    async fn begin(self) -> Result<PollStep, StoreUnavailable> {
        let log = &self.delivery.log;
        let (mut room, position) = log.open_reader(&self.query.room, self.query.start).await?;
        let read = room.read(position, self.limit()).await?;
        let deadline = Instant::now() + self.query.wait;
        Ok(self.answer_or_wait(room, position, read, deadline))
    }

    fn limit(&self) -> Limit {
        Limit {
            messages: self.query.limit,
            bytes: MAX_PAGE_BYTES,
        }
    }

    /// Answers if that was something new, or if the client does not want to wait for it.
    fn answer_or_wait(
        self,
        room: RoomReader,
        position: ReadPosition,
        read: ReadBatch,
        deadline: Instant,
    ) -> PollStep {
        let cursor = room.cursor(read.after);
        let has_new = !read.entries.is_empty() || read.reset.is_some();
        let is_new = has_new && !self.if_none_match.holds(&read, cursor);
        if is_new || self.query.wait.is_zero() {
            return PollStep::Answer(Ok(self.respond(read, cursor)));
        }
        PollStep::Wait(Box::new(WaitingPoll {
            request: self,
            room,
            position,
            read,
            cursor,
            deadline,
        }))
    }

    fn respond(&self, read: ReadBatch, cursor: Cursor) -> PollResponse {
        self.delivery
            .respond(read, cursor, &self.query, &self.if_none_match)
    }
}

impl WaitingPoll {
    pub fn room(&self) -> &RoomReader {
        &self.room
    }

    /// Whether it is time to read again.
    pub fn has_newer(&self) -> bool {
        self.room.has_newer(self.read.after)
    }

    /// Until when it waits: not beyond the moment at which its connection must leave.
    pub fn until(&self) -> Instant {
        let leaves_at = self.request.drain.instant();
        leaves_at.map_or(self.deadline, |at| at.min(self.deadline))
    }

    /// Waits for something new. False: there is no more time for it.
    async fn wait(&self) -> bool {
        let subscription = self.room.clone().subscribe();
        let after = self.read.after;
        loop {
            if self.request.drain.instant().is_some() {
                let notified = subscription.notified(after);
                return timeout_at(self.until(), notified).await.is_ok();
            }
            let notified = subscription.notified_or_closed(after);
            if timeout_at(self.until(), notified).await.is_err() {
                return false;
            }
            if !subscription.is_closed() {
                return true;
            }
        }
    }

    /// Reads again, as there may be something new.
    pub fn read_again(mut self: Box<Self>) -> PollRead {
        Box::pin(async move {
            match self.room.read(self.position, self.request.limit()).await {
                Ok(read) => {
                    let Self {
                        request,
                        room,
                        position,
                        deadline,
                        ..
                    } = *self;
                    request.answer_or_wait(room, position, read, deadline)
                }
                Err(unavailable) if Instant::now() >= self.deadline => {
                    PollStep::Answer(Err(unavailable))
                }
                // The store may be back before the wait is over.
                Err(_) => {
                    sleep(STORE_RETRY_DELAY).await;
                    PollStep::Wait(self)
                }
            }
        })
    }

    /// The answer, as the wait is over.
    pub fn finish(self: Box<Self>) -> PollResult {
        let Self {
            request,
            read,
            cursor,
            ..
        } = *self;
        Ok(request.respond(read, cursor))
    }
}

/// The answers a client holds.
#[derive(Default)]
pub struct IfNoneMatch(Option<Box<str>>);

impl IfNoneMatch {
    /// `tags` is the header's value.
    pub fn new(tags: Option<&str>) -> Self {
        Self(tags.map(Into::into))
    }

    /// Whether the client holds exactly this answer, and nothing has come after it.
    fn holds(&self, read: &ReadBatch, cursor: Cursor) -> bool {
        read.reset.is_none() && !read.more && self.matches(cursor)
    }

    fn matches(&self, cursor: Cursor) -> bool {
        let Some(tags) = &self.0 else { return false };
        tags.split(',').any(|tag| {
            let tag = tag.trim();
            // Weak comparison (RFC 9110, 13.1.2): a cache in between may have weakened the tag.
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            let quoted = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            tag == "*" || quoted.and_then(|tag| tag.parse().ok()) == Some(cursor)
        })
    }
}

impl PollPage {
    /// What comes before the messages.
    pub const PREFIX: &str = "{\"messages\":[";

    /// What follows the messages.
    pub fn suffix(&self) -> String {
        let Self {
            read,
            cursor,
            presence,
        } = self;
        let mut text = String::with_capacity(96);
        // Writing to a string cannot fail.
        let _ = write!(text, "],\"cursor\":\"{cursor}\",\"more\":{}", read.more);
        let _ = match read.reset {
            None => write!(text, ",\"reset\":null"),
            Some(reset) => write!(text, ",\"reset\":\"{}\"", reset.as_str()),
        };
        if let Some(presence) = presence {
            let _ = write!(text, ",\"presence\":{presence}");
        }
        text.push('}');
        text
    }

    /// The body: the messages' own bytes, with what goes between them.
    pub fn body(&self) -> PollBody {
        let entries = &self.read.entries;
        let mut chunks = Vec::with_capacity(2 * entries.len() + 2);
        chunks.push(Bytes::from_static(Self::PREFIX.as_bytes()));
        for (i, entry) in entries.iter().enumerate() {
            if i > 0 {
                chunks.push(Bytes::from_static(b","));
            }
            chunks.push(entry.json());
        }
        chunks.push(self.suffix().into());
        PollBody {
            size: chunks.iter().map(|chunk| chunk.len() as u64).sum(),
            chunks: chunks.into_iter(),
        }
    }
}

/// An answer's body in pieces, of which the messages' are shared with all readers.
pub struct PollBody {
    pub size: u64,
    pub chunks: std::vec::IntoIter<Bytes>,
}
