//! What handlers take out of a request: its reader's query, its tags, its client, its recorder.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest,
    dev::Payload,
    http::{StatusCode, Version, header},
    web,
};

use super::problem::Problem;
use crate::{
    delivery::{
        poll::IfNoneMatch,
        read_query::{InvalidField, ReadQuery},
    },
    domain::{client_label::ClientLabel, cursor::ParseCursorError, room::Room},
    ledger::{Ledger, connection_meter::ConnectionMeter, request_recorder::RequestRecorder},
    log::store::IdempotencyKey,
    net::connection::ConnectionHandle,
};

impl FromRequest for ReadQuery {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let last_event_id = request.headers().get("Last-Event-ID");
        let last_event_id = last_event_id.map(|value| {
            let invalid = |_| InvalidField::new("Last-Event-ID", ParseCursorError);
            value.to_str().map_err(invalid)
        });
        let query = last_event_id
            .transpose()
            .and_then(|id| Self::parse(request.query_string(), id))
            .and_then(
                |query| match query.close && request.version() == Version::HTTP_2 {
                    true => Err(InvalidField::new(
                        "connection",
                        "must not be close over HTTP/2, where other requests share the connection",
                    )),
                    false => Ok(query),
                },
            );
        ready(query.map_err(Problem::from))
    }
}

impl FromRequest for IfNoneMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let tags = request.headers().get(header::IF_NONE_MATCH);
        ready(Ok(Self::new(tags.and_then(|tags| tags.to_str().ok()))))
    }
}

/// The `Idempotency-Key` of a publish.
pub struct IdempotencyHeader(pub Option<IdempotencyKey>);

impl FromRequest for IdempotencyHeader {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        const NAME: &str = "Idempotency-Key";
        let key = request.headers().get(NAME).map(|value| {
            // A key that is no text at all is refused as one that is not visible ASCII.
            let text = value.to_str().unwrap_or_default();
            text.parse()
                .map_err(|why: <IdempotencyKey as std::str::FromStr>::Err| {
                    InvalidField::new(NAME, why)
                })
        });
        ready(key.transpose().map(Self).map_err(Problem::from))
    }
}

impl FromRequest for ConnectionHandle {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // A request that came over no connection of ours, as in a test, is one by itself.
        ready(Ok(connection_of(request).unwrap_or_default()))
    }
}

impl FromRequest for RequestRecorder {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        if let Some(recorder) = request.extensions().get::<Self>() {
            return ready(Ok(recorder.clone()));
        }
        let Some(ledger) = request.app_data::<web::Data<Ledger>>() else {
            let detail = "the application has no ledger";
            return ready(Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)));
        };
        let meter = ConnectionMeter::detached(ledger.clone().into_inner());
        ready(Ok(Self::begin(&meter)))
    }
}

/// The connection that a request came over: on HTTP/2 its stream, which is in its extensions.
pub fn connection_of(request: &HttpRequest) -> Option<ConnectionHandle> {
    let stream = request.extensions().get::<ConnectionHandle>().cloned();
    stream.or_else(|| request.conn_data::<ConnectionHandle>().cloned())
}

/// The `client` in a query.
pub struct ClientParameter(pub Option<ClientLabel>);

impl FromRequest for ClientParameter {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parameter(request.query_string(), "client").map(Self))
    }
}

/// The `room` in a query.
pub struct RoomParameter(pub Room);

impl FromRequest for RoomParameter {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let room = parameter(request.query_string(), "room");
        ready(room.map(|room| Self(room.unwrap_or_default())))
    }
}

/// The first parameter of this name in a query.
pub fn parameter<T>(query: &str, name: &str) -> Result<Option<T>, Problem>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    form_urlencoded::parse(query.as_bytes())
        .find(|(it, _)| it == name)
        .map(|(_, value)| value.parse())
        .transpose()
        .map_err(|why| InvalidField::new(name, why).into())
}
