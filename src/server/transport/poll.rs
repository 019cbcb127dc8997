//! `GET /poll`: one read of the log per request; with `wait`, a read that waits for news.
//!
//! How an answer gets onto the wire is another matter: over HTTP ([`super::reply`]), or past it
//! ([`super::poller`]).

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse, ResponseError as _,
    http::header::{self, HeaderMap},
    web,
};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    Served, open,
    query::ReadQuery,
    reply::{Answer, Reply},
};
use crate::{
    domain::cursor::Cursor,
    faults::{Fault, link::LATENCY},
    http::error::{Problem, unmetered},
    ledger::{connection::Connection, counts::Transport, exchange::Exchange},
    lifecycle::drain::Parting,
    log::{Log, ReadBatch, Start, Subscription, entry::Limit, store::StoreUnavailable},
    presence::Presence,
};

/// The largest answer, in bytes of messages; what is over it is `more`.
const MAX_ANSWER_BYTES: usize = poll_vs_sse_model::server_limits::PAGE_BYTES;
/// How long a long-poll waits before it asks a store again that did not answer.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// A poll that came over HTTP.
pub async fn poll(request: HttpRequest, served: web::Data<Served>) -> HttpResponse {
    let Some(connection) = Connection::of(&request) else {
        return unmetered().error_response();
    };
    let query = ReadQuery::of(request.head());
    let known = KnownTags::of(request.headers());
    ask(query, known, connection, &served)
        .reply()
        .await
        .into_response()
}

/// A poll under way.
pub enum Asked {
    Answered(Reply),
    Reading(Pin<Box<dyn Future<Output = Reply>>>),
}

impl Asked {
    async fn reply(self) -> Reply {
        match self {
            Self::Answered(reply) => reply,
            Self::Reading(reading) => reading.await,
        }
    }
}

/// Asks for what `query` wants. `known` is what the client holds already.
pub fn ask(
    query: Result<ReadQuery, Problem>,
    known: KnownTags,
    connection: &Connection,
    served: &Arc<Served>,
) -> Asked {
    let transport = match &query {
        Ok(query) if !query.wait.is_zero() => Transport::LongPoll,
        _ => Transport::Poll,
    };
    let exchange = open(connection, transport, query.as_ref().ok());
    let query = match query {
        Ok(query) => query,
        Err(problem) => return Asked::Answered(Reply::refusing(problem, exchange)),
    };
    let reader = query.reader(transport);
    let visit = reader.and_then(|reader| served.presence.join(&query.room, reader));
    let to_be_answered = served.afflict(connection, &query);
    if query.fault.is_none()
        && let Some(answer) = nothing(&served.log, &query)
    {
        return Asked::Answered(reply(answer, &query, &known, &served.presence, exchange));
    }
    let served = served.clone();
    let parting = Parting::new(served.drain.clone(), connection);
    Asked::Reading(Box::pin(async move {
        // The reader is there while it waits.
        let _guard = visit;
        if !to_be_answered {
            return std::future::pending().await;
        }
        if query.fault == Some(Fault::Slow) {
            sleep(LATENCY).await;
        }
        match read(&served.log, &query, &known, &parting).await {
            Ok(answer) => reply(answer, &query, &known, &served.presence, exchange),
            Err(away) => Reply::refusing(away.into(), exchange),
        }
    }))
}

fn reply(
    answer: Answer,
    query: &ReadQuery,
    known: &KnownTags,
    presence: &Presence,
    mut exchange: Exchange,
) -> Reply {
    let presence = (query.presence == Some(true)).then(|| presence.json(&query.room));
    // Who is there has no tag.
    let is_known = presence.is_none() && is_known(&answer, known);
    if !is_known {
        note_deliveries(&mut exchange, &answer.read, query.start);
    }
    let reply = if is_known {
        Reply::known(answer.cursor, exchange)
    } else {
        Reply::reading(Answer { presence, ..answer }, exchange)
    };
    Reply {
        is_last: query.close,
        is_slow: query.fault == Some(Fault::Slow),
        ..reply
    }
}

