//! `POST /messages`: a draft in, the message out once the log has it for good.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError as _,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    web,
};

use crate::{
    domain::{
        author::Author,
        cursor::Cursor,
        draft::{Draft, InvalidDraft},
        room::Room,
    },
    http::body,
    http::error::{Problem, unmetered},
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
    presence::Presence,
    transport::refuse,
};

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
    payload: web::Payload,
    log: &Log,
    client: Option<ClientLabel>,
    presence: &Presence,
    exchange: &Exchange,
) -> Result<(Room, Appended), Problem> {
    let key = idempotency_key(request)?;
    let draft = Draft::from_json(body::json(request, payload).await?)?;
    let room = draft.room.clone();
    exchange.room(&room);
    let author = client.map(|client| (client, draft.author.parse::<Author>()));
    let appended = log.append(draft, key).await?;
    if let Some((client, Ok(author))) = author {
        presence.set_author(&room, &client, &author);
    }
    Ok((room, appended))
}

fn respond(room: &Room, appended: Appended, exchange: &mut Exchange) -> HttpResponse {
    let status = if appended.is_replay {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    exchange.status(status.as_u16());
    if !appended.is_replay {
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

impl From<InvalidDraft> for Problem {
    fn from(bad: InvalidDraft) -> Self {
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, bad.detail);
        match bad.field {
            Some(field) => problem.field(field),
            None => problem,
        }
    }
}
