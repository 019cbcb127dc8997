//! How a reader waits. What is due to it is the same whoever drives it; what wakes it is not: a task
//! of its own with a timer, or a reactor with one of each for all of its readers.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::log::{LogReader, LogSubscription as _, frame_batch::FrameBatch, tail::TailLookup};

/// What wakes a reader.
pub trait ReaderWaits<R> {
    fn now(&self) -> Instant;

    /// The frames of `reader` after `id`; if there are none, the next notification of what it reads
    /// wakes it.
    fn poll_batch(&mut self, reader: &R, id: u64, cx: &mut Context<'_>) -> TailLookup<FrameBatch>;

    /// Ready if `at` has come; otherwise the reader is woken then.
    fn poll_until(&mut self, at: Instant) -> Poll<()>;
}

/// The waits of a reader that is driven by a task.
pub struct TaskWaits<R: LogReader> {
    subscription: R::Subscription,
    timer: Pin<Box<Sleep>>,
    /// When the timer fires; kept here too, as a delivery would have to follow the pointer.
    timer_due: Instant,
    /// The timer will wake the task.
    is_set: bool,
    /// The earliest moment that was asked for since the last [`Self::begin`].
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
            earliest: None,
        }
    }

    /// To be called before the reader is asked.
    pub fn begin(&mut self) {
        self.earliest = None;
    }

    /// To be called when nothing is due. True: something is due by now, so that the reader must be
    /// asked again.
    pub fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(earliest) = self.earliest else {
            return false;
        };
        // A timer that fires too early is only moved then, so that a delivery need not touch it.
        if self.is_set && self.timer_due <= earliest && Instant::now() < self.timer_due {
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
        Instant::now()
    }

    fn poll_batch(&mut self, reader: &R, id: u64, cx: &mut Context<'_>) -> TailLookup<FrameBatch> {
        self.subscription.follow(reader);
        self.subscription.poll_batch(id, cx)
    }

    fn poll_until(&mut self, at: Instant) -> Poll<()> {
        if at <= Instant::now() {
            return Poll::Ready(());
        }
        self.earliest = Some(self.earliest.map_or(at, |earliest| earliest.min(at)));
        Poll::Pending
    }
}
