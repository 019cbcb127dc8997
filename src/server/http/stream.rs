//! `GET /stream`: messages as they come, as Server-Sent Events.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    http::{Version, header},
    web::Data,
};
use futures_util::{Stream, StreamExt as _, stream};

use super::problem::Problem;
use crate::{
    delivery::{
        Delivery, event_stream::EventStream, link_emulator::LinkEmulator, read_query::ReadQuery,
        sse, stream_reader::EventChunk,
    },
    domain::transport::Transport,
    ledger::request_recorder::RequestRecorder,
    net::connection::ConnectionHandle,
};

pub async fn stream(
    request: HttpRequest,
    query: ReadQuery,
    connection: ConnectionHandle,
    delivery: Data<Delivery>,
    recorder: RequestRecorder,
) -> Result<impl Responder, Problem> {
    recorder.open(&query.request_info(Transport::Stream));
    let events = delivery.stream(&query, connection.id()).await?;
    let events = ProbingStream {
        events,
        connection: connection.clone(),
        has_probed: false,
    };
    let mut events = LinkEmulator::new(events, query.fault);
    let mut first = None;
    if events.holds_head() {
        first = events.next().await;
        // An empty chunk is not the beginning of the body.
        while first
            .as_ref()
            .is_some_and(|it| it.bytes == sse::EMPTY_COMMENT)
        {
            first = events.next().await;
        }
    }
    recorder.set_status(200);
    recorder.begin_stream();
    let body = stream::iter(first).chain(events).map(move |chunk| {
        chunk.record(&recorder);
        Ok::<_, Infallible>(chunk.bytes)
    });
    let mut response = HttpResponse::Ok();
    response
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header(("X-Accel-Buffering", "no"))
        // The connection ends with the stream, so that the client leaves when the server stops.
        .force_close();
    let mut response = response.streaming(body);
    if request.version() < Version::HTTP_11 {
        response.head_mut().no_chunking(true);
    }
    Ok(response)
}

/// A stream that sends an empty comment when the client has ended its side of the connection.
struct ProbingStream {
    events: EventStream,
    connection: ConnectionHandle,
    has_probed: bool,
}

impl Stream for ProbingStream {
    type Item = EventChunk;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<EventChunk>> {
        if !self.has_probed && self.connection.is_half_closed() {
            self.has_probed = true;
            return Poll::Ready(Some(EventChunk::control(None, sse::EMPTY_COMMENT)));
        }
        Pin::new(&mut self.events).poll_next(cx)
    }
}
