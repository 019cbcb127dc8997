//! Where a request carries its token: in a header field, in a cookie, or as a ticket.

use actix_web::{
    HttpRequest,
    dev::ServiceRequest,
    http::header::{AUTHORIZATION, COOKIE, HOST, HeaderMap, ORIGIN},
};

use super::{
    extractors::{parameter, single_field},
    problem::Problem,
};
use crate::access::{origins::AllowedOrigins, tokens::bearer_token};

pub const TOKEN_COOKIE: &str = "poll_vs_sse_token";
pub const TICKET_PARAMETER: &str = "ticket";

/// The credentials of a request.
pub enum Credentials<'a> {
    /// `Authorization: Bearer`: only a holder of the token can send it.
    Bearer(&'a str),
    /// A cookie: browsers also send it when a page of another site causes the request.
    Cookie(&'a str),
    Ticket(String),
    None,
}

impl<'a> Credentials<'a> {
    /// The first of them that the request has. An `Authorization` or a ticket that is given twice is an error.
    pub fn from_request(request: &'a ServiceRequest) -> Result<Self, Problem> {
        let headers = request.headers();
        let authorization = single_field(request.request(), &AUTHORIZATION, "Authorization")?;
        if let Some(token) = authorization.and_then(|it| bearer_token(it.to_str().ok()?)) {
            return Ok(Self::Bearer(token));
        }
        if let Some(ticket) = parameter(request.query_string(), TICKET_PARAMETER)? {
            return Ok(Self::Ticket(ticket));
        }
        Ok(match cookie(headers) {
            Some(token) => Self::Cookie(token),
            None => Self::None,
        })
    }
}

/// Whether the request has a ticket or the token's cookie, valid or not.
pub fn has_ticket_or_cookie(request: &HttpRequest) -> bool {
    let ticket = parameter::<String>(request.query_string(), TICKET_PARAMETER);
    !matches!(ticket, Ok(None)) || cookie(request.headers()).is_some()
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers.get_all(COOKIE).find_map(|value| {
        let mut cookies = value.to_str().ok()?.split(';');
        cookies.find_map(|cookie| {
            let (name, token) = cookie.trim().split_once('=')?;
            (name == TOKEN_COOKIE).then(|| token.trim_matches('"'))
        })
    })
}

/// Whether the request comes from an allowed page: one of ours, or of an allowed origin. A client that sends neither
/// `Origin` nor `Sec-Fetch-Site` is not a current browser, and can send the token in a header.
pub fn is_from_allowed_page(headers: &HeaderMap, origins: &AllowedOrigins) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if text("sec-fetch-site") == Some("same-origin") {
        return true;
    }
    let Some(origin) = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()) else {
        return false;
    };
    if let AllowedOrigins::List(allowed) = origins
        && allowed.iter().any(|it| it == origin)
    {
        return true;
    }
    // The scheme may differ, if a proxy terminates TLS.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let of_origin = origin.split_once("://").map(|(_, host)| host);
    host.is_some() && host == of_origin
}
