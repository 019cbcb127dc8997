//! A task's waker that can be paused, so that the task does not wake itself.
//!
//! `h2` wakes a connection when one of its streams has something to send, and a stream when it may send. Here both
//! run in the same task, which always polls both. If these wake-ups also woke the task, it would run three times for
//! each message.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Wake, Waker},
};

use futures_util::task::AtomicWaker;

#[derive(Default)]
pub struct PausableWaker {
    task: AtomicWaker,
    is_paused: AtomicBool,
    /// Whether it was woken while it was paused.
    was_woken: AtomicBool,
}

impl PausableWaker {
    /// A waker for the task of `cx`, which does nothing while it is paused.
    pub fn waker_for(self: &Arc<Self>, cx: &Context<'_>) -> Waker {
        self.task.register(cx.waker());
        Waker::from(self.clone())
    }

    /// Holds wake-ups back from now on.
    pub fn pause(&self) {
        self.is_paused.store(true, Ordering::Release);
    }

    /// Whether a wake-up was held back since the pause, or since the last call.
    pub fn take_woken(&self) -> bool {
        self.was_woken.swap(false, Ordering::AcqRel)
    }

    pub fn resume(&self) {
        self.is_paused.store(false, Ordering::Release);
    }
}

impl Wake for PausableWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_paused.load(Ordering::Acquire) {
            self.was_woken.store(true, Ordering::Release);
        } else {
            self.task.wake();
        }
    }
}
