//! How much of the log is kept.

use std::time::Duration;

use jiff::Timestamp;

use super::clock::LogClock;

/// How much of the log is kept. `None`: no limit.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Newest messages of the whole log.
    pub messages: Option<u64>,
    pub age: Option<Duration>,
}

impl Retention {
    /// Keeps every message.
    pub const UNLIMITED: Self = Self {
        messages: None,
        age: None,
    };

    /// The newest message that is removed by count if `head` is the newest of all; ids have no gaps.
    pub fn prune_through(&self, head: u64) -> u64 {
        self.messages.map_or(0, |kept| head.saturating_sub(kept))
    }

    /// Messages sent before this are removed by age.
    pub(in crate::log) fn prune_before(&self, clock: &mut LogClock) -> Option<Timestamp> {
        self.age.map(|age| clock.older_than(age))
    }
}
