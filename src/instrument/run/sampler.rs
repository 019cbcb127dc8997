//! Reads CPU time when the measured time begins and ends, on a separate thread, because a busy runtime would be late.

use std::{sync::Arc, thread::JoinHandle, time::Duration};

use crate::{
    machine::{
        process_tree::own_cpu_time,
        server_processes::{ServerProcesses, ServerSnapshot},
    },
    recording::recorder::RunRecorder,
};

/// Longest sleep at once, so that a run that is cut ends soon.
const SLEEP_SLICE: Duration = Duration::from_millis(20);

/// How long before a reading the processes are listed, because searching all processes of the machine takes longer
/// than the reading.
const AHEAD_US: u64 = 100_000;

/// The CPU time used within the measured time. `None` if it cannot be read.
#[derive(Debug, Default, Clone, Copy)]
pub struct Usage {
    pub server_cpu: Option<Duration>,
    pub load_cpu: Option<Duration>,
    pub server_memory_bytes: Option<u64>,
}

/// The running sampler.
pub struct Sampler(JoinHandle<Usage>);

impl Sampler {
    pub fn start(recorder: &Arc<RunRecorder>, processes: Option<ServerProcesses>) -> Self {
        let recorder = recorder.clone();
        Self(std::thread::spawn(move || sample(&recorder, processes)))
    }

    pub fn is_done(&self) -> bool {
        self.0.is_finished()
    }

    pub fn join(self) -> Usage {
        self.0.join().unwrap_or_default()
    }
}

/// CPU time so far, and when that was.
#[derive(Debug, Clone, Copy)]
struct CpuReading {
    at_us: u64,
    server: Option<Duration>,
    load: Option<Duration>,
}

fn sample(recorder: &RunRecorder, processes: Option<ServerProcesses>) -> Usage {
    let schedule = &recorder.schedule;
    let until = |due: &dyn Fn() -> u64| loop {
        let due = due().min(schedule.end_us());
        let now = schedule.now_us();
        if now >= due {
            return;
        }
        std::thread::sleep(Duration::from_micros(due - now).min(SLEEP_SLICE));
    };
    let reading = |due: &dyn Fn() -> u64| {
        until(&|| due().saturating_sub(AHEAD_US));
        let snapshot = processes.as_ref().map(ServerProcesses::snapshot);
        until(due);
        CpuReading {
            at_us: schedule.now_us(),
            server: snapshot.as_ref().and_then(ServerSnapshot::cpu_time),
            load: own_cpu_time(),
        }
    };
    let before = reading(&|| schedule.start_us());
    let after = reading(&|| schedule.end_us());
    // A reading that is a little late covers slightly more, or less, than the measured time.
    let span_s = after.at_us.saturating_sub(before.at_us) as f64 / 1e6;
    let share = if span_s > 0.0 {
        schedule.measured_s() / span_s
    } else {
        1.0
    };
    let used = |of: fn(&CpuReading) -> Option<Duration>| {
        let used = of(&after)?.checked_sub(of(&before)?)?;
        Some(used.mul_f64(share))
    };
    Usage {
        server_cpu: used(|reading| reading.server),
        load_cpu: used(|reading| reading.load),
        server_memory_bytes: processes.as_ref().and_then(ServerProcesses::memory_bytes),
    }
}
