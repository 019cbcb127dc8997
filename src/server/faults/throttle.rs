//! What a slow link lets through, and when.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

/// How long the first byte takes over a slow link.
pub const LATENCY: Duration = Duration::from_millis(300);
/// What a slow link carries at once, and how long until it carries more: 2 KiB/s.
pub const THROTTLE_BYTES: usize = 512;
const THROTTLE_INTERVAL: Duration = Duration::from_millis(250);

/// When a slow link carries more.
pub struct Throttle(Pin<Box<Sleep>>);

impl Throttle {
    /// A link that carries the first bytes after `delay`.
    pub fn new(delay: Duration) -> Self {
        Self(Box::pin(sleep(delay)))
    }

    pub fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.0.as_mut().poll(cx));
        self.0.as_mut().reset(Instant::now() + THROTTLE_INTERVAL);
        Poll::Ready(())
    }
}
