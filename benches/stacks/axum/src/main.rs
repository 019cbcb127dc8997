//! axum: the message log over polling, long-polling and Server-Sent Events.
//! A stream is `Sse` over a `Stream` that waits for the next message.

mod room;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream::{self, Stream, StreamExt};
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
fn start_of(headers: &HeaderMap, read: &ReadQuery, room: &Room) -> Result<u64, StatusCode> {
    if let Some(id) = headers.get("last-event-id") {
        let id = id.to_str().ok().and_then(|id| id.parse().ok());
        return id.ok_or(StatusCode::BAD_REQUEST);
    }
    let before_end = || room.head().saturating_sub(read.last.unwrap_or(50));
    Ok(read.cursor.unwrap_or_else(before_end))
}

async fn publish(
    State(rooms): State<Rooms>,
    Json(draft): Json<Draft>,
) -> Result<(StatusCode, Json<Message>), StatusCode> {
    if draft.room.is_empty() || draft.author.is_empty() || draft.text.is_empty() {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let room = rooms.named(&draft.room);
    let message = room.append(draft.room, draft.author, draft.text);
    Ok((StatusCode::CREATED, Json(message)))
}

async fn poll(
    State(rooms): State<Rooms>,
    Query(read): Query<ReadQuery>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, StatusCode> {
    let room = rooms.named(&read.room);
    let cursor = start_of(&headers, &read, &room)?;
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
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(page)))
}

async fn stream(
    State(rooms): State<Rooms>,
    Query(read): Query<ReadQuery>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, StatusCode> {
    let room = rooms.named(&read.room);
    let start = start_of(&headers, &read, &room)?;
    let retry = stream::iter([Ok(Event::default().retry(Duration::from_secs(1)))]);
    let events = Sse::new(retry.chain(events(room, start))).keep_alive(KeepAlive::default());
    Ok(([("x-accel-buffering", "no")], events))
}

fn events(room: Arc<Room>, start: u64) -> impl Stream<Item = Result<Event, Infallible>> {
    let pages = stream::unfold((room, start), |(room, cursor)| async move {
        let messages = room.next(cursor).await;
        let cursor = messages.last().map_or(cursor, |last| last.id);
        Some((stream::iter(messages), (room, cursor)))
    });
    pages.flatten().map(|message| {
        let event = Event::default().id(&message.cursor);
        Ok(event.json_data(&message).expect("a message is JSON"))
    })
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new()
        .route("/messages", post(publish))
        .route("/poll", get(poll))
        .route("/stream", get(stream))
        .with_state(Rooms::default());
    let port = std::env::var("PORT").unwrap_or("3000".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    axum::serve(listener, app)
        .with_graceful_shutdown(terminated())
        .await
}

async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::terminate())
        .expect("a handler for SIGTERM")
        .recv()
        .await;
}
