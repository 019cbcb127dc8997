//! A poll's answer, and its form as an HTTP response.

use std::{
    fmt::Write as _,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpResponse, ResponseError as _,
    body::{BodySize, MessageBody},
    http::header::{self, HeaderValue},
};
use bytes::Bytes;

use super::Accounted;
use crate::{
    domain::cursor::Cursor, faults::link::ThrottledBody, http::error::Problem,
    ledger::exchange::Exchange, log::ReadBatch,
};

/// What a poll is answered.
pub struct Reply {
    pub content: Content,
    /// The connection is to be closed after it.
    pub is_last: bool,
    /// It goes over a slow link.
    pub is_slow: bool,
    pub exchange: Exchange,
}

pub enum Content {
    Refusal(Problem),
    /// The client holds it already.
    Known(Cursor),
    Read(Answer),
}

/// What was read.
pub struct Answer {
    pub read: ReadBatch,
    pub cursor: Cursor,
    /// Who is in the room, as JSON, where that was asked for.
    pub presence: Option<String>,
}

impl Reply {
    fn new(content: Content, status: u16, exchange: Exchange) -> Self {
        exchange.status(status);
        Self {
            content,
            is_last: false,
            is_slow: false,
            exchange,
        }
    }

    pub fn refusing(problem: Problem, exchange: Exchange) -> Self {
        let status = problem.status_code().as_u16();
        Self::new(Content::Refusal(problem), status, exchange)
    }

    pub fn known(cursor: Cursor, exchange: Exchange) -> Self {
        Self::new(Content::Known(cursor), 304, exchange)
    }

    pub fn reading(answer: Answer, exchange: Exchange) -> Self {
        Self::new(Content::Read(answer), 200, exchange)
    }

    pub fn into_response(self) -> HttpResponse {
        let (mut response, cursor) = match &self.content {
            Content::Refusal(problem) => return problem.error_response(),
            Content::Known(cursor) => (HttpResponse::NotModified(), cursor),
            Content::Read(answer) => (HttpResponse::Ok(), &answer.cursor),
        };
        let tag = HeaderValue::try_from(format!("\"{cursor}\""));
        response
            .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
            .insert_header((header::ETAG, tag.expect("a cursor is visible ASCII")));
        if self.is_last {
            response.force_close();
        }
        let Content::Read(answer) = self.content else {
            return response.finish();
        };
        let body = Accounted::boxed(Parts::of(&answer), self.exchange);
        let body = if self.is_slow {
            ThrottledBody::boxed(body)
        } else {
            body
        };
        response.content_type("application/json").body(body)
    }
}

/// What comes before the messages.
pub const BEGINNING: &str = "{\"messages\":[";

/// What follows the messages.
pub fn ending(answer: &Answer) -> String {
    let Answer {
        read,
        cursor,
        presence,
    } = answer;
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

/// A poll's body: the messages' own bytes, with what goes between them.
pub struct Parts {
    pub parts: std::vec::IntoIter<Bytes>,
    pub size: u64,
}

impl Parts {
    pub fn of(answer: &Answer) -> Self {
        let mut parts = Vec::with_capacity(2 * answer.read.entries.len() + 1);
        parts.push(Bytes::from_static(BEGINNING.as_bytes()));
        for (i, entry) in answer.read.entries.iter().enumerate() {
            if i > 0 {
                parts.push(Bytes::from_static(b","));
            }
            parts.push(entry.json());
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
