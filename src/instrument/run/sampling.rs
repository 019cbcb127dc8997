//! A thread that reads a value repeatedly until it is stopped.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

/// The running thread, which returns its readings at the end.
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
    /// Waits for the next reading. Returns whether another one follows.
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

    /// Stops, and returns the readings.
    pub fn stop(self) -> T {
        drop(self.stop);
        self.thread.join().unwrap_or_default()
    }
}
