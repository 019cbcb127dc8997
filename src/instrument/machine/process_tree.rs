//! The CPU time and memory of processes, read from outside: CPU time from their clocks, and memory as the kernel's
//! proportional set size. Linux only; elsewhere they are unknown.

use std::time::Duration;

/// A process and its descendants, because the cost of a server with a master and workers is the sum of all.
#[derive(Debug, Clone, Copy)]
pub struct ProcessTree {
    root: u32,
}

/// CPU time of this process itself, all threads.
pub fn own_cpu_time() -> Option<Duration> {
    ProcessTree::cpu_time_of(std::process::id())
}

/// The processes that existed at some moment.
#[derive(Debug, Clone)]
pub struct ProcessSnapshot(Vec<u32>);

impl ProcessSnapshot {
    /// Their user and system time so far. `None` once one of them has ended.
    pub fn cpu_time(&self) -> Option<Duration> {
        let times = self.0.iter().map(|pid| ProcessTree::cpu_time_of(*pid));
        times.sum()
    }
}

impl ProcessTree {
    pub fn from_root(root: u32) -> Self {
        Self { root }
    }

    pub fn is_running(self) -> bool {
        Self::cpu_time_of(self.root).is_some()
    }

    /// Whether this program is one of its processes.
    pub fn includes_own_process(self) -> bool {
        self.all().contains(&std::process::id())
    }

    /// The processes that belong to it now.
    pub fn snapshot(self) -> ProcessSnapshot {
        ProcessSnapshot(self.all())
    }

    /// Memory in bytes: the proportional set size, or the resident set size if that may not be read. A descendant that
    /// has ended takes none.
    pub fn memory_bytes(self) -> Option<u64> {
        let root = memory_bytes_of(self.root)?;
        let descendants = self.all().into_iter().skip(1).filter_map(memory_bytes_of);
        Some(root + descendants.sum::<u64>())
    }

    #[cfg(target_os = "linux")]
    fn cpu_time_of(pid: u32) -> Option<Duration> {
        use nix::{time::ClockId, unistd::Pid};

        let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(i32::try_from(pid).ok()?)).ok()?;
        Some(clock.now().ok()?.into())
    }

    #[cfg(not(target_os = "linux"))]
    fn cpu_time_of(_pid: u32) -> Option<Duration> {
        None
    }

    /// The process and its descendants.
    pub(super) fn all(self) -> Vec<u32> {
        let parents = parents();
        let mut all = vec![self.root];
        let mut at = 0;
        while at < all.len() {
            let parent = all[at];
            all.extend(
                parents
                    .iter()
                    .filter(|(_, of)| *of == parent)
                    .map(|(pid, _)| pid),
            );
            at += 1;
        }
        all
    }
}

/// Each process of the machine with its parent.
fn parents() -> Vec<(u32, u32)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, parent_of(pid)?)))
        .collect()
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may contain anything; the state and the parent follow the last parenthesis.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

fn memory_bytes_of(pid: u32) -> Option<u64> {
    kib(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
        .or_else(|| kib(&format!("/proc/{pid}/status"), "VmRSS:"))
}

fn kib(path: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = rest.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_seen_with_its_children() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("starts");
        let own = ProcessTree::from_root(std::process::id());
        assert!(own.all().contains(&child.id()));
        assert!(own.includes_own_process());
        assert!(!ProcessTree::from_root(child.id()).includes_own_process());
        assert!(own.snapshot().cpu_time() >= own_cpu_time().map(|_| Duration::ZERO));
        assert!(own.memory_bytes().expect("known") > 100_000);
        child.kill().expect("ends");
        // It has no memory until this process has taken note of its end.
        assert!(own.memory_bytes().expect("known") > 100_000);
        child.wait().expect("ended");
        assert!(!ProcessTree::from_root(child.id()).is_running());
        assert_eq!(
            ProcessTree::from_root(child.id()).snapshot().cpu_time(),
            None
        );
    }
}
