//! How a reader waits. What a reader gets does not depend on what drives it, but waking it does: it may have its own
//! task and timer, or a reactor may have one task and one timer for all its readers.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::log::{LogReader, LogSubscription as _, frame_batch::FrameBatch, tail::TailLookup};

/// The means of waking a reader.
pub trait ReaderWaits<R> {
    fn now(&self) -> Instant;

    /// The frames of `reader` after `id`. If there are none, the next notification of its rooms wakes it.
    fn poll_batch(&mut self, reader: &R, id: u64, cx: &mut Context<'_>) -> TailLookup<FrameBatch>;

    /// Ready if `at` has come; otherwise the reader is woken then.
    fn poll_until(&mut self, at: Instant) -> Poll<()>;
}

/// The waits of a reader that is driven by a task.
pub struct TaskWaits<R: LogReader> {
    subscription: R::Subscription,
    timer: Pin<Box<Sleep>>,
    /// When the timer fires. Also kept here, so that a delivery need not follow the pointer to the timer.
    timer_due: Instant,
    /// Whether the timer will wake the task.
    is_set: bool,
    /// The moment of the last [`Self::begin`], because a delivery takes so little time that reading the clock counts.
    now: Instant,
    /// The earliest requested moment since then.
    earliest: Option<Instant>,
}

impl<R: LogReader> TaskWaits<R> {
    pub fn new(reader: R) -> Self {
        let now = Instant::now();
        Self {
            subscription: reader.subscribe(),
            timer: Box::pin(sleep_until(now)),
            timer_due: now,
            is_set: false,
            now,
            earliest: None,
        }
    }

    /// Must be called before the reader is polled.
    pub fn begin(&mut self) {
        self.now = Instant::now();
        self.earliest = None;
    }

    /// Must be called when the reader has nothing to send. Returns true if its moment has come, so that the reader
    /// must be polled again.
    pub fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(earliest) = self.earliest else {
            return false;
        };
        // A timer that fires too early is moved only when it fires, so that a delivery need not touch it.
        if self.is_set && self.timer_due <= earliest && self.now < self.timer_due {
            return false;
        }
        self.timer.as_mut().reset(earliest);
        self.timer_due = earliest;
        self.is_set = self.timer.as_mut().poll(cx).is_pending();
        !self.is_set
    }
}

impl<R: LogReader> ReaderWaits<R> for TaskWaits<R> {
    fn now(&self) -> Instant {
        self.now
    }

    fn poll_batch(&mut self, reader: &R, id: u64, cx: &mut Context<'_>) -> TailLookup<FrameBatch> {
        self.subscription.follow(reader);
        self.subscription.poll_batch(id, cx)
    }

    fn poll_until(&mut self, at: Instant) -> Poll<()> {
        if at <= self.now {
            return Poll::Ready(());
        }
        self.earliest = Some(self.earliest.map_or(at, |earliest| earliest.min(at)));
        Poll::Pending
    }
}
