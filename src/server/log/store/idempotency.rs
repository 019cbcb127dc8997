//! Idempotency keys: the same publish under the same key is appended once.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use super::{AppendError, AppendedMessage};
use crate::domain::{cursor::Cursor, draft::Draft, message::Message};

/// How long an idempotency key is remembered.
pub const IDEMPOTENCY_TTL: Duration = Duration::from_secs(600);

/// A client's name for one publish: 1 to 64 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl std::str::FromStr for IdempotencyKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be 1 to 64 visible ASCII characters")
        }
    }
}

impl IdempotencyKey {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The first publish under an idempotency key.
#[derive(Debug, Clone)]
pub(in crate::log) struct IdempotencyRecord {
    pub at: Timestamp,
    pub cursor: Cursor,
    pub json: Bytes,
}

impl IdempotencyRecord {
    /// The answer to a publish of `draft` under the same key.
    pub fn replay(self, draft: Draft) -> Result<AppendedMessage, AppendError> {
        // The same draft at the same position and time has the same JSON.
        let again = Message::new(self.cursor.log, self.cursor.id, draft, self.at).to_json();
        if again != self.json {
            return Err(AppendError::KeyReused);
        }
        Ok(AppendedMessage {
            cursor: self.cursor,
            json: self.json,
            is_replay: true,
        })
    }

    /// Whether it is older than [`IDEMPOTENCY_TTL`]; `cutoff` is that long ago.
    pub fn is_expired(&self, cutoff: Timestamp) -> bool {
        self.at < cutoff
    }
}
