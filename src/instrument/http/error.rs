//! What can be wrong with an answer, or with there being none.

use anyhow::anyhow;

use crate::Protocol;

/// An answer that is no success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server answered {0}")]
pub struct UnexpectedStatus(pub u16);

/// No answer within the time there was for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no answer in time")]
pub struct Timeout;

/// An answer in a form that the messages cannot be read from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the answer is compressed (Content-Encoding: {0}), and compare reads only uncompressed ones"
)]
pub struct CompressedAnswer(pub String);

/// An answer to a stream's request that an `EventSource` would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer is {0} instead of text/event-stream")]
pub struct NotAnEventStream(pub String);

/// The server does not speak the protocol that was asked for.
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
