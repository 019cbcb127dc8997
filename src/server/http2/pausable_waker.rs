//! A task's waker that can be paused, for what the task does to itself.
//!
//! `h2` wakes a connection when one of its streams has something to send, and a stream when it may send. Here both run in
//! the same task, and each looks at the other's work after its own in any case. Woken for it too, the task would run three
//! times for each message.

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
    /// While it was paused.
    was_woken: AtomicBool,
}

impl PausableWaker {
    /// What wakes the task of `cx` unless it is paused.
    pub fn waker_for(self: &Arc<Self>, cx: &Context<'_>) -> Waker {
        self.task.register(cx.waker());
        Waker::from(self.clone())
    }

    /// From now on nothing wakes the task.
    pub fn pause(&self) {
        self.is_paused.store(true, Ordering::Release);
    }

    /// Whether anything would have woken the task since it was paused, or since this was last asked.
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
