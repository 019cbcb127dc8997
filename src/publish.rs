//! `POST /messages`: a draft in, the message out once the log has it for good.

use std::time::Duration;

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    web,
};
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    cursor::Cursor,
    error::{Problem, unmetered},
    ledger::{
        ClientLabel,
        connection::{Connection, Opening},
        counts::Transport,
        exchange::Exchange,
        http::client_label,
    },
    log::{
        Log,
        store::{Appended, IdempotencyKey},
    },
    message::{Author, BadDraft, Draft, Room},
    presence::Presence,
    transport::refuse,
};

const MAX_BODY_BYTES: usize = 64 * 1024;
/// A body that is not there by then never will be.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

pub async fn publish(
    request: HttpRequest,
    body: web::Payload,
    log: web::Data<Log>,
    presence: web::Data<Presence>,
) -> HttpResponse {
    let Some(connection) = Connection::of(&request) else {
        return unmetered().error_response();
    };
    let client = client_label(&request);
    let label = client.as_ref().ok().and_then(Option::as_ref);
    let mut exchange = connection.open(&Opening {
        transport: Transport::Publish,
        room: None,
        client: label,
        trace: false,
    });
    let appended = match client {
        Ok(client) => append(&request, body, &log, client, &presence, &exchange).await,
        Err(problem) => Err(problem),
    };
    match appended {
        Ok((room, appended)) => respond(&room, appended, &mut exchange),
        Err(problem) => refuse(&problem, &exchange),
    }
}

async fn append(
    request: &HttpRequest,
    body: web::Payload,
    log: &Log,
    client: Option<ClientLabel>,
    presence: &Presence,
    exchange: &Exchange,
) -> Result<(Room, Appended), Problem> {
    let key = idempotency_key(request)?;
    let draft = Draft::from_json(json(request, body).await?)?;
    let room = draft.room.clone();
    exchange.room(&room);
    let author = client.map(|client| (client, draft.author.parse::<Author>()));
    let appended = log.append(draft, key).await?;
    if let Some((client, Ok(author))) = author {
        presence.named(&room, &client, &author);
    }
    Ok((room, appended))
}

fn respond(room: &Room, appended: Appended, exchange: &mut Exchange) -> HttpResponse {
    let status = if appended.earlier {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    exchange.status(status.as_u16());
    if !appended.earlier {
        exchange.messages(1);
    }
    // Where the message is: the first one after the place before it.
    let place = Cursor {
        id: appended.cursor.id - 1,
        ..appended.cursor
    };
    let location = format!("/poll?room={room}&cursor={place}&limit=1");
    let location = HeaderValue::try_from(location).expect("a room and a cursor are visible ASCII");
    HttpResponse::build(status)
        .content_type("application/json")
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .body(appended.json)
}

fn idempotency_key(request: &HttpRequest) -> Result<Option<IdempotencyKey>, Problem> {
    const NAME: &str = "Idempotency-Key";
    let Some(value) = request.headers().get(NAME) else {
        return Ok(None);
    };
    // Not even text: the same complaint as for text that is not visible ASCII.
    let text = value.to_str().unwrap_or_default();
    text.parse()
        .map(Some)
        .map_err(|why| Problem::bad_field(NAME, why))
}

async fn json(request: &HttpRequest, body: web::Payload) -> Result<Value, Problem> {
    if !is_json(request) {
        let detail = "the body must be JSON, with `Content-Type: application/json`";
        let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail);
        return Err(problem.field("Content-Type"));
    }
    if announced_length(request).is_some_and(|length| length > MAX_BODY_BYTES as u64) {
        return Err(too_large());
    }
    let Ok(read) = timeout(BODY_TIMEOUT, body.to_bytes_limited(MAX_BODY_BYTES)).await else {
        let detail = format!(
            "the body did not arrive within {} s",
            BODY_TIMEOUT.as_secs()
        );
        return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail));
    };
    let bytes = read
        .map_err(|_| too_large())?
        .map_err(|error| bad_body(format!("the body could not be read: {error}")))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| bad_body(format!("the body is not JSON: {error}")))
}

fn announced_length(request: &HttpRequest) -> Option<u64> {
    let length = request.headers().get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

fn too_large() -> Problem {
    let detail = format!("the body is larger than {MAX_BODY_BYTES} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

fn bad_body(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

fn is_json(request: &HttpRequest) -> bool {
    let mime = request.mime_type().ok().flatten();
    mime.is_some_and(|mime| {
        mime.essence_str() == "application/json" || mime.suffix().is_some_and(|it| it == "json")
    })
}

impl From<BadDraft> for Problem {
    fn from(bad: BadDraft) -> Self {
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, bad.detail);
        match bad.field {
            Some(field) => problem.field(field),
            None => problem,
        }
    }
}
