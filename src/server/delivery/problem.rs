//! Error answers: problem details for HTTP APIs (RFC 9457).

use std::fmt;

use actix_web::http::{
    StatusCode,
    header::{HeaderName, HeaderValue, RETRY_AFTER},
};
use serde::Serialize;

use super::read_query::InvalidField;
use crate::log::store::StoreUnavailable;

pub const PROBLEM_CONTENT_TYPE: &str = "application/problem+json";

/// One error; `detail` says what to do about it. Boxed, because results are rarely errors.
#[derive(Debug)]
pub struct Problem(Box<ProblemDetails>);

#[derive(Debug)]
struct ProblemDetails {
    status: StatusCode,
    detail: String,
    /// The query parameter, header or JSON field at fault.
    field: Option<String>,
    header: Option<(HeaderName, HeaderValue)>,
    /// The limit that was reached, by the name of its flag.
    limit: Option<&'static str>,
    /// Whether the connection ends with this answer.
    is_last: bool,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self(Box::new(ProblemDetails {
            status,
            detail: detail.into(),
            field: None,
            header: None,
            limit: None,
            is_last: false,
        }))
    }

    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }

    /// Names the limit that was reached.
    pub fn limit(mut self, limit: &'static str) -> Self {
        self.0.limit = Some(limit);
        self
    }

    /// Ends the connection with this answer, because no later request can be found behind the unread body.
    pub fn last(mut self) -> Self {
        self.0.is_last = true;
        self
    }

    pub fn is_last(&self) -> bool {
        self.0.is_last
    }

    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// An extra header field of the answer.
    pub fn extra_header(&self) -> Option<&(HeaderName, HeaderValue)> {
        self.0.header.as_ref()
    }

    /// The body of the answer.
    pub fn to_json(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct ProblemJson<'a> {
            r#type: &'a str,
            title: &'a str,
            status: u16,
            detail: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            field: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            limit: Option<&'static str>,
        }
        let details = &*self.0;
        let json = ProblemJson {
            r#type: "about:blank",
            title: details.status.canonical_reason().unwrap_or("Error"),
            status: details.status.as_u16(),
            detail: &details.detail,
            field: details.field.as_deref(),
            limit: details.limit,
        };
        serde_json::to_vec(&json).expect("strings and integers always serialise")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl From<InvalidField> for Problem {
    fn from(invalid: InvalidField) -> Self {
        let problem = Self::new(StatusCode::BAD_REQUEST, invalid.to_string()).field(invalid.field);
        match invalid.limit {
            Some(limit) => problem.limit(limit),
            None => problem,
        }
    }
}

impl From<StoreUnavailable> for Problem {
    fn from(_: StoreUnavailable) -> Self {
        // The reason goes to the operator's log; a client can only try again.
        let detail = "the message store does not answer; try again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            .header(RETRY_AFTER, HeaderValue::from_static("1"))
    }
}
