//! A thread that reads something again and again, until it is told to stop.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

/// The running thread, and what it has read at the end.
pub struct Sampling<T> {
    stop: Sender<()>,
    thread: JoinHandle<T>,
}

/// When to read.
pub struct Ticks {
    interval: Duration,
    stopped: Receiver<()>,
}

impl Ticks {
    /// Waits for the next reading. Whether there is to be another one after it.
    pub fn wait(&self) -> bool {
        self.stopped.recv_timeout(self.interval) == Err(RecvTimeoutError::Timeout)
    }
}

impl<T: Default + Send + 'static> Sampling<T> {
    pub fn start(interval: Duration, read: impl FnOnce(&Ticks) -> T + Send + 'static) -> Self {
        let (stop, stopped) = channel();
        let ticks = Ticks { interval, stopped };
        let thread = std::thread::spawn(move || read(&ticks));
        Self { stop, thread }
    }

    /// What was read up to now.
    pub fn stop(self) -> T {
        drop(self.stop);
        self.thread.join().unwrap_or_default()
    }
}
