//! `GET /poll`: one read of the log per request; with `wait`, a read that waits for news.

use std::{
    future::{Ready, ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use actix_http::Request;
use actix_utils::future::Either;
use actix_web::{
    HttpResponse,
    body::{BodySize, MessageBody},
    dev::RequestHead,
    http::header::{self, HeaderValue},
};
use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::{Accounted, Served, open, query::ReadQuery, refuse};
use crate::{
    cursor::Cursor,
    error::Problem,
    faults::{
        Fault,
        link::{LATENCY, Trickle},
    },
    ledger::{connection::Connection, counts::Transport, exchange::Exchange},
    log::{Log, Read, Start, entry::Limit, store::Unavailable},
    message::Room,
    presence::Presence,
};

/// The largest answer, in bytes of messages; what is over it is `more`.
const MAX_ANSWER_BYTES: usize = 512 * 1024;

/// Answers a poll. It is given the bare request: polls are what comes most often, and have no use
/// for what routing and extractors do.
pub fn poll(
    request: Request,
    connection: &Connection,
    served: &Arc<Served>,
) -> Either<Ready<HttpResponse>, impl Future<Output = HttpResponse> + use<>> {
    let query = ReadQuery::of(request.head());
    let transport = match &query {
        Ok(query) if !query.wait.is_zero() => Transport::LongPoll,
        _ => Transport::Poll,
    };
    let exchange = open(connection, transport, query.as_ref().ok());
    let query = match query {
        Ok(query) => query,
        Err(problem) => return Either::left(ready(refuse(&problem, &exchange))),
    };
    let Served { log, presence, .. } = &**served;
    let reader = query.reader(transport);
    let visit = reader.and_then(|reader| presence.enter(&query.room, reader));
    let presence = (query.presence == Some(true)).then(|| presence.clone());
    let answered = served.afflict(connection, &query);
    let nothing = match query.fault {
        None => nothing(log, &query),
        Some(_) => None,
    };
    if let Some(answer) = nothing {
        let known = KnownTags::of(request.head());
        let answer = answer.with(presence, &query.room);
        return Either::left(ready(respond(answer, &query, &known, exchange)));
    }
    let log = log.clone();
    Either::right(async move {
        // The reader is there while it waits.
        let _visit = visit;
        if !answered {
            return std::future::pending().await;
        }
        if query.fault == Some(Fault::Slow) {
            tokio::time::sleep(LATENCY).await;
        }
        let known = KnownTags::of(request.head());
        match read(&log, &query, &known).await {
            Ok(answer) => {
                let answer = answer.with(presence, &query.room);
                respond(answer, &query, &known, exchange)
            }
            Err(away) => refuse(&Problem::from(away), &exchange),
        }
    })
}

/// The commonest answer of all, where it can be seen at a glance: nothing has come after the cursor.
fn nothing(log: &Log, query: &ReadQuery) -> Option<Answer> {
    let Start::After(cursor) = query.start else {
        return None;
    };
    if !query.wait.is_zero() || !log.is_quiet(&query.room, cursor) {
        return None;
    }
    let read = Read {
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

struct Answer {
    read: Read,
    cursor: Cursor,
    /// Who is in the room, as JSON, where that was asked for.
    presence: Option<String>,
}

impl Answer {
    fn with(self, presence: Option<Arc<Presence>>, room: &Room) -> Self {
        Self {
            presence: presence.map(|presence| presence.json(room)),
            ..self
        }
    }

    /// Whether the client does not know this already.
    fn is_news(&self, known: &KnownTags<'_>) -> bool {
        let new = !self.read.entries.is_empty() || self.read.reset.is_some();
        new && !self.is_known(known)
    }

    /// Whether the client holds exactly this answer, and nothing has come after it.
    fn is_known(&self, known: &KnownTags<'_>) -> bool {
        // Who is there has no tag.
        self.presence.is_none()
            && self.read.reset.is_none()
            && !self.read.more
            && known.contains(self.cursor)
    }
}

/// Reads what `query` asks for, as soon as there is something or the wait is over.
async fn read(
    log: &Arc<Log>,
    query: &ReadQuery,
    known: &KnownTags<'_>,
) -> Result<Answer, Unavailable> {
    let limit = Limit {
        messages: query.limit,
        bytes: MAX_ANSWER_BYTES,
    };
    let room = log.room(&query.room).await?;
    let place = room.place(query.start).await?;
    let read = room.after(place, limit).await?;
    let mut answer = Answer {
        cursor: room.cursor(read.after),
        read,
        presence: None,
    };
    if query.wait.is_zero() || answer.is_news(known) {
        return Ok(answer);
    }
    let deadline = Instant::now() + query.wait;
    let listener = room.listen();
    while !answer.is_news(known) && !listener.is_closed() {
        let after = answer.read.after;
        if timeout_at(deadline, listener.rung(after)).await.is_err() {
            break;
        }
        let read = listener.room.after(place, limit).await?;
        answer = Answer {
            cursor: listener.room.cursor(read.after),
            read,
            presence: None,
        };
    }
    Ok(answer)
}

fn respond(
    answer: Answer,
    query: &ReadQuery,
    known: &KnownTags,
    mut exchange: Exchange,
) -> HttpResponse {
    let not_modified = answer.is_known(known);
    let mut response = if not_modified {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    let tag = HeaderValue::try_from(format!("\"{}\"", answer.cursor));
    response
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((header::ETAG, tag.expect("a cursor is visible ASCII")));
    exchange.status(if not_modified { 304 } else { 200 });
    if query.close {
        response.force_close();
    }
    if not_modified {
        return response.finish();
    }
    response.content_type("application/json");
    let is_slow = query.fault == Some(Fault::Slow);
    if answer.read.entries.is_empty() && !is_slow {
        return response.body(Bytes::from(format!("{{\"messages\":[{}", ending(&answer))));
    }
    note_deliveries(&mut exchange, &answer.read, query.start);
    let body = Accounted::boxed(Parts::of(&answer), exchange);
    response.body(if is_slow { Trickle::boxed(body) } else { body })
}

/// What follows the messages.
fn ending(answer: &Answer) -> String {
    let Answer { read, cursor, .. } = answer;
    let more = read.more;
    let mut ending = match read.reset {
        None => format!("],\"cursor\":\"{cursor}\",\"more\":{more},\"reset\":null}}"),
        Some(reset) => {
            let reset = reset.as_str();
            format!("],\"cursor\":\"{cursor}\",\"more\":{more},\"reset\":\"{reset}\"}}")
        }
    };
    if let Some(presence) = &answer.presence {
        ending.pop();
        ending.push_str(",\"presence\":");
        ending.push_str(presence);
        ending.push('}');
    }
    ending
}

fn note_deliveries(exchange: &mut Exchange, read: &Read, start: Start) {
    exchange.messages(read.entries.len() as u64);
    // A reader that asks for what was said before it came has not waited for it.
    if matches!(start, Start::After(_)) && read.reset.is_none() {
        for entry in &read.entries {
            exchange.delay(entry.sent_at_us, 1);
        }
    }
}

/// A poll's body: the messages' own bytes, with what goes between them.
struct Parts {
    parts: std::vec::IntoIter<Bytes>,
    size: u64,
}

impl Parts {
    fn of(answer: &Answer) -> Self {
        let mut parts = Vec::with_capacity(2 * answer.read.entries.len() + 1);
        let mut before = Bytes::from_static(b"{\"messages\":[");
        for entry in &answer.read.entries {
            parts.extend([before, entry.json()]);
            before = Bytes::from_static(b",");
        }
        if answer.read.entries.is_empty() {
            parts.push(before);
        }
        parts.push(ending(answer).into());
        let size = parts.iter().map(|part| part.len() as u64).sum();
        Self {
            parts: parts.into_iter(),
            size,
        }
    }
}

impl MessageBody for Parts {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.size)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(self.parts.next().map(Ok))
    }
}

/// The answers a client holds: `If-None-Match`.
struct KnownTags<'a>(Option<&'a str>);

impl<'a> KnownTags<'a> {
    fn of(head: &'a RequestHead) -> Self {
        let header = head.headers().get(header::IF_NONE_MATCH);
        Self(header.and_then(|value| value.to_str().ok()))
    }

    fn contains(&self, cursor: Cursor) -> bool {
        let Some(tags) = self.0 else { return false };
        tags.split(',').any(|tag| {
            let tag = tag.trim();
            // Weak comparison (RFC 9110, 13.1.2): a cache in between may have weakened the tag.
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            let quoted = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            tag == "*" || quoted.and_then(|tag| tag.parse().ok()) == Some(cursor)
        })
    }
}
