//! One client in a room: how it reads, and whether it has left.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{Reader, places::Place};
use crate::domain::{author::Author, client_label::ClientLabel, transport::Transport};

/// The interval of a poller that has polled once and did not state its interval.
const DEFAULT_POLL_INTERVAL: Duration = Duration::from_secs(15);
/// No poller is considered gone sooner: timers in hidden tabs are a second late.
const MIN_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// One client in a room.
pub struct Member {
    pub place: Place,
    pub order: u64,
    pub author: Option<Author>,
    pub since: Timestamp,
    /// Open streams.
    pub streams: u32,
    /// The client whose stream it follows, if it has none of its own.
    pub through: Option<ClientLabel>,
    /// The followers of its stream.
    pub along: Vec<ClientLabel>,
    pub poller: Option<PollActivity>,
}

/// The server's data about a client that polls.
pub struct PollActivity {
    pub transport: Transport,
    /// The number of waiting long-polls.
    pub waiting: u32,
    pub asked_at: Instant,
    /// When its last answer was complete.
    pub answered_at: Option<Instant>,
    pub interval: Option<Duration>,
}

impl Member {
    pub fn new(order: u64, since: Timestamp, place: Place) -> Self {
        Self {
            place,
            order,
            author: None,
            since,
            streams: 0,
            through: None,
            along: Vec::new(),
            poller: None,
        }
    }

    pub fn is_streamed_to(&self) -> bool {
        self.streams > 0 || self.through.is_some()
    }

    pub fn transport(&self) -> Transport {
        match &self.poller {
            Some(poller) if !self.is_streamed_to() => poller.transport,
            _ => Transport::Stream,
        }
    }

    pub fn has_left(&self, now: Instant) -> bool {
        !self.is_streamed_to() && self.poller.as_ref().is_none_or(|it| it.has_left(now))
    }
}

impl PollActivity {
    /// The client's first poll begins.
    pub fn begin(reader: &Reader, now: Instant) -> Self {
        Self {
            transport: reader.transport,
            waiting: 1,
            asked_at: now,
            answered_at: None,
            interval: reader.interval,
        }
    }

    pub fn record_poll(&mut self, reader: &Reader, now: Instant) {
        // A long-poll's interval is the pause after an answer.
        let since = match reader.transport {
            Transport::LongPoll => self.answered_at,
            _ => Some(self.asked_at),
        };
        let observed = since.map(|since| now - since);
        self.interval = reader.interval.or(observed);
        self.transport = reader.transport;
        self.asked_at = now;
        self.waiting += 1;
    }

    pub fn has_left(&self, now: Instant) -> bool {
        if self.waiting > 0 {
            return false;
        }
        let since = match self.transport {
            Transport::LongPoll => self.answered_at.unwrap_or(self.asked_at),
            _ => self.asked_at,
        };
        let interval = self.interval.unwrap_or(match self.transport {
            Transport::LongPoll => MIN_POLL_INTERVAL,
            _ => DEFAULT_POLL_INTERVAL,
        });
        // Two missed polls, and half an interval for a poll that may be on its way.
        now - since > interval.max(MIN_POLL_INTERVAL) * 5 / 2
    }
}
