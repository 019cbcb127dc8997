//! `GET /stream`: messages as they come, as Server-Sent Events.

use std::convert::Infallible;

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    http::{Version, header},
    web::Data,
};
use futures_util::{StreamExt as _, stream};

use super::problem::Problem;
use crate::{
    delivery::{Delivery, link_emulator::LinkEmulator, read_query::ReadQuery},
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
    let mut events = LinkEmulator::new(events, query.fault);
    let first = if events.holds_head() {
        events.next().await
    } else {
        None
    };
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
        // A stream ends with its server: its client must not stay on the connection.
        .force_close();
    let mut response = response.streaming(body);
    if request.version() < Version::HTTP_11 {
        response.head_mut().no_chunking(true);
    }
    Ok(response)
}
