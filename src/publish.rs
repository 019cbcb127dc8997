//! `POST /messages`: a draft in, the message out once the log has it for good.

use std::time::Duration;

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    web,
};
use actix_web_lab::extract::{Json, JsonPayloadError};
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    cursor::Cursor,
    error::Problem,
    ledger::{
        connection::{Connection, Exchange},
        counts::Transport,
        lines::RequestLine,
    },
    log::{
        Log,
        store::{Appended, IdempotencyKey},
    },
    message::{BadDraft, Draft, Room},
    transport::refuse,
};

const MAX_BODY_BYTES: usize = 64 * 1024;
/// A body that is not there by then never will be.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

pub async fn publish(
    request: HttpRequest,
    body: web::Payload,
    log: web::Data<Log>,
) -> HttpResponse {
    let connection = Connection::of(&request);
    let line = RequestLine::new(Transport::Publish, None, None);
    let mut exchange = connection.map(|connection| connection.open(Transport::Publish, None, line));
    let publish = async {
        let key = idempotency_key(&request)?;
        let draft = Draft::from_json(json(&request, body).await?)?;
        if let Some(exchange) = &exchange {
            exchange.room(&draft.room);
        }
        let room = draft.room.clone();
        Ok((room, log.append(draft, key).await?))
    };
    let result: Result<(Room, Appended), Problem> = publish.await;
    match result {
        Ok((room, appended)) => respond(&room, appended, exchange.as_mut()),
        Err(problem) => refuse(&problem, exchange),
    }
}

fn respond(room: &Room, appended: Appended, exchange: Option<&mut Exchange>) -> HttpResponse {
    let status = if appended.earlier {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    if let Some(exchange) = exchange {
        exchange.status(status.as_u16());
        if !appended.earlier {
            exchange.messages(1);
        }
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
    let mut payload = body.into_inner();
    let read = Json::<Value, MAX_BODY_BYTES>::from_request(request, &mut payload);
    match timeout(BODY_TIMEOUT, read).await {
        Ok(Ok(json)) => Ok(json.into_inner()),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            format!(
                "the body did not arrive within {} s",
                BODY_TIMEOUT.as_secs()
            ),
        )),
    }
}

impl From<JsonPayloadError> for Problem {
    fn from(error: JsonPayloadError) -> Self {
        match error {
            JsonPayloadError::ContentType => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body must be JSON, with `Content-Type: application/json`",
            )
            .field("Content-Type"),
            JsonPayloadError::Overflow { .. } => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the body is larger than {MAX_BODY_BYTES} bytes"),
            ),
            JsonPayloadError::Deserialize { source } => Self::new(
                StatusCode::BAD_REQUEST,
                format!("the body is not JSON: {}", source.source()),
            ),
            error => Self::new(
                StatusCode::BAD_REQUEST,
                format!("the body could not be read: {error}"),
            ),
        }
    }
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
