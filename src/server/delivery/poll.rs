//! One read of the log per request; with `wait`, a read that waits for new messages.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout_at};

use super::{
    Delivery,
    drain::DrainDeadline,
    page_allowance::PageAllowance,
    poll_cache::SharedWait,
    poll_response::{IfNoneMatch, PollPage, PollResponse},
    read_query::ReadQuery,
};
use crate::{
    domain::{cursor::Cursor, room_set::RoomSet},
    log::{
        LogReader, LogSubscription as _, ReadBatch, ReadPosition, RoomReader, RoomSetReader, Start,
        entry::Limit, store::StoreUnavailable,
    },
    presence::PresenceGuards,
};

/// How long a long-poll waits before it retries a store that did not answer.
const STORE_RETRY_DELAY: Duration = Duration::from_millis(200);

/// The answer to a poll, or an error if the store does not answer.
pub type PollResult = Result<PollResponse, StoreUnavailable>;

/// A started poll, by default of one room.
pub enum PollOutcome<R = RoomReader> {
    Ready(PollResult),
    Reading(PollRead<R>),
}

/// A poll that reads the log.
pub type PollRead<R = RoomReader> = Pin<Box<dyn Future<Output = PollStep<R>>>>;

/// The result of a read.
pub enum PollStep<R = RoomReader> {
    Answer(PollResult),
    /// The client has everything, and has time to wait for more.
    Wait(Box<WaitingPoll<R>>),
}

/// A long-poll between two reads.
pub struct WaitingPoll<R = RoomReader> {
    request: PollRequest,
    reader: R,
    /// The position after which it reads.
    position: ReadPosition,
    /// The position after its last read.
    after: u64,
    /// The messages of that read, if the client has them already (`If-None-Match`).
    known: Option<Box<(ReadBatch, PageAllowance)>>,
    deadline: Instant,
}

/// A poll in progress. A long-poll keeps it while it waits, so it does not hold the whole query.
struct PollRequest {
    delivery: Arc<Delivery>,
    page: PageRequest,
    drain: DrainDeadline,
    /// The turn of an empty answer, if its wait is shared with others; otherwise 0.
    turn: u64,
    /// Keeps the reader present while it waits.
    _guards: PresenceGuards,
}

/// The parts of a request that shape its answer.
struct PageRequest {
    rooms: RoomSet,
    limit: usize,
    if_none_match: IfNoneMatch,
    /// Whether the request asks for the messages after a cursor, and not for the newest ones.
    follows_cursor: bool,
    with_presence: bool,
    /// Whether all clients get the same answer, so that a cache may keep it.
    is_shared: bool,
}

/// Where a poll begins to read, and how long it waits.
struct PollStart {
    start: Start,
    wait: Duration,
    /// The turn of the cursor in the query.
    turn: u64,
}

impl Delivery {
    /// Answers the poll that `query` asks for, on the connection with this id.
    pub async fn poll(
        self: &Arc<Self>,
        query: ReadQuery,
        if_none_match: IfNoneMatch,
        connection: u64,
    ) -> PollResult {
        if query.rooms.is_single() {
            let poll = self.start_poll::<RoomReader>(query, if_none_match, connection);
            poll.run().await
        } else {
            let poll = self.start_poll::<RoomSetReader>(query, if_none_match, connection);
            poll.run().await
        }
    }

