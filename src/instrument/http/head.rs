//! The parts of an answer's head that are needed.

use http::{HeaderMap, HeaderName, StatusCode, header};

use super::{
    error::{CompressedAnswer, NotAnEventStream, UnexpectedStatus},
    event_stream::EVENT_STREAM,
};

/// An answer's status and headers.
#[derive(Debug, Clone)]
pub struct Head {
    pub status: u16,
    pub headers: HeaderMap,
}

impl Head {
    pub fn new(status: StatusCode, headers: HeaderMap) -> Self {
        Self {
            status: status.as_u16(),
            headers,
        }
    }

    /// A header's value, as far as it is text.
    pub fn text(&self, name: &HeaderName) -> Option<String> {
        let value = self.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// The content coding, if it is not `identity`.
    pub fn encoding(&self) -> Option<String> {
        let encoding = self.text(&header::CONTENT_ENCODING)?;
        (!encoding.eq_ignore_ascii_case("identity")).then_some(encoding)
    }

    /// The content type without parameters, in lower case.
    pub fn content_type(&self) -> Option<String> {
        let text = self.text(&header::CONTENT_TYPE)?.to_ascii_lowercase();
        Some(text.split(';').next().unwrap_or_default().trim().to_owned())
    }

    /// The error of an answer whose status is not a success.
    pub fn unexpected_status(&self) -> UnexpectedStatus {
        let is_redirect = (300..400).contains(&self.status);
        UnexpectedStatus {
            status: self.status,
            location: self.text(&header::LOCATION).filter(|_| is_redirect),
        }
    }

    /// Refuses an answer whose body an `EventSource` would not read.
    pub fn ensure_event_stream(&self) -> Result<(), NotAnEventStream> {
        match self.content_type() {
            Some(kind) if kind == EVENT_STREAM => Ok(()),
            other => Err(NotAnEventStream(other)),
        }
    }

    /// Refuses an answer whose body is compressed.
    pub fn ensure_uncompressed(&self) -> Result<(), CompressedAnswer> {
        self.encoding()
            .map_or(Ok(()), |encoding| Err(CompressedAnswer(encoding)))
    }
}
