//! The server's memory while clients that stopped reading hang on it, read on a thread of its own.

use std::{
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::{machine::server_processes::ServerProcesses, recording::run_result::MemorySample};

const SHORTEST_INTERVAL: Duration = Duration::from_millis(250);
/// More samples than this cannot be distinguished in a plot.
const MOST_SAMPLES: u32 = 200;

/// The running sampler.
pub struct MemorySampler {
    stop: Sender<()>,
    thread: JoinHandle<Vec<MemorySample>>,
}

impl MemorySampler {
    /// For a run of about `length`.
    pub fn start(processes: ServerProcesses, length: Duration) -> Self {
        let interval = SHORTEST_INTERVAL.max(length / MOST_SAMPLES);
        let (stop, stopped) = channel::<()>();
        let thread = std::thread::spawn(move || {
            let begin = Instant::now();
            let mut samples = Vec::new();
            loop {
                samples.extend(processes.memory_bytes().map(|bytes| MemorySample {
                    after_s: begin.elapsed().as_secs_f64(),
                    bytes,
                }));
                if stopped.recv_timeout(interval) != Err(RecvTimeoutError::Timeout) {
                    return samples;
                }
            }
        });
        Self { stop, thread }
    }

    /// What was read up to now.
    pub fn stop(self) -> Vec<MemorySample> {
        drop(self.stop);
        self.thread.join().unwrap_or_default()
    }
}
