//! `GET /poll`: one read of the log, or with `wait` one that waits for messages.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    body::{BodySize, BoxBody, MessageBody},
    http::{
        Method,
        header::{self, HeaderValue},
    },
    web::Data,
};
use bytes::Bytes;

use super::{credentials::has_ticket_or_cookie, extractors::LAST_EVENT_ID, problem::Problem};
use crate::{
    delivery::{
        Delivery,
        poll_response::{IfNoneMatch, PollBody, PollResponse},
        read_query::ReadQuery,
    },
    ledger::request_recorder::RequestRecorder,
    net::connection::ConnectionHandle,
};

pub async fn poll(
    request: HttpRequest,
    query: ReadQuery,
    if_none_match: IfNoneMatch,
    connection: ConnectionHandle,
    delivery: Data<Delivery>,
    recorder: RequestRecorder,
) -> Result<impl Responder, Problem> {
    recorder.open(&query.request_info(query.poll_transport()));
    let close = query.close;
    let response = delivery.poll(query, if_none_match, connection.id()).await?;
    // HEAD delivers nothing.
    if request.method() != Method::HEAD {
        response.record(&recorder);
    }
    let max_age_s = response.max_age_s.filter(|_| !is_of_its_sender(&request));
    let mut response = response.respond_to(&request);
    if let Some(max_age_s) = max_age_s {
        let headers = response.headers_mut();
        let may_be_kept = format!("public, max-age={max_age_s}");
        // Cannot fail, because the number is made of digits.
        if let Ok(value) = HeaderValue::from_str(&may_be_kept) {
            headers.insert(header::CACHE_CONTROL, value);
        }
        // `Last-Event-ID` would count before the cursor in the address.
        headers.append(
            header::VARY,
            HeaderValue::from_static("Last-Event-ID, Origin"),
        );
    }
    if close {
        response
            .head_mut()
            .set_connection_type(actix_web::http::ConnectionType::Close);
    }
    Ok(response)
}

/// Whether the head has a field that the answer may depend on, or that only this sender has.
fn is_of_its_sender(request: &HttpRequest) -> bool {
    let headers = request.headers();
    headers.contains_key(&LAST_EVENT_ID)
        || headers.contains_key(header::AUTHORIZATION)
        || has_ticket_or_cookie(request)
}

impl Responder for PollResponse {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut tag = Vec::with_capacity(64);
        self.write_tag(&mut tag);
        let tag = HeaderValue::from_maybe_shared(Bytes::from(tag));
        let tag = (header::ETAG, tag.expect("a cursor is visible ASCII"));
        match self.page {
            None => HttpResponse::NotModified().insert_header(tag).finish(),
            Some(page) => HttpResponse::Ok()
                .insert_header(tag)
                .content_type(HeaderValue::from_static("application/json"))
                .body(page.into_body()),
        }
    }
}

impl MessageBody for PollBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.size)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(self.next().map(Ok))
    }
}
