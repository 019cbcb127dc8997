//! What a client is told when something is wrong: problem details for HTTP APIs (RFC 9457).

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    body::BoxBody,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use serde::Serialize;

use crate::log::store::{AppendError, StoreUnavailable};

/// One fault, with what to do about it in `detail`. Boxed, as it is the rare side of results.
#[derive(Debug)]
pub struct Problem(Box<Fault>);

#[derive(Debug)]
struct Fault {
    status: StatusCode,
    detail: String,
    /// The query parameter, header or JSON field at fault.
    field: Option<String>,
    header: Option<(header::HeaderName, HeaderValue)>,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self(Box::new(Fault {
            status,
            detail: detail.into(),
            field: None,
            header: None,
        }))
    }

    /// A query parameter or header that is not what it must be.
    pub fn bad_field(field: &str, why: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("`{field}` {why}")).field(field)
    }

    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    pub fn header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }
}

/// A request that did not come over a connection of [`crate::lifecycle::server::Server`].
pub fn unmetered() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the request's connection is not known",
    )
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let fault = &*self.0;
        #[derive(Serialize)]
        struct Json<'a> {
            r#type: &'a str,
            title: &'a str,
            status: u16,
            detail: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            field: Option<&'a str>,
        }
        let json = Json {
            r#type: "about:blank",
            title: fault.status.canonical_reason().unwrap_or("Error"),
            status: fault.status.as_u16(),
            detail: &fault.detail,
            field: fault.field.as_deref(),
        };
        let mut response = HttpResponse::build(fault.status);
        response.content_type("application/problem+json");
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some((name, value)) = &fault.header {
            response.insert_header((name, value));
        }
        response.body(serde_json::to_vec(&json).expect("strings and integers always serialise"))
    }
}

impl From<StoreUnavailable> for Problem {
    fn from(_: StoreUnavailable) -> Self {
        // Why is for the operator's log; a client can only come back.
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the message store does not answer; try again",
        )
        .header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }
}

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Unavailable(away) => away.into(),
            AppendError::Unconfirmed(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the message store did not confirm the message in time; try again, with an \
                 Idempotency-Key to be sure that it is there once",
            )
            .header(header::RETRY_AFTER, HeaderValue::from_static("1")),
            AppendError::Rejected(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the message store refuses the message, and will until its operator has changed that",
            )
            .header(header::RETRY_AFTER, HeaderValue::from_static("10")),
            AppendError::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "this Idempotency-Key was used for another message; use a new key",
            )
            .field("Idempotency-Key"),
        }
    }
}
