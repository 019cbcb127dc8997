//! The three transports that are compared.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A transport for reading messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Polling at an interval.
    Poll,
    /// Polling with answers that wait for a message.
    LongPoll,
    /// Server-Sent Events.
    Stream,
}

impl Transport {
    pub const ALL: [Self; 3] = [Self::Poll, Self::LongPoll, Self::Stream];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::LongPoll => "long-poll",
            Self::Stream => "stream",
        }
    }
}

impl std::fmt::Display for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
