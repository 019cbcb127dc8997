//! Reads CPU time as the measured time begins and ends, on a thread of its own: a busy runtime would
//! be late.

use std::{sync::Arc, thread::JoinHandle, time::Duration};

use super::{
    recorder::Recorder,
    usage::{Processes, own_cpu_time},
};

/// Longest sleep at once, so that a run that is cut ends soon.
const NAP: Duration = Duration::from_millis(20);

/// What was used within the measured time. `None` where it cannot be read.
#[derive(Debug, Default, Clone, Copy)]
pub struct Usage {
    pub server_cpu: Option<Duration>,
    pub load_cpu: Option<Duration>,
    pub server_memory_bytes: Option<u64>,
}

/// The running sampler.
pub struct Sampler(JoinHandle<Usage>);

impl Sampler {
    pub fn start(recorder: &Arc<Recorder>, processes: Option<Processes>) -> Self {
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

fn sample(recorder: &Recorder, processes: Option<Processes>) -> Usage {
    let window = &recorder.window;
    let until = |at: &dyn Fn() -> u64| loop {
        let at = at().min(window.end_us());
        let now = window.now_us();
        if now >= at {
            return;
        }
        std::thread::sleep(Duration::from_micros(at - now).min(NAP));
    };
    let server_cpu = || processes.and_then(Processes::cpu_time);
    until(&|| window.start_us());
    let (server_before, load_before) = (server_cpu(), own_cpu_time());
    until(&|| window.end_us());
    let (load_after, server_after) = (own_cpu_time(), server_cpu());
    let used = |before: Option<Duration>, after: Option<Duration>| after?.checked_sub(before?);
    Usage {
        server_cpu: used(server_before, server_after),
        load_cpu: used(load_before, load_after),
        server_memory_bytes: processes.and_then(Processes::memory_bytes),
    }
}
