//! The JSON body of a request, which is read completely within limits of size and time.

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest,
    dev::Payload,
    http::{
        StatusCode, Version,
        header::{self, HeaderValue, TRANSFER_ENCODING},
    },
    web,
};
use bytes::BytesMut;
use futures_util::StreamExt as _;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use tokio::time::timeout;

use super::{extractors::connection_of, policy::policy_of, problem::Problem};
use crate::limits::refusals::RefusalReason;

pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// UTF-8, also as clients misspell it, and its subset.
const UTF_8_NAMES: [&str; 3] = ["utf-8", "utf8", "us-ascii"];
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A JSON body. Errors in it are answered with problem details.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Json<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = check_head(request);
        let connection = connection_of(request);
        let policy = policy_of(request).cloned();
        let length = body_length(request);
        let body = web::Payload::from_request(request, payload).into_inner();
        Box::pin(async move {
            let bytes = async {
                checked?;
                let body =
                    body.map_err(|error| bad_body(format!("the body is missing: {error}")))?;
                if let Some(connection) = &connection {
                    connection.need_input(true);
                }
                let bytes = read(body, length).await;
                if let Some(connection) = &connection {
                    connection.need_input(false);
                }
                bytes
            };
            let bytes = bytes.await.inspect_err(|problem| {
                let is_limit = matches!(
                    problem.status(),
                    StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT
                );
                if let Some(policy) = policy.filter(|_| is_limit) {
                    policy.refusals.count(RefusalReason::Body);
                }
            })?;
            // RFC 8259, 8.1: a parser may ignore a byte order mark, which editors on Windows write.
            let json = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes);
            serde_json::from_slice(json)
                .map(Self)
                .map_err(|error| match error.classify() {
                    Category::Data => match serde_json::from_slice::<IgnoredAny>(json) {
                        Ok(_) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
                        // Further on, it is not JSON.
                        Err(error) => not_json(&error),
                    },
                    _ => not_json(&error),
                })
        })
    }
}

fn check_head(request: &HttpRequest) -> Result<(), Problem> {
    if !is_json(request) {
        let detail = "the body must be JSON in UTF-8, with `Content-Type: application/json`";
        let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail);
        return Err(problem.field("Content-Type"));
    }
    if is_coded(request) {
        let detail = "the body must not be compressed or coded in another way";
        let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).header(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        );
        return Err(problem.field("Content-Encoding"));
    }
    match content_length(request) {
        Some(length) if length > MAX_BODY_BYTES as u64 => Err(too_large()),
        _ => Ok(()),
    }
}

/// Reads a body to its end, at most `length` bytes.
async fn read(body: web::Payload, length: Option<u64>) -> Result<BytesMut, Problem> {
    let read = timeout(BODY_TIMEOUT, collect(body, length));
    read.await.unwrap_or_else(|_| {
        let detail = format!(
            "the body did not arrive within {} s",
            BODY_TIMEOUT.as_secs()
        );
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail).last())
    })
}

async fn collect(mut body: web::Payload, length: Option<u64>) -> Result<BytesMut, Problem> {
    let mut bytes = BytesMut::new();
    while length.is_none_or(|length| (bytes.len() as u64) < length)
        && let Some(part) = body.next().await
    {
        let part = part.map_err(|_| {
            // actix-http reports an invalid chunk as an early end.
            bad_body("the body ended early, or its chunks are invalid".to_owned()).last()
        })?;
        bytes.extend_from_slice(&part);
        if bytes.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
    }
    Ok(bytes)
}

/// The length of the body. actix-http treats all bytes after an offer of WebSocket as the body, but this server does
/// not accept the offer. `None`: the body itself shows where it ends.
fn body_length(request: &HttpRequest) -> Option<u64> {
    let is_framed =
        request.version() == Version::HTTP_2 || request.headers().contains_key(TRANSFER_ENCODING);
    (!is_framed).then(|| content_length(request).unwrap_or(0))
}

fn content_length(request: &HttpRequest) -> Option<u64> {
    let length = request.headers().get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

fn too_large() -> Problem {
    let detail = format!("the body is larger than {MAX_BODY_BYTES} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail).last()
}

fn not_json(error: &serde_json::Error) -> Problem {
    bad_body(format!("the body is not JSON: {error}"))
}

fn bad_body(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

fn is_coded(request: &HttpRequest) -> bool {
    let mut codings = request.headers().get_all(header::CONTENT_ENCODING);
    codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

fn is_json(request: &HttpRequest) -> bool {
    if request.headers().get_all(header::CONTENT_TYPE).count() > 1 {
        return false;
    }
    let mime = request.mime_type().ok().flatten();
    mime.is_some_and(|mime| {
        let charset = mime.get_param("charset");
        let is_utf8 = charset.is_none_or(|it| UTF_8_NAMES.iter().any(|name| it == *name));
        let is_json = mime.essence_str() == "application/json"
            || mime.suffix().is_some_and(|it| it == "json");
        is_json && is_utf8
    })
}
