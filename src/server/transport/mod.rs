//! The transports: two ways to the same log.
//!
//! What a reader may ask for is [`query`]. What else they share is here: how an answer stays on the
//! ledger's account until its body is done ([`Accounted`]).

mod date;
pub mod poll;
pub mod poller;
pub mod query;
mod reply;
mod session;
pub mod sse;
pub mod stream;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use actix_web::{
    HttpResponse, ResponseError,
    body::{BodySize, BoxBody, MessageBody},
};
use bytes::Bytes;

use self::query::ReadQuery;
use crate::{
    faults::{CUT_AFTER, Fault, abort::FaultRegistry},
    http::error::Problem,
    ledger::{
        connection::{Connection, Opening},
        counts::Transport,
        exchange::Exchange,
    },
    lifecycle::drain::Drain,
    log::Log,
    presence::Presence,
};

/// What every reader is served from.
pub struct Served {
    pub log: Arc<Log>,
    pub presence: Arc<Presence>,
    /// Whether readers are to go, and when.
    pub drain: Arc<Drain>,
    /// Connections that their clients may want to end.
    pub keyring: FaultRegistry,
}

impl Served {
    /// Does to a request's connection what it asks for. False: there is to be no answer.
    fn afflict(&self, connection: &Connection, query: &ReadQuery) -> bool {
        if query.fault_key.is_some() || connection.is_severable() {
            let key = query.fault_key.as_ref();
            self.keyring.register(connection.severing(), key);
        }
        match (query.fault, &query.fault_key) {
            (Some(Fault::Disconnect), _) => connection.cut_after(CUT_AFTER),
            (Some(Fault::Restart), Some(key)) => {
                self.keyring.abort(key);
                return false;
            }
            _ => {}
        }
        true
    }
}

/// Puts a request on the ledger. `query` is `None` where it could not be read.
fn open(connection: &Connection, transport: Transport, query: Option<&ReadQuery>) -> Exchange {
    connection.open(&Opening {
        transport,
        room: query.map(|query| &query.room),
        client: query.and_then(|query| query.client.as_ref()),
        trace: query.is_some_and(|query| query.trace),
    })
}

/// Answers with a problem.
pub fn refuse(problem: &Problem, exchange: &Exchange) -> HttpResponse {
    exchange.status(problem.status_code().as_u16());
    problem.error_response()
}

/// A body that keeps its exchange open until the last of it is handed over.
pub struct Accounted<B> {
    body: B,
    _exchange: Exchange,
}

impl<B: MessageBody + Unpin> MessageBody for Accounted<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, B::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

impl<B: MessageBody + Unpin + 'static> Accounted<B> {
    pub fn boxed(body: B, exchange: Exchange) -> BoxBody {
        BoxBody::new(Self {
            body,
            _exchange: exchange,
        })
    }
}