/// The commonest answer of all, where it can be seen at a glance: nothing has come after the cursor.
fn nothing(log: &Log, query: &ReadQuery) -> Option<Answer> {
    let Start::After(cursor) = query.start else {
        return None;
    };
    if !query.wait.is_zero() || !log.is_up_to_date(&query.room, cursor) {
        return None;
    }
    let read = ReadBatch {
        entries: Vec::new(),
        more: false,
        reset: None,
        after: cursor.id,
    };
    Some(Answer {
        read,
        cursor,
        presence: None,
    })
}

/// Whether the client does not know this already.
fn is_news(answer: &Answer, known: &KnownTags) -> bool {
    let new = !answer.read.entries.is_empty() || answer.read.reset.is_some();
    new && !is_known(answer, known)
}

/// Whether the client holds exactly this answer, and nothing has come after it.
fn is_known(answer: &Answer, known: &KnownTags) -> bool {
    answer.read.reset.is_none() && !answer.read.more && known.contains(answer.cursor)
}

/// Reads what `query` asks for, as soon as there is something or the wait is over.
async fn read(
    log: &Arc<Log>,
    query: &ReadQuery,
    known: &KnownTags,
    parting: &Parting,
) -> Result<Answer, StoreUnavailable> {
    let limit = Limit {
        messages: query.limit,
        bytes: MAX_ANSWER_BYTES,
    };
    let (mut room, place) = log.open_reader(&query.room, query.start).await?;
    let read = room.read(place, limit).await?;
    let mut answer = Answer {
        cursor: room.cursor(read.after),
        read,
        presence: None,
    };
    if query.wait.is_zero() || is_news(&answer, known) {
        return Ok(answer);
    }
    let deadline = Instant::now() + query.wait;
    let mut listener = room.subscribe();
    while !is_news(&answer, known) && rung(&listener, answer.read.after, deadline, parting).await {
        let mut room = listener.room.clone();
        let read = match room.read(place, limit).await {
            Ok(read) => read,
            Err(away) if Instant::now() >= deadline => return Err(away),
            // The store may be back before the wait is over.
            Err(_) => {
                sleep(AGAIN_AFTER).await;
                continue;
            }
        };
        answer = Answer {
            cursor: room.cursor(read.after),
            read,
            presence: None,
        };
        listener.switch_room(room);
    }
    Ok(answer)
}

/// Waits for something after `after`. False: there is no more time for it.
async fn rung(listener: &Subscription, after: u64, deadline: Instant, parting: &Parting) -> bool {
    loop {
        let Some(leaves_at) = parting.moment() else {
            if timeout_at(deadline, listener.notified_or_closed(after))
                .await
                .is_err()
            {
                return false;
            }
            if listener.is_closed() {
                continue;
            }
            return true;
        };
        let until = leaves_at.min(deadline);
        return timeout_at(until, listener.notified(after)).await.is_ok();
    }
}

fn note_deliveries(exchange: &mut Exchange, read: &ReadBatch, start: Start) {
    if read.entries.is_empty() {
        return;
    }
    exchange.messages(read.entries.len() as u64);
    // A reader that asks for what was said before it came has not waited for it.
    if matches!(start, Start::After(_)) && read.reset.is_none() {
        for entry in &read.entries {
            exchange.delay(entry.sent_at_us, 1);
        }
    }
}

/// The answers a client holds: `If-None-Match`.
pub struct KnownTags(Option<Box<str>>);

impl KnownTags {
    pub fn new(if_none_match: Option<&str>) -> Self {
        Self(if_none_match.map(Into::into))
    }

    fn of(headers: &HeaderMap) -> Self {
        let header = headers.get(header::IF_NONE_MATCH);
        Self::new(header.and_then(|value| value.to_str().ok()))
    }

    fn contains(&self, cursor: Cursor) -> bool {
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
