//! Converts the heads of requests and answers between the `http` types of `h2` and those of actix-web, which come
//! from an older version of the `http` crate.

use actix_http::{Request, body::BodySize};
use actix_web::http::{
    Method, Uri, Version,
    header::{self, HeaderName, HeaderValue},
};
use bytes::BytesMut;

use crate::net::http_date::with_http_date;

/// Fields that a head of HTTP/2 may not have (RFC 9113, 8.2.2), because in HTTP/1.1 they describe one connection.
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
    head.uri = convert_uri(&parts.uri)?;
    head.version = Version::HTTP_2;
    // One allocation for all values, instead of one for each.
    let mut values = BytesMut::with_capacity(parts.headers.values().map(|it| it.len()).sum());
    for value in parts.headers.values() {
        values.extend_from_slice(value.as_bytes());
    }
    let mut values = values.freeze();
    for (name, value) in &parts.headers {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        let value = HeaderValue::from_maybe_shared(values.split_to(value.len()));
        if let (Ok(name), Ok(value)) = (name, value) {
            head.headers.append(name, value);
        }
    }
    // Handlers and middleware expect the authority in `Host`, as in HTTP/1.1.
    if !head.headers.contains_key(header::HOST)
        && let Some(authority) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        head.headers.insert(header::HOST, host);
    }
    Some(())
}

fn convert_uri(uri: &http::Uri) -> Option<Uri> {
    let scheme = uri.scheme_str();
    let (scheme, separator) = scheme.map_or(("", ""), |scheme| (scheme, "://"));
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    Uri::try_from([scheme, separator, authority, path].concat()).ok()
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
    if !headers.contains_key(http::header::DATE) {
        headers.insert(http::header::DATE, with_http_date(Clone::clone));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requests_head_is_the_same_in_the_other_versions_types() {
        let theirs = http::Request::get("https://chat.test:8443/poll?room=a%20b&wait=1s")
            .header("accept", "*/*")
            .header("cookie", "a=1")
            .header("x-empty", "")
            .header("cookie", "b=2")
            .header("x-last", "no UTF-8: \u{e9}")
            .body(())
            .expect("a request");
        let mut ours = Request::new();
        fill_request(&mut ours, theirs.into_parts().0).expect("it has a form");
        let all = |name: &str| -> Vec<&[u8]> {
            let values = ours.head().headers.get_all(name);
            values.map(HeaderValue::as_bytes).collect()
        };
        assert_eq!(ours.uri(), "https://chat.test:8443/poll?room=a%20b&wait=1s");
        assert_eq!(all("accept"), [b"*/*"]);
        assert_eq!(all("cookie"), [b"a=1", b"b=2"]);
        assert_eq!(all("x-empty"), [b""]);
        assert_eq!(all("x-last"), ["no UTF-8: \u{e9}".as_bytes()]);
        assert_eq!(all("host"), [b"chat.test:8443"]);
    }
}
