//! The server's memory while clients that stopped reading are connected, read on a separate thread.

use std::time::{Duration, Instant};

use super::sampling::Sampling;
use crate::{machine::server_processes::ServerProcesses, recording::run_result::MemorySample};

const SHORTEST_INTERVAL: Duration = Duration::from_millis(250);
/// More samples than this cannot be distinguished in a plot.
const MAX_SAMPLES: u32 = 200;

/// Starts sampling for a run of about `length`.
pub fn sample(processes: ServerProcesses, length: Duration) -> Sampling<Vec<MemorySample>> {
    let interval = SHORTEST_INTERVAL.max(length / MAX_SAMPLES);
    Sampling::start(interval, move |ticks| {
        let begin = Instant::now();
        let mut samples = Vec::new();
        loop {
            samples.extend(processes.memory_bytes().map(|bytes| MemorySample {
                after_s: begin.elapsed().as_secs_f64(),
                bytes,
            }));
            if !ticks.wait() {
                return samples;
            }
        }
    })
}
