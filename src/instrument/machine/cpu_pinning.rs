//! The processors of the server and of the load generator. With two or more processors, the server under test gets
//! one half and the clients the other, so that neither takes time from the other and each one's limit is visible.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Processors for the server and for the load.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuPinning {
    /// Empty if the server is not pinned.
    pub server: Vec<usize>,
    pub load: Vec<usize>,
}

impl CpuPinning {
    /// Halves the processors that this process may use; the load generator gets the larger half.
    pub fn split() -> Self {
        let all = allowed();
        if all.len() < 2 {
            return Self::default();
        }
        let (server, load) = all.split_at(all.len() / 2);
        Self {
            server: server.to_vec(),
            load: load.to_vec(),
        }
    }

    /// Pins the load only, for a server that was started by the user.
    pub fn load_only() -> Self {
        Self {
            server: Vec::new(),
            ..Self::split()
        }
    }

    /// Pins nothing.
    pub fn free() -> Self {
        Self::default()
    }

    /// Pins the calling thread, and all threads that it starts from now on, to the load's processors.
    pub fn pin_load(&self) {
        if !self.load.is_empty() {
            set_affinity(&self.load);
        }
    }

    /// How many processors the load may use.
    pub fn load_cores(&self) -> usize {
        match self.load.len() {
            0 => allowed().len().max(1),
            count => count,
        }
    }

    /// Runs `start`, which starts a process, on the server's processors, because a process inherits the pinning of
    /// its parent's thread.
    pub fn pin_server<T>(&self, start: impl FnOnce() -> T) -> T {
        if self.server.is_empty() {
            return start();
        }
        let before = allowed();
        set_affinity(&self.server);
        let started = start();
        set_affinity(&before);
        started
    }
}

impl fmt::Display for CpuPinning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.server[..], &self.load[..]) {
            ([], []) => write!(f, "no process was pinned to a core"),
            ([], load) => write!(f, "load on {}, server not pinned", Cores(load)),
            (server, load) => write!(f, "server on {}, load on {}", Cores(server), Cores(load)),
        }
    }
}

/// `core 0`, `cores 0, 2 and 3`.
struct Cores<'a>(&'a [usize]);

impl fmt::Display for Cores<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(usize::to_string).collect();
        match &names[..] {
            [one] => write!(f, "core {one}"),
            [first @ .., last] => write!(f, "cores {} and {last}", first.join(", ")),
            [] => write!(f, "any core"),
        }
    }
}

/// The processors the calling thread may use.
#[cfg(target_os = "linux")]
fn allowed() -> Vec<usize> {
    use nix::{
        sched::{CpuSet, sched_getaffinity},
        unistd::Pid,
    };

    let Ok(set) = sched_getaffinity(Pid::from_raw(0)) else {
        return Vec::new();
    };
    let all = 0..CpuSet::count();
    all.filter(|core| set.is_set(*core).unwrap_or(false))
        .collect()
}

/// Best effort: without permission everything still runs, only less separated.
#[cfg(target_os = "linux")]
fn set_affinity(cores: &[usize]) {
    use nix::{
        sched::{CpuSet, sched_setaffinity},
        unistd::Pid,
    };

    let mut set = CpuSet::new();
    for core in cores {
        let _ = set.set(*core);
    }
    let _ = sched_setaffinity(Pid::from_raw(0), &set);
}

#[cfg(not(target_os = "linux"))]
fn allowed() -> Vec<usize> {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    (0..count).collect()
}

#[cfg(not(target_os = "linux"))]
fn set_affinity(_cores: &[usize]) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_pinning_is_described_in_words() {
        let of = |server: &[usize], load: &[usize]| {
            let (server, load) = (server.to_vec(), load.to_vec());
            CpuPinning { server, load }.to_string()
        };
        assert_eq!(of(&[0], &[1]), "server on core 0, load on core 1");
        assert_eq!(
            of(&[], &[2, 3, 5]),
            "load on cores 2, 3 and 5, server not pinned"
        );
        assert_eq!(of(&[], &[]), "no process was pinned to a core");
    }

    #[test]
    fn a_server_is_started_on_its_own_processors_only() {
        let before = allowed();
        let pinning = CpuPinning {
            server: before[..1].to_vec(),
            load: before.clone(),
        };
        assert_eq!(pinning.pin_server(allowed), before[..1]);
        assert_eq!(allowed(), before);
        assert_eq!(pinning.load_cores(), before.len());
        assert!(CpuPinning::free().load_cores() >= 1);
    }
}
