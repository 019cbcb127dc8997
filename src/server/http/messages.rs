//! `POST /messages`: takes a draft, and answers with the message once the log has it durably.

use actix_web::{
    HttpResponse, Responder,
    http::{
        StatusCode,
        header::{self, ContentType, HeaderValue},
    },
    web::Data,
};

use super::{
    extractors::{ClientParameter, IdempotencyHeader},
    json::Json,
    problem::Problem,
    requester::Requester,
};
use crate::{
    domain::{
        author::Author,
        cursor::Cursor,
        draft::{Draft, DraftFields, InvalidDraft},
    },
    ledger::request_recorder::RequestRecorder,
    log::{Log, store::AppendError},
    presence::Presence,
};

pub async fn publish(
    requester: Requester,
    client: ClientParameter,
    key: IdempotencyHeader,
    draft: Json<DraftFields>,
    log: Data<Log>,
    presence: Data<Presence>,
    recorder: RequestRecorder,
) -> Result<impl Responder, Problem> {
    let draft = Draft::from_fields(draft.0)?;
    let room = draft.room.clone();
    requester.check_publish(&room, client.0.as_ref())?;
    recorder.set_room(&room);
    let author = draft.author.parse::<Author>();
    let appended = log.append(draft, key.0).await?;
    if let (Some(client), Ok(author)) = (client.0, author) {
        presence.set_author(&room, &client, &author);
    }
    let status = if appended.is_replay {
        StatusCode::OK
    } else {
        recorder.record_messages(1);
        StatusCode::CREATED
    };
    // The message's address: the first message after the position before it.
    let previous = Cursor {
        id: appended.cursor.id - 1,
        ..appended.cursor
    };
    // Relative to this route, so that it is also valid behind a proxy that serves this server under a prefix.
    let location = format!("poll?room={room}&cursor={previous}&limit=1");
    let location = HeaderValue::try_from(location).expect("a room and a cursor are visible ASCII");
    Ok(HttpResponse::build(status)
        .content_type(ContentType::json())
        .insert_header((header::LOCATION, location))
        .body(appended.json))
}

impl From<InvalidDraft> for Problem {
    fn from(invalid: InvalidDraft) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, invalid.detail).field(invalid.field)
    }
}

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Self {
        let unavailable = |detail, retry_after| {
            Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
                .header(header::RETRY_AFTER, HeaderValue::from_static(retry_after))
        };
        match error {
            AppendError::Unavailable(unavailable) => unavailable.into(),
            AppendError::Unconfirmed(_) => unavailable(
                "the message store did not confirm the message in time; try again, with an \
                 Idempotency-Key to be sure that it is there once",
                "1",
            ),
            AppendError::Rejected(_) => unavailable(
                "the message store refuses the message, and will do so until its operator changes something",
                "10",
            ),
            AppendError::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "this Idempotency-Key was used for another message; use a new key",
            )
            .field("Idempotency-Key"),
        }
    }
}
