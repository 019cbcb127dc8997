//! The extractors of the handlers: a reader's query, its tags, its client, its recorder.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest,
    dev::Payload,
    http::{
        StatusCode, Version,
        header::{self, HeaderName, HeaderValue},
    },
    web,
};

use super::{policy::policy_of, problem::Problem, requester::Requester};
use crate::{
    delivery::{
        poll_response::IfNoneMatch,
        read_query::{InvalidField, ReadQuery},
    },
    domain::{client_label::ClientLabel, cursor::ParseCursorError, room::Room},
    ledger::{Ledger, connection_meter::ConnectionMeter, request_recorder::RequestRecorder},
    limits::refusals::RefusalReason,
    log::store::IdempotencyKey,
    net::connection::ConnectionHandle,
};

/// A header field that counts before the cursor in the address.
pub static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

impl FromRequest for ReadQuery {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        const NAME: &str = "Last-Event-ID";
        let last_event_id = single_field(request, &LAST_EVENT_ID, NAME).and_then(|id| {
            let invalid = |_| InvalidField::new(NAME, ParseCursorError);
            id.map(|id| id.to_str().map_err(invalid)).transpose()
        });
        let query = last_event_id
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
        if let Err(invalid) = &query
            && invalid.limit.is_some()
            && let Some(policy) = policy_of(request)
        {
            policy.refusals.count(RefusalReason::RoomsPerReader);
        }
        let query = query.map_err(Problem::from);
        ready(query.and_then(|query| permitted(query, request)))
    }
}

/// The query, if its sender may read the rooms in it.
fn permitted(mut query: ReadQuery, request: &HttpRequest) -> Result<ReadQuery, Problem> {
    if query.client.is_some() {
        // Only a reader with a label is listed as present.
        query.address = policy_of(request).and_then(|policy| policy.client_of(request));
    }
    let requester = Requester::from_request(request);
    requester.check_read(query.rooms.iter(), query.client.as_ref())?;
    // What waits for a message does not outlive its token.
    if let Some(lasts_for) = requester.lasts_for() {
        query.wait = query.wait.min(lasts_for);
    }
    if policy_of(request).is_some_and(|policy| !policy.fault_injection) {
        if query.fault.is_some() {
            let detail = "this server does not allow `fault` (--fault-injection off)";
            return Err(Problem::new(StatusCode::FORBIDDEN, detail).field("fault"));
        }
        query.fault_key = None;
    }
    Ok(query)
}

impl FromRequest for IfNoneMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let tags = list_field(request, header::IF_NONE_MATCH);
        ready(Ok(Self::new(tags.as_deref())))
    }
}

/// The `Idempotency-Key` of a publish.
pub struct IdempotencyHeader(pub Option<IdempotencyKey>);

impl FromRequest for IdempotencyHeader {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        const NAME: &str = "Idempotency-Key";
        let key = single_field(request, &IDEMPOTENCY_KEY, NAME).and_then(|key| {
            let key = key.map(|value| {
                // A key that is not text is refused like one that is not visible ASCII.
                let text = value.to_str().unwrap_or_default();
                text.parse()
                    .map_err(|why: <IdempotencyKey as std::str::FromStr>::Err| {
                        InvalidField::new(NAME, why)
                    })
            });
            key.transpose()
        });
        ready(key.map(Self).map_err(Problem::from))
    }
}

impl FromRequest for ConnectionHandle {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // A request without a connection, as in a test, counts as its own connection.
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

/// A header field that may occur only once. Errors call it `written`.
pub fn single_field<'a>(
    request: &'a HttpRequest,
    name: &HeaderName,
    written: &str,
) -> Result<Option<&'a HeaderValue>, InvalidField> {
    let mut values = request.headers().get_all(name);
    let value = values.next();
    match values.next() {
        Some(_) => Err(InvalidField::new(written, "is given twice")),
        None => Ok(value),
    }
}

/// A header field that is a list, on one line or several (RFC 9110, 5.3). `None` if no line of it is text.
pub fn list_field(request: &HttpRequest, name: HeaderName) -> Option<String> {
    let lines = request.headers().get_all(name);
    let lines: Vec<&str> = lines.filter_map(|line| line.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

/// The connection that a request came over: on HTTP/2 its stream, which is in the request's extensions.
pub fn connection_of(request: &HttpRequest) -> Option<ConnectionHandle> {
    let connection = request.conn_data::<ConnectionHandle>().cloned();
    connection.or_else(|| request.extensions().get::<ConnectionHandle>().cloned())
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

/// The `room` in a query, which its sender may read.
pub struct RoomParameter(pub Room);

impl FromRequest for RoomParameter {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let room = parameter::<Room>(request.query_string(), "room");
        ready(room.and_then(|room| {
            let room = room.unwrap_or_default();
            Requester::from_request(request).check_read([&room], None)?;
            Ok(Self(room))
        }))
    }
}

/// The parameter of this name in a query; it may occur only once.
pub fn parameter<T>(query: &str, name: &str) -> Result<Option<T>, Problem>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(it, _)| it == name);
    let value = values.next();
    if values.next().is_some() {
        return Err(InvalidField::new(name, "is given twice").into());
    }
    value
        .map(|(_, value)| value.parse())
        .transpose()
        .map_err(|why| InvalidField::new(name, why).into())
}