    /// Starts a poll. The most common answer, that there is nothing new, is available at once.
    pub fn start_poll<R: LogReader>(
        self: &Arc<Self>,
        query: ReadQuery,
        if_none_match: IfNoneMatch,
        connection: u64,
    ) -> PollOutcome<R> {
        let reader = query.reader(query.poll_transport());
        let guards = reader.map(|reader| self.presence.join_all(&query.rooms, reader));
        let empty_page = self.empty_page(&query);
        let from = PollStart {
            start: query.start,
            wait: query.wait,
            turn: query.turn,
        };
        let page = PageRequest {
            limit: query.limit,
            if_none_match,
            follows_cursor: matches!(query.start, Start::After(_)),
            with_presence: query.presence,
            is_shared: self.shares_poll(&query),
            rooms: query.rooms,
        };
        if let Some((read, cursor)) = empty_page {
            let allowance = PageAllowance::without_messages(page.with_presence);
            let response = self.respond(read, cursor, &page, 0, allowance);
            return PollOutcome::Ready(Ok(response));
        }
        let request = PollRequest {
            delivery: self.clone(),
            turn: 0,
            page,
            drain: DrainDeadline::new(self.drain.clone(), connection),
            _guards: guards.unwrap_or_default(),
        };
        PollOutcome::Reading(Box::pin(async move {
            match request.begin(from).await {
                Ok(step) => step,
                Err(unavailable) => PollStep::Answer(Err(unavailable)),
            }
        }))
    }

    /// The answer if it is certain, without a read, that there is no message after the cursor.
    fn empty_page(&self, query: &ReadQuery) -> Option<(ReadBatch, Cursor)> {
        let Start::After(cursor) = query.start else {
            return None;
        };
        if !query.wait.is_zero() || !self.log.is_up_to_date(&query.rooms, cursor) {
            return None;
        }
        Some((ReadBatch::empty(cursor.id), cursor))
    }

    fn respond(
        &self,
        read: ReadBatch,
        cursor: Cursor,
        asked: &PageRequest,
        turn: u64,
        allowance: PageAllowance,
    ) -> PollResponse {
        let presence = asked
            .with_presence
            .then(|| self.presence.json_of_all(&asked.rooms, allowance.listed()));
        // A reader that starts with older messages has not waited for them.
        let is_live = asked.follows_cursor && read.reset.is_none();
        // The entity tag does not cover presence.
        let is_known = presence.is_none() && asked.if_none_match.holds(&read, cursor);
        let is_empty = read.is_empty();
        let turn = Some(turn).filter(|turn| is_empty && *turn > 0);
        let cache = self.poll_cache.filter(|_| !is_known && asked.is_shared);
        let follows_cursor = is_live && !is_empty;
        PollResponse {
            cursor,
            turn,
            max_age_s: cache.map(|cache| cache.max_age_s(follows_cursor)),
            page: (!is_known).then(|| PollPage::new(read, cursor, turn, presence, allowance)),
            is_live,
        }
    }
}

impl<R: LogReader> PollOutcome<R> {
    /// Waits for the answer.
    async fn run(self) -> PollResult {
        let mut read = match self {
            Self::Ready(result) => return result,
            Self::Reading(read) => read,
        };
        loop {
            match read.await {
                PollStep::Answer(result) => return result,
                PollStep::Wait(waiting) if waiting.wait().await => read = waiting.read_again(),
                PollStep::Wait(waiting) => return waiting.finish(),
            }
        }
    }
}

impl PollRequest {
    async fn begin<R: LogReader>(
        mut self,
        from: PollStart,
    ) -> Result<PollStep<R>, StoreUnavailable> {
        let log = &self.delivery.log;
        let (mut reader, position) = R::open(log, &self.page.rooms, from.start).await?;
        let allowance = PageAllowance::take();
        let read = reader.read(position, self.limit(&allowance)).await?;
        if from.wait.is_zero() {
            let cursor = reader.cursor(read.after);
            let response = self.respond(read, cursor, allowance);
            return Ok(PollStep::Answer(Ok(response)));
        }
        let mut deadline = Instant::now() + from.wait;
        if self.page.is_shared {
            let shared = SharedWait::until_next_multiple(from.wait, from.turn);
            (deadline, self.turn) = (shared.ends_at, shared.turn);
        }
        let read = (read, allowance);
        Ok(self.answer_or_wait(reader, position, read, deadline))
    }

