//! How long a connection may keep the server waiting for its next request, and for the rest of a request.
//!
//! [`IdleLimits`] has the limits. [`ConnectionTimeouts`] enforces them with one timer per connection, which is moved
//! only when it fires. The HTTP layer's own timers would be set and cleared with each request, which is a part of the
//! cost of a poll.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::limits::refusals::RefusalReason;

/// How long a request's head may take to arrive.
const REQUEST_HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// When an idle connection must close.
#[derive(Clone, Copy)]
pub struct IdleLimits {
    /// When bytes last crossed the connection, or when the first byte of an incomplete request came.
    since: Instant,
    is_in_head: bool,
}

impl IdleLimits {
    pub fn new(now: Instant) -> Self {
        Self {
            since: now,
            is_in_head: false,
        }
    }

    /// Records that an answer was written, so the bytes received before were a complete request.
    pub fn on_response(&mut self) {
        self.is_in_head = false;
    }

    /// When the connection will have waited for too long. `active`: bytes were read or written since the last call.
    /// `in_head`: a request's head is expected, or has begun to arrive.
    pub fn expires_at(
        &mut self,
        active: bool,
        in_head: bool,
        now: Instant,
        keep_alive: Duration,
    ) -> Instant {
        if in_head && self.is_in_head {
            return self.since + REQUEST_HEAD_TIMEOUT;
        }
        if in_head || self.is_in_head || active {
            self.since = now;
        }
        self.is_in_head = in_head;
        let limit = if in_head {
            REQUEST_HEAD_TIMEOUT
        } else {
            keep_alive
        };
        self.since + limit
    }

    /// The limit whose end [`expires_at`](Self::expires_at) last returned.
    pub fn reason(&self) -> RefusalReason {
        match self.is_in_head {
            true => RefusalReason::Head,
            false => RefusalReason::Idle,
        }
    }
}

pub struct ConnectionTimeouts {
    keep_alive: Duration,
    limits: IdleLimits,
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl ConnectionTimeouts {
    pub fn new(keep_alive: Duration) -> Self {
        Self {
            keep_alive,
            limits: IdleLimits::new(Instant::now()),
            timer: None,
        }
    }

    /// Records that an answer was written, so the bytes received before were a complete request.
    pub fn on_response(&mut self) {
        self.limits.on_response();
    }

    /// The limit that the connection has reached when it has expired.
    pub fn reason(&self) -> RefusalReason {
        self.limits.reason()
    }

    /// Must be called when there is nothing to read. Ready when the connection has waited for too long; see
    /// [`IdleLimits::expires_at`].
    pub fn poll_expired(&mut self, active: bool, in_head: bool, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        let expires_at = self
            .limits
            .expires_at(active, in_head, now, self.keep_alive);
        loop {
            if now >= expires_at {
                return Poll::Ready(());
            }
            match &mut self.timer {
                // The timer fires early enough, and is then set to the present moment.
                Some((due, _)) if *due <= expires_at && now < *due => return Poll::Pending,
                Some((due, timer)) => {
                    *due = expires_at;
                    timer.as_mut().reset(expires_at);
                    if timer.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
                None => self.timer = Some((now, Box::pin(sleep_until(expires_at)))),
            }
        }
    }
}
