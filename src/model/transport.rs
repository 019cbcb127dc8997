//! The three ways to the messages that are compared.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A way to the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Asking at an interval.
    Poll,
    /// Asking, and being answered once there is something.
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