    fn limit(&self, allowance: &PageAllowance) -> Limit {
        Limit {
            messages: self.page.limit,
            bytes: allowance.bytes(),
        }
    }

    /// Answers if the read brought something new; otherwise waits.
    fn answer_or_wait<R: LogReader>(
        self,
        reader: R,
        position: ReadPosition,
        (read, allowance): (ReadBatch, PageAllowance),
        deadline: Instant,
    ) -> PollStep<R> {
        let cursor = reader.cursor(read.after);
        let is_empty = read.is_empty();
        if !is_empty && !self.page.if_none_match.holds(&read, cursor) {
            return PollStep::Answer(Ok(self.respond(read, cursor, allowance)));
        }
        PollStep::Wait(Box::new(WaitingPoll {
            request: self,
            reader,
            position,
            after: read.after,
            known: (!is_empty).then(|| {
                let allowance = allowance.for_bytes(read.bytes());
                Box::new((read, allowance))
            }),
            deadline,
        }))
    }

    fn respond(&self, read: ReadBatch, cursor: Cursor, allowance: PageAllowance) -> PollResponse {
        self.delivery
            .respond(read, cursor, &self.page, self.turn, allowance)
    }
}

impl<R: LogReader> WaitingPoll<R> {
    pub fn reader(&self) -> &R {
        &self.reader
    }

    /// Whether it is time to read again.
    pub fn has_newer(&self) -> bool {
        self.reader.has_newer(self.after)
    }

    /// The end of the wait, which is not after the moment at which the connection must leave.
    pub fn until(&self) -> Instant {
        let leaves_at = self.request.drain.instant();
        leaves_at.map_or(self.deadline, |at| at.min(self.deadline))
    }

    /// Waits for a new message. Returns false if the wait is over.
    async fn wait(&self) -> bool {
        let subscription = self.reader.clone().subscribe();
        let after = self.after;
        loop {
            if self.request.drain.instant().is_some() {
                let notified = poll_fn(|cx| match subscription.poll_newer(after, cx) {
                    Poll::Ready(()) => Poll::Ready(true),
                    // A second signal has moved the end forward.
                    Poll::Pending if self.until() <= Instant::now() => Poll::Ready(false),
                    Poll::Pending => Poll::Pending,
                });
                return timeout_at(self.until(), notified).await.unwrap_or(false);
            }
            let notified_or_closed = subscription.notified_or_closed(after);
            if timeout_at(self.until(), notified_or_closed).await.is_err() {
                return false;
            }
            if !subscription.is_closed() {
                return true;
            }
        }
    }

    /// Reads again, because there may be a new message.
    pub fn read_again(mut self: Box<Self>) -> PollRead<R> {
        Box::pin(async move {
            let allowance = PageAllowance::take();
            let limit = self.request.limit(&allowance);
            match self.reader.read(self.position, limit).await {
                Ok(read) => {
                    let Self {
                        request,
                        reader,
                        position,
                        deadline,
                        ..
                    } = *self;
                    request.answer_or_wait(reader, position, (read, allowance), deadline)
                }
                Err(unavailable) if Instant::now() >= self.until() => {
                    PollStep::Answer(Err(unavailable))
                }
                // The store may be back before the wait is over.
                Err(_) => {
                    drop(allowance);
                    sleep(STORE_RETRY_DELAY).await;
                    PollStep::Wait(self)
                }
            }
        })
    }

    /// The answer, as the wait is over.
    pub fn finish(self) -> PollResult {
        let Self {
            request,
            reader,
            after,
            known,
            ..
        } = self;
        let (read, allowance) = match known {
            Some(known) => *known,
            None => {
                let allowance = PageAllowance::without_messages(request.page.with_presence);
                (ReadBatch::empty(after), allowance)
            }
        };
        let cursor = reader.cursor(read.after);
        Ok(request.respond(read, cursor, allowance))
    }
}
