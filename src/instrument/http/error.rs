//! The errors of answers, including missing ones.

use anyhow::anyhow;

use crate::Protocol;

/// An answer whose status is not a success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server answered {status}{}", .location.as_ref().map_or(String::new(), |to| format!(", a redirect to {to}")))]
pub struct UnexpectedStatus {
    pub status: u16,
    /// Where a redirect leads.
    pub location: Option<String>,
}

/// An answer whose head is longer than the clients read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer's head has more than {headers} headers or {} KiB", .bytes / 1024)]
pub struct HeadTooLarge {
    pub headers: usize,
    pub bytes: usize,
}

/// No answer within its time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no answer in time")]
pub struct Timeout;

/// An answer from which the messages cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the answer is compressed (Content-Encoding: {0}), and compare reads only uncompressed ones"
)]
pub struct CompressedAnswer(pub String);

/// An answer to a stream's request that an `EventSource` would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer {} instead of text/event-stream", .0.as_ref().map_or("has no Content-Type".to_owned(), |kind| format!("is {kind}")))]
pub struct NotAnEventStream(pub Option<String>);

/// The server does not speak the requested protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server does not speak {}{}", .protocol.description(), if *.tls { " over TLS" } else { " without TLS" })]
pub struct WrongProtocol {
    pub protocol: Protocol,
    pub tls: bool,
}

/// The TLS handshake failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the TLS handshake failed: {why}")]
pub struct TlsFailure {
    pub why: String,
    /// Whether the server's certificate is the reason.
    pub is_certificate: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum ExchangeError {
    /// The server had closed the connection before the request reached it.
    Unread,
    Wrong(anyhow::Error),
}

pub const CLOSED: &str = "the server closed the connection without an answer";
pub const CUT: &str = "the answer was cut short";

impl From<ExchangeError> for anyhow::Error {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Unread => anyhow!(CLOSED),
            ExchangeError::Wrong(error) => error,
        }
    }
}
