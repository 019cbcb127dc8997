//! How long a connection may keep the server waiting: for its next request, and for the rest of one.
//!
//! One timer a connection, moved only when it fires: the HTTP layer's own are set and cleared with
//! each request, which is a part of what a poll costs.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// Above any polling interval people use, so that polls share a connection; also above the longest
/// wait of a long-poll.
const IDLE: Duration = poll_vs_sse_model::server_limits::KEEP_ALIVE_TIMEOUT;
/// A request's head that is not there by then never will be.
const HEAD: Duration = Duration::from_secs(10);

pub struct Patience {
    /// When something last crossed the socket.
    active_at: Instant,
    /// When the first byte came of a request that is not complete.
    head_since: Option<Instant>,
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Patience {
    pub fn new() -> Self {
        Self {
            active_at: Instant::now(),
            head_since: None,
            timer: None,
        }
    }

    /// Called when an answer was written: what had come was a whole request.
    pub fn answered(&mut self) {
        self.head_since = None;
    }

    /// Called when nothing is there to be read. Done when the connection has waited for too long.
    /// `active`: something was read or written since. `in_head`: what was read is no request yet.
    pub fn poll_over(&mut self, active: bool, in_head: bool, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        if active {
            self.active_at = now;
        }
        self.head_since = in_head.then(|| self.head_since.unwrap_or(now));
        let over = self
            .head_since
            .map_or(self.active_at + IDLE, |since| since + HEAD);
        loop {
            if now >= over {
                return Poll::Ready(());
            }
            match &mut self.timer {
                // It fires in time, and what is to be done then is seen when it does.
                Some((due, _)) if *due <= over && now < *due => return Poll::Pending,
                Some((due, timer)) => {
                    *due = over;
                    timer.as_mut().reset(over);
                    if timer.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
                None => self.timer = Some((now, Box::pin(sleep_until(over)))),
            }
        }
    }
}
