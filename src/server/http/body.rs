//! The JSON body of a request: read whole, within bounds of size and time.

use std::time::Duration;

use actix_web::{
    HttpMessage as _, HttpRequest,
    http::{StatusCode, header},
    web,
};
use serde_json::Value;
use tokio::time::timeout;

use crate::http::error::Problem;

const MAX_BODY_BYTES: usize = 64 * 1024;
/// A body that is not there by then never will be.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The body, once all of it is there.
pub async fn json(request: &HttpRequest, body: web::Payload) -> Result<Value, Problem> {
    if !is_json(request) {
        let detail = "the body must be JSON, with `Content-Type: application/json`";
        let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail);
        return Err(problem.field("Content-Type"));
    }
    if announced_length(request).is_some_and(|length| length > MAX_BODY_BYTES as u64) {
        return Err(too_large());
    }
    let Ok(read) = timeout(BODY_TIMEOUT, body.to_bytes_limited(MAX_BODY_BYTES)).await else {
        let detail = format!(
            "the body did not arrive within {} s",
            BODY_TIMEOUT.as_secs()
        );
        return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail));
    };
    let bytes = read
        .map_err(|_| too_large())?
        .map_err(|error| bad_body(format!("the body could not be read: {error}")))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| bad_body(format!("the body is not JSON: {error}")))
}

fn announced_length(request: &HttpRequest) -> Option<u64> {
    let length = request.headers().get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

fn too_large() -> Problem {
    let detail = format!("the body is larger than {MAX_BODY_BYTES} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

fn bad_body(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

fn is_json(request: &HttpRequest) -> bool {
    let mime = request.mime_type().ok().flatten();
    mime.is_some_and(|mime| {
        mime.essence_str() == "application/json" || mime.suffix().is_some_and(|it| it == "json")
    })
}
