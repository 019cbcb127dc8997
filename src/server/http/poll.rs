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
        header::{ContentType, ETag, EntityTag},
    },
    web::Data,
};
use bytes::Bytes;

use super::problem::Problem;
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
    let mut response = response.respond_to(&request);
    if close {
        response
            .head_mut()
            .set_connection_type(actix_web::http::ConnectionType::Close);
    }
    Ok(response)
}

impl Responder for PollResponse {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let tag = ETag(EntityTag::new_strong(self.cursor.to_string()));
        match self.page {
            None => HttpResponse::NotModified().insert_header(tag).finish(),
            Some(page) => HttpResponse::Ok()
                .insert_header(tag)
                .content_type(ContentType::json())
                .body(page.body()),
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
        Poll::Ready(self.chunks.next().map(Ok))
    }
}
