//! A request's head and an answer's head between the `http` crate's types of `h2` and those of
//! actix-web, which are of an older version of that crate.

use std::time::SystemTime;

use actix_http::{Request, body::BodySize};
use actix_web::http::{
    Method, Uri, Version,
    header::{self, HeaderName, HeaderValue},
};

/// What a head of HTTP/2 may not carry (RFC 9113, 8.2.2): HTTP/1.1 says these of one connection.
const CONNECTION_FIELDS: [&str; 5] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// Fills in `request`'s head. `None` if actix-web has no form for the method or the address.
pub fn fill_request(request: &mut Request, parts: http::request::Parts) -> Option<()> {
    let head = request.head_mut();
    head.method = Method::from_bytes(parts.method.as_str().as_bytes()).ok()?;
    head.uri = Uri::try_from(parts.uri.to_string()).ok()?;
    head.version = Version::HTTP_2;
    let mut name = None;
    for (next, value) in parts.headers {
        // Only the first value of a field has its name.
        if let Some(next) = next {
            name = HeaderName::from_bytes(next.as_str().as_bytes()).ok();
        }
        let value = HeaderValue::from_bytes(value.as_bytes()).ok();
        if let (Some(name), Some(value)) = (&name, value) {
            head.headers.append(name.clone(), value);
        }
    }
    // Handlers and middleware find the authority where HTTP/1.1 has it.
    if !head.headers.contains_key(header::HOST)
        && let Some(authority) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        head.headers.insert(header::HOST, host);
    }
    Some(())
}

/// The head of an answer whose body has `size`.
pub fn response(head: &actix_http::ResponseHead, size: BodySize) -> http::Response<()> {
    let mut response = http::Response::new(());
    *response.version_mut() = http::Version::HTTP_2;
    if let Ok(status) = http::StatusCode::from_u16(head.status.as_u16()) {
        *response.status_mut() = status;
    }
    let headers = response.headers_mut();
    for (name, value) in head.headers.iter() {
        if CONNECTION_FIELDS.contains(&name.as_str()) {
            continue;
        }
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes());
        let value = http::HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    if let BodySize::Sized(bytes) = size {
        headers.insert(http::header::CONTENT_LENGTH, bytes.into());
    }
    if !headers.contains_key(http::header::DATE)
        && let Ok(date) = http::HeaderValue::try_from(httpdate::fmt_http_date(SystemTime::now()))
    {
        headers.insert(http::header::DATE, date);
    }
    response
}
