//! The processes of a server that may be restarted while it is measured.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;

use super::process_tree::{ProcessSnapshot, ProcessTree};

/// See the module. Clones are the same.
#[derive(Debug, Clone)]
pub struct ServerProcesses(Arc<Mutex<ProcessHistory>>);

/// The present process, and the CPU time of those before it.
#[derive(Debug)]
struct ProcessHistory {
    /// `None` between two.
    current: Option<ProcessTree>,
    /// What those before it used.
    past: Duration,
}

impl ServerProcesses {
    pub fn new(tree: ProcessTree) -> Self {
        Self(Arc::new(Mutex::new(ProcessHistory {
            current: Some(tree),
            past: Duration::ZERO,
        })))
    }

    /// Who belongs to it now.
    pub fn snapshot(&self) -> ServerSnapshot {
        let state = self.0.lock();
        ServerSnapshot {
            past: state.past,
            current: state.current.map(ProcessTree::snapshot),
        }
    }

    /// `None` too while there is none.
    pub fn memory_bytes(&self) -> Option<u64> {
        let current = self.0.lock().current;
        current?.memory_bytes()
    }

    /// Whether the process that was named is still there.
    pub fn is_running(&self) -> bool {
        let current = self.0.lock().current;
        current.is_some_and(ProcessTree::is_running)
    }

    /// It is about to end: what it used up to now is kept.
    pub fn retire(&self) {
        let used = self.bookmark();
        let mut state = self.0.lock();
        state.past = used.unwrap_or(state.past);
        state.current = None;
    }

    /// What it used up to now.
    pub fn bookmark(&self) -> Option<Duration> {
        self.snapshot().cpu_time()
    }

    /// Another one serves in its place.
    pub fn replace(&self, tree: ProcessTree) {
        self.0.lock().current = Some(tree);
    }

    /// Another one serves in the place of one that ended, which had used so much when it was last read.
    pub fn succeed(&self, used: Option<Duration>, tree: ProcessTree) {
        let mut state = self.0.lock();
        state.past = used.unwrap_or(state.past);
        state.current = Some(tree);
    }
}

/// The processes that were there at some moment, and what those before them used.
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
