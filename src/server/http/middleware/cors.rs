//! Pages of other origins (CORS): which pages may use the server, and the header fields that their browsers need.

use actix_cors::{Cors, CorsError};
use actix_web::{
    ResponseError as _,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};

use super::admission::check_host;
use crate::{
    access::origins::AllowedOrigins,
    http::{policy::Policy, problem::Problem},
};

/// The header fields that a page may send, in addition to those that any page may send.
const ALLOWED_HEADERS: [&str; 7] = [
    "accept",
    "authorization",
    "cache-control",
    "content-type",
    "idempotency-key",
    "if-none-match",
    "last-event-id",
];
/// The header fields of an answer that a page may read, in addition to those that any page may read.
const EXPOSED_HEADERS: [&str; 4] = ["etag", "location", "retry-after", "www-authenticate"];
/// How long a browser may keep the answer to a preflight, in seconds; two hours are Chromium's limit.
const PREFLIGHT_MAX_AGE_S: usize = 7200;
const TIMING_ALLOW_ORIGIN: HeaderName = HeaderName::from_static("timing-allow-origin");

/// Answers preflights, and adds the header fields for these origins.
pub fn cors(origins: &AllowedOrigins) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT])
        .allowed_headers(ALLOWED_HEADERS)
        .expose_headers(EXPOSED_HEADERS)
        .max_age(PREFLIGHT_MAX_AGE_S)
        // Any other page gets the answer without permission to read it, as from a server without CORS.
        .block_on_origin_mismatch(false);
    match origins {
        AllowedOrigins::None => cors,
        AllowedOrigins::Any => cors.allow_any_origin().send_wildcard(),
        AllowedOrigins::List(origins) => origins
            .iter()
            .fold(cors, |cors, origin| cors.allowed_origin(origin))
            .supports_credentials(),
    }
}

/// Lets this server's own page read from the server's other origin, whatever other origins are allowed.
pub async fn allow_own_page(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> actix_web::Result<ServiceResponse<impl MessageBody>> {
    let allowed = own_origin(&request);
    let mut response = next.call(request).await?;
    if let Some(origin) = allowed {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        let credentials = HeaderValue::from_static("true");
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, credentials);
        headers.insert(TIMING_ALLOW_ORIGIN, origin);
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    Ok(response)
}

/// The `Origin` of a read request, if it is one of the server's own two origins.
fn own_origin(request: &ServiceRequest) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    let own = request.app_data::<Data<Policy>>()?;
    let own = own.own_origins(request.headers())?;
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    (reads && own.contains(origin.to_str().ok()?)).then(|| origin.clone())
}

/// Lets pages that may read an answer also see its timing, and turns refusals into problem documents. Checks the `Host`
/// of preflights, which are answered before they reach [`admit`](super::admission::admit).
pub async fn complete(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> actix_web::Result<ServiceResponse<BoxBody>> {
    if *request.method() == Method::OPTIONS
        && let Err(problem) = check_host(&request)
    {
        return Ok(request.into_response(problem.error_response()));
    }
    let response = next.call(request).await?.map_into_boxed_body();
    let refusal = response.response().error();
    let refusal = refusal.and_then(|error| error.as_error::<CorsError>());
    if let Some(refusal) = refusal.map(problem) {
        let (request, _) = response.into_parts();
        let mut response = refusal.error_response();
        // Another origin may be allowed.
        let vary = HeaderValue::from_static(
            "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
        );
        response.headers_mut().insert(header::VARY, vary);
        return Ok(ServiceResponse::new(request, response));
    }
    let mut response = response;
    let allowed = response.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    if let Some(origin) = allowed.cloned() {
        response.headers_mut().insert(TIMING_ALLOW_ORIGIN, origin);
    }
    Ok(response)
}

fn problem(refusal: &CorsError) -> Problem {
    let (field, detail) = match refusal {
        CorsError::OriginNotAllowed => (
            "Origin",
            "pages of this origin may not use the server; --cors-origin names those that may",
        ),
        CorsError::MethodNotAllowed
        | CorsError::MissingRequestMethod
        | CorsError::BadRequestMethod => (
            "Access-Control-Request-Method",
            "pages of other origins may send GET, HEAD, POST and PUT",
        ),
        CorsError::HeadersNotAllowed | CorsError::BadRequestHeaders => (
            "Access-Control-Request-Headers",
            "pages of other origins may not send one of these header fields",
        ),
        _ => ("Origin", "`Origin` is not an origin"),
    };
    let status = match refusal {
        CorsError::OriginNotAllowed => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, detail).field(field)
}
