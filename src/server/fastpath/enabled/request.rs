//! Parses the first request on a connection: one of the two requests that the accelerator serves, in its plainest
//! form, or a request for HTTP.

use std::{mem::MaybeUninit, str};

use httparse::{Header, Request, Status};

use crate::{
    delivery::{poll_response::IfNoneMatch, read_query::ReadQuery},
    net::host::is_host,
};

/// A request with a longer head goes to HTTP.
const MAX_HEAD_BYTES: usize = 8 * 1024;
/// A request with more header fields goes to HTTP.
const MAX_HEADERS: usize = 32;
const REQUEST_LINE_PREFIXES: [&[u8]; 2] = [b"GET /poll", b"GET /stream"];
/// A request with one of these fields goes to HTTP: it has a body, asks for another protocol, or comes from a page of
/// another origin.
const NOT_PLAIN: [&str; 5] = [
    "content-length",
    "transfer-encoding",
    "expect",
    "upgrade",
    "origin",
];

#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it goes nowhere"
)]
pub enum ParsedRequest<'a> {
    /// A plain request, and its length in bytes.
    Plain(PlainRequest<'a>, usize),
    Partial,
    /// A request for HTTP.
    Other,
}

pub enum PlainRequest<'a> {
    Poll {
        query: ReadQuery,
        if_none_match: IfNoneMatch,
        /// The field of that name, which may have a token.
        authorization: Option<&'a str>,
    },
    Stream(ReadQuery),
}

impl PlainRequest<'_> {
    pub fn query(&mut self) -> &mut ReadQuery {
        match self {
            Self::Poll { query, .. } | Self::Stream(query) => query,
        }
    }
}

/// Parses the first request in `input`.
pub fn parse_request(input: &[u8]) -> ParsedRequest<'_> {
    let begins_with = |prefix: &[u8]| {
        let compared = prefix.len().min(input.len());
        input[..compared] == prefix[..compared]
    };
    if !REQUEST_LINE_PREFIXES.into_iter().any(begins_with) {
        return ParsedRequest::Other;
    }
    let mut headers = [MaybeUninit::uninit(); MAX_HEADERS];
    let mut request = Request::new(&mut []);
    match request.parse_with_uninit_headers(input, &mut headers) {
        Ok(Status::Complete(length)) => match plain_request(&request) {
            Some(request) => ParsedRequest::Plain(request, length),
            None => ParsedRequest::Other,
        },
        Ok(Status::Partial) if input.len() < MAX_HEAD_BYTES => ParsedRequest::Partial,
        _ => ParsedRequest::Other,
    }
}

/// Converts `request`, if it is plain.
fn plain_request<'a>(request: &Request<'_, 'a>) -> Option<PlainRequest<'a>> {
    let (path, query) = match request.path?.split_once('?') {
        Some((path, query)) => (path, query),
        None => (request.path?, ""),
    };
    let is_poll = match path {
        "/poll" => true,
        "/stream" => false,
        _ => return None,
    };
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"=&%+-_.~,:".contains(&b);
    if request.version != Some(1) || !query.bytes().all(is_plain) {
        return None;
    }
    let fields = Fields::from_headers(request.headers)?;
    let query = ReadQuery::parse(query, fields.last_event_id).ok()?;
    let is_unusual = query.fault.is_some() || query.fault_key.is_some() || query.close;
    if is_unusual || !query.rooms.is_single() {
        return None;
    }
    Some(if is_poll {
        PlainRequest::Poll {
            query,
            if_none_match: IfNoneMatch::new(fields.if_none_match),
            authorization: fields.authorization,
        }
    } else {
        PlainRequest::Stream(query)
    })
}

/// The header fields that matter.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a str>,
    connection: Option<&'a str>,
    last_event_id: Option<&'a str>,
    if_none_match: Option<&'a str>,
    authorization: Option<&'a str>,
}

impl<'a> Fields<'a> {
    /// `None` if one of them has a value that a plain request does not have.
    fn from_headers(headers: &[Header<'a>]) -> Option<Self> {
        let mut fields = Self::default();
        for header in headers {
            let is = |name: &str| header.name.eq_ignore_ascii_case(name);
            if is("host") {
                set_once(&mut fields.host, header)?;
            } else if is("connection") {
                set_once(&mut fields.connection, header)?;
            } else if is("last-event-id") {
                set_once(&mut fields.last_event_id, header)?;
            } else if is("if-none-match") {
                set_once(&mut fields.if_none_match, header)?;
            } else if is("authorization") {
                set_once(&mut fields.authorization, header)?;
            } else if NOT_PLAIN.into_iter().any(is) {
                return None;
            }
        }
        let keeps_alive = |it: &str| it.eq_ignore_ascii_case("keep-alive");
        let has_host = fields.host.is_some_and(|host| is_host(host.as_bytes()));
        let is_plain = has_host && fields.connection.is_none_or(keeps_alive);
        is_plain.then_some(fields)
    }
}

/// Takes a header field that is visible ASCII and occurs once.
fn set_once<'a>(slot: &mut Option<&'a str>, header: &Header<'a>) -> Option<()> {
    let is_visible = |b: &u8| matches!(b, b' '..=b'~');
    if !header.value.iter().all(is_visible) {
        return None;
    }
    let value = str::from_utf8(header.value).ok()?;
    slot.replace(value).is_none().then_some(())
}
