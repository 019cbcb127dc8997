//! One read of the log per request; with `wait`, a read that waits for new messages. And the one
//! encoding of its answer.

use std::{fmt::Write as _, future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout_at};

use super::{Delivery, drain::DrainDeadline, read_query::ReadQuery};
use crate::{
    domain::cursor::Cursor,
    ledger::request_recorder::RequestRecorder,
    log::{Log, ReadBatch, RoomReader, Start, Subscription, entry::Limit, store::StoreUnavailable},
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
    Pending(Pin<Box<dyn Future<Output = PollResult>>>),
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
        let delivery = self.clone();
        PollOutcome::Pending(Box::pin(async move {
            // The reader is there while it waits.
            let _guard = guard;
            let deadline = DrainDeadline::new(delivery.drain.clone(), connection);
            let (read, cursor) = read(&delivery.log, &query, &if_none_match, &deadline).await?;
            Ok(delivery.respond(read, cursor, &query, &if_none_match))
        }))
    }

    /// The same, to its end.
    pub async fn poll(
        self: &Arc<Self>,
        query: ReadQuery,
        if_none_match: IfNoneMatch,
        connection: u64,
    ) -> PollResult {
        match self.start_poll(query, if_none_match, connection) {
            PollOutcome::Ready(result) => result,
            PollOutcome::Pending(pending) => pending.await,
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

/// Reads what `query` asks for, as soon as there is something or the wait is over.
async fn read(
    log: &Arc<Log>,
    query: &ReadQuery,
    if_none_match: &IfNoneMatch,
    drain: &DrainDeadline,
) -> Result<(ReadBatch, Cursor), StoreUnavailable> {
    let limit = Limit {
        messages: query.limit,
        bytes: MAX_PAGE_BYTES,
    };
    let cursor = |room: &RoomReader, read: &ReadBatch| room.cursor(read.after);
    let (mut room, position) = log.open_reader(&query.room, query.start).await?;
    let read = room.read(position, limit).await?;
    let mut answer = (cursor(&room, &read), read);
    let is_new = |(cursor, read): &(Cursor, ReadBatch)| {
        let has_new = !read.entries.is_empty() || read.reset.is_some();
        has_new && !if_none_match.holds(read, *cursor)
    };
    if !query.wait.is_zero() && !is_new(&answer) {
        let deadline = Instant::now() + query.wait;
        let mut subscription = room.subscribe();
        while !is_new(&answer)
            && wait_for_messages(&subscription, answer.1.after, deadline, drain).await
        {
            let mut room = subscription.room.clone();
            let read = match room.read(position, limit).await {
                Ok(read) => read,
                Err(unavailable) if Instant::now() >= deadline => return Err(unavailable),
                // The store may be back before the wait is over.
                Err(_) => {
                    sleep(STORE_RETRY_DELAY).await;
                    continue;
                }
            };
            answer = (cursor(&room, &read), read);
            subscription.switch_room(room);
        }
    }
    let (cursor, read) = answer;
    Ok((read, cursor))
}

/// Waits for something after `after`. False: there is no more time for it.
async fn wait_for_messages(
    subscription: &Subscription,
    after: u64,
    deadline: Instant,
    drain: &DrainDeadline,
) -> bool {
    loop {
        let Some(leaves_at) = drain.instant() else {
            let notified = subscription.notified_or_closed(after);
            if timeout_at(deadline, notified).await.is_err() {
                return false;
            }
            if subscription.is_closed() {
                continue;
            }
            return true;
        };
        let until = leaves_at.min(deadline);
        return timeout_at(until, subscription.notified(after))
            .await
            .is_ok();
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
