//! The peaks of the server's use and of its requests, read four times a second on a separate thread.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::sampling::Sampling;
use crate::{
    machine::server_processes::ServerProcesses,
    recording::{recorder::RunRecorder, run_result::PeakStats},
};

const INTERVAL: Duration = Duration::from_millis(250);
/// A shorter time is not enough for a rate.
const SHORTEST: Duration = Duration::from_millis(1);

pub fn sample(
    recorder: &Arc<RunRecorder>,
    processes: Option<ServerProcesses>,
) -> Sampling<PeakStats> {
    let recorder = recorder.clone();
    Sampling::start(INTERVAL, move |ticks| {
        let mut peaks = PeakStats::default();
        let mut before = UsageSample::now(&recorder, processes.as_ref());
        loop {
            let goes_on = ticks.wait();
            let now = UsageSample::now(&recorder, processes.as_ref());
            now.update(&before, &mut peaks);
            if !goes_on {
                return peaks;
            }
            before = now;
        }
    })
}

/// What the server has used and answered at one moment.
struct UsageSample {
    at: Instant,
    cpu: Option<Duration>,
    memory_bytes: Option<u64>,
    requests: u64,
}

impl UsageSample {
    fn now(recorder: &RunRecorder, processes: Option<&ServerProcesses>) -> Self {
        let cpu = processes.and_then(|all| all.snapshot().cpu_time());
        Self {
            at: Instant::now(),
            cpu,
            memory_bytes: processes.and_then(ServerProcesses::memory_bytes),
            requests: recorder.requests(),
        }
    }

    fn update(&self, before: &Self, peaks: &mut PeakStats) {
        peaks.server_memory_bytes = peaks.server_memory_bytes.max(self.memory_bytes);
        let span = self.at - before.at;
        if span < SHORTEST {
            return;
        }
        let seconds = span.as_secs_f64();
        let requests = self.requests.saturating_sub(before.requests);
        peaks.requests_per_s = peaks.requests_per_s.max(requests as f64 / seconds);
        // During a restart, there is no reading of either process.
        if let (Some(now), Some(before)) = (self.cpu, before.cpu) {
            let busy = now.saturating_sub(before).as_secs_f64() / seconds;
            let most = peaks.server_processors.map_or(busy, |most| most.max(busy));
            peaks.server_processors = Some(most);
        }
    }
}
