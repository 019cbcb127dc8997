//! The processes of a server that may be restarted while it is measured.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;

use super::process_tree::{ProcessSnapshot, ProcessTree};

/// The processes of the measured server. Clones share the state.
#[derive(Debug, Clone)]
pub struct ServerProcesses(Arc<Mutex<ProcessHistory>>);

/// The current process, and the CPU time of those before it.
#[derive(Debug)]
struct ProcessHistory {
    /// `None` during a restart.
    current: Option<ProcessTree>,
    /// The CPU time of the processes before it.
    past: Duration,
}

impl ServerProcesses {
    pub fn new(tree: ProcessTree) -> Self {
        Self(Arc::new(Mutex::new(ProcessHistory {
            current: Some(tree),
            past: Duration::ZERO,
        })))
    }

    /// The processes that belong to it now.
    pub fn snapshot(&self) -> ServerSnapshot {
        let state = self.0.lock();
        ServerSnapshot {
            past: state.past,
            current: state.current.map(ProcessTree::snapshot),
        }
    }

    /// Also `None` while there is no process.
    pub fn memory_bytes(&self) -> Option<u64> {
        let current = self.0.lock().current;
        current?.memory_bytes()
    }

    /// Whether the named process is still running.
    pub fn is_running(&self) -> bool {
        let current = self.0.lock().current;
        current.is_some_and(ProcessTree::is_running)
    }

    /// Must be called before the process ends: keeps the CPU time that it has used so far.
    pub fn retire(&self) {
        let used = self.bookmark();
        let mut state = self.0.lock();
        state.past = used.unwrap_or(state.past);
        state.current = None;
    }

    /// The CPU time so far.
    pub fn bookmark(&self) -> Option<Duration> {
        self.snapshot().cpu_time()
    }

    /// Replaces the process by a new one.
    pub fn replace(&self, tree: ProcessTree) {
        self.0.lock().current = Some(tree);
    }

    /// Replaces a process that has ended; `used` is its CPU time at the last reading.
    pub fn succeed(&self, used: Option<Duration>, tree: ProcessTree) {
        let mut state = self.0.lock();
        state.past = used.unwrap_or(state.past);
        state.current = Some(tree);
    }
}

/// The processes that existed at some moment, and the CPU time of the processes before them.
#[derive(Debug, Clone)]
pub struct ServerSnapshot {
    past: Duration,
    current: Option<ProcessSnapshot>,
}

impl ServerSnapshot {
    /// User and system time so far. `None` once one of the processes has ended.
    pub fn cpu_time(&self) -> Option<Duration> {
        match &self.current {
            Some(current) => Some(self.past + current.cpu_time()?),
            None => Some(self.past),
        }
    }
}
