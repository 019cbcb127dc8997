//! Plain actix-web: the message log over polling, long-polling and Server-Sent Events.
//! A stream is `Sse` of actix-web-lab over a `Stream` that waits for the next message.

mod room;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{Data, Json, Query};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, error, get, post};
use actix_web_lab::sse;
use futures_util::stream::{Stream, StreamExt, iter, unfold};
use room::{Message, Room, Rooms};
use serde::{Deserialize, Serialize};

const PAGE: usize = 200;

#[derive(Deserialize)]
struct Draft {
    #[serde(default = "lobby")]
    room: String,
    author: String,
    text: String,
}

#[derive(Deserialize)]
struct ReadQuery {
    #[serde(default = "lobby")]
    room: String,
    cursor: Option<u64>,
    last: Option<u64>,
    #[serde(default)]
    wait: f64,
}

#[derive(Serialize)]
struct Page {
    messages: Vec<Message>,
    cursor: String,
    more: bool,
    reset: Option<String>,
}

fn lobby() -> String {
    "lobby".to_owned()
}

/// The cursor that a reader starts from: Last-Event-ID, else `cursor`, else the one `last` messages before the end.
fn start_of(request: &HttpRequest, read: &ReadQuery, room: &Room) -> actix_web::Result<u64> {
    if let Some(id) = request.headers().get("last-event-id") {
        let id = id.to_str().ok().and_then(|id| id.parse().ok());
        return id.ok_or_else(|| error::ErrorBadRequest("no cursor"));
    }
    let before_end = || room.head().saturating_sub(read.last.unwrap_or(50));
    Ok(read.cursor.unwrap_or_else(before_end))
}

#[post("/messages")]
async fn publish(rooms: Data<Rooms>, draft: Json<Draft>) -> actix_web::Result<impl Responder> {
    let draft = draft.into_inner();
    if draft.room.is_empty() || draft.author.is_empty() || draft.text.is_empty() {
        return Err(error::ErrorUnprocessableEntity(
            "room, author and text are not empty",
        ));
    }
    let room = rooms.named(&draft.room);
    let message = room.append(draft.room, draft.author, draft.text);
    Ok(HttpResponse::Created().json(message))
}

#[get("/poll")]
async fn poll(
    rooms: Data<Rooms>,
    read: Query<ReadQuery>,
    request: HttpRequest,
) -> actix_web::Result<impl Responder> {
    let room = rooms.named(&read.room);
    let cursor = start_of(&request, &read, &room)?;
    let mut messages = room.after(cursor);
    if messages.is_empty() && read.wait > 0.0 {
        let wait = Duration::from_secs_f64(read.wait.min(60.0));
        messages = tokio::time::timeout(wait, room.next(cursor))
            .await
            .unwrap_or_default();
    }
    let more = messages.len() > PAGE;
    messages.truncate(PAGE);
    let cursor = messages
        .last()
        .map_or(cursor.to_string(), |last| last.cursor.clone());
    let page = Page {
        messages,
        cursor,
        more,
        reset: None,
    };
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(page))
}

#[get("/stream")]
async fn stream(
    rooms: Data<Rooms>,
    read: Query<ReadQuery>,
    request: HttpRequest,
) -> actix_web::Result<impl Responder> {
    let room = rooms.named(&read.room);
    let start = start_of(&request, &read, &room)?;
    let events = sse::Sse::from_stream(events(room, start))
        .with_retry_duration(Duration::from_secs(1))
        .with_keep_alive(Duration::from_secs(15));
    Ok(events
        .customize()
        .insert_header(("X-Accel-Buffering", "no")))
}

fn events(room: Arc<Room>, start: u64) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    let pages = unfold((room, start), |(room, cursor)| async move {
        let messages = room.next(cursor).await;
        let cursor = messages.last().map_or(cursor, |last| last.id);
        Some((iter(messages), (room, cursor)))
    });
    pages.flatten().map(|message| {
        let data = sse::Data::new_json(&message).expect("a message is JSON");
        Ok(sse::Event::Data(data.id(message.cursor)))
    })
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").unwrap_or("3000".to_owned());
    let rooms = Data::new(Rooms::default());
    HttpServer::new(move || {
        App::new()
            .app_data(rooms.clone())
            .service(publish)
            .service(poll)
            .service(stream)
    })
    .bind(format!("127.0.0.1:{port}"))?
    .run()
    .await
}
