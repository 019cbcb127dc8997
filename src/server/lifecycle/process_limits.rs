//! The system's limits for this process: descriptors, threads, memory, the size of files. They are read at start, so
//! that the server can report a limit that is too low with its figure, and refuse connections before the system
//! refuses resources that other connections need.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
};

use rlimit::{INFINITY, Resource};

use crate::limits::Limits;

/// Descriptors that each worker needs.
const WORKER_FDS: u64 = 8;
/// Descriptors for files, the store, the listeners and the runtime.
const OWN_FDS: u64 = 40;
/// The most descriptors kept free as a spare: the store may open more files.
const SPARE_FDS: u64 = 128;
/// The usual limit of descriptors, if the real one cannot be read.
const TYPICAL_FD_LIMIT: u64 = 1024;
/// Threads beside the workers: the log, the store's writer and readers, signals.
const OWN_THREADS: usize = 12;
/// If there is room for fewer connections than this, the server warns.
const FEW_CONNECTIONS: u64 = 4_000;
/// The memory of the server without clients, including its recent messages.
const OWN_BYTES: u64 = 64 * 1024 * 1024;
/// The memory of a connection while it begins; later it takes less. A large head or body makes it take up to 140 KiB,
/// but few clients send one. actix-http keeps the memory of a head until later requests have filled it, or until the
/// connection ends.
const CONNECTION_BYTES: u64 = 32 * 1024;

const MIB: u64 = 1024 * 1024;

/// The limits; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessLimits {
    descriptors: u64,
    memory_bytes: Option<u64>,
    file_bytes: Option<u64>,
}

impl ProcessLimits {
    /// Reads the limits, after raising the soft limit of descriptors to the hard one.
    pub fn read() -> Self {
        let finite = |resource: Resource| {
            let limit = rlimit::getrlimit(resource).ok()?.0;
            (limit != INFINITY).then_some(limit)
        };
        let memory = [finite(Resource::AS), cgroup_memory_bytes()];
        Self {
            descriptors: rlimit::increase_nofile_limit(u64::MAX).unwrap_or(TYPICAL_FD_LIMIT),
            memory_bytes: memory.into_iter().flatten().min(),
            file_bytes: finite(Resource::FSIZE),
        }
    }

    /// Checks whether a server with this number of workers can run. The error says in one line why not.
    pub fn check(&self, workers: usize) -> Result<(), String> {
        let needed = self.own_descriptors(workers) + 1;
        if self.descriptors < needed {
            return Err(format!(
                "{workers} workers need {needed} descriptors, and the process may open {} (ulimit -n, \
                 LimitNOFILE): raise that, or give fewer --workers",
                self.descriptors
            ));
        }
        check_threads(workers + OWN_THREADS).map_err(|possible| {
            format!(
                "{workers} workers need {} threads, and the system allows {possible} (ulimit -u, \
                 TasksMax): raise that, or give fewer --workers",
                workers + OWN_THREADS
            )
        })
    }

    /// The number of connections that the limits leave room for.
    pub fn connections(&self, workers: usize) -> u32 {
        let by_memory = self.memory_bytes.map(connections_in);
        let by_descriptors = self.connections_by_descriptors(workers);
        let connections = by_memory.map_or(by_descriptors, |it| it.min(by_descriptors));
        u32::try_from(connections).unwrap_or(u32::MAX)
    }

    /// `limits`, reduced to the number of connections that there is room for.
    pub fn bound(&self, mut limits: Limits, workers: usize) -> Limits {
        let room = self.connections(workers);
        let total = limits
            .connections
            .total
            .map_or(room, |total| total.min(room));
        limits.connections.total = Some(total);
        limits.connections.refused = Some(self.refused_connections());
        limits
    }

    /// The most connections that can be refused with an answer at a time.
    pub fn refused_connections(&self) -> u32 {
        // At most 4096.
        (self.descriptors / 16).clamp(16, 4096) as u32
    }

    /// The descriptors that the server itself needs, including those for refusing connections.
    fn own_descriptors(&self, workers: usize) -> u64 {
        OWN_FDS + u64::from(self.refused_connections()) + WORKER_FDS * workers as u64
    }

    fn connections_by_descriptors(&self, workers: usize) -> u64 {
        let own = self.own_descriptors(workers);
        let spare = SPARE_FDS.min(self.descriptors / 8);
        let left = self.descriptors.saturating_sub(own);
        left.saturating_sub(spare).max(1)
    }

    /// Warnings for the operator, one line each. `has_file`: messages are kept in a file.
    pub fn warnings(&self, workers: usize, has_file: bool) -> Vec<String> {
        let mut warnings = Vec::new();
        let connections = self.connections_by_descriptors(workers);
        if connections < FEW_CONNECTIONS {
            warnings.push(format!(
                "the process may open {} descriptors (ulimit -n, LimitNOFILE): {connections} connections \
                 are served at a time, further ones get 503",
                self.descriptors
            ));
        }
        if let Some(bytes) = self.memory_bytes
            && connections_in(bytes) < connections.max(FEW_CONNECTIONS)
        {
            warnings.push(format!(
                "memory is limited to {} MiB (cgroup, ulimit -v): {} connections are served at a time, \
                 further ones get 503",
                bytes / MIB,
                connections_in(bytes).min(connections)
            ));
        }
        if let Some(bytes) = self.file_bytes
            && has_file
        {
            warnings.push(format!(
                "files may grow to {bytes} bytes (ulimit -f, LimitFSIZE): when the store reaches this size, publishes get 503"
            ));
        }
        warnings
    }
}

fn connections_in(memory_bytes: u64) -> u64 {
    (memory_bytes.saturating_sub(OWN_BYTES) / CONNECTION_BYTES).max(1)
}

/// Makes this number of threads at once, and ends them. The error is how many were possible.
fn check_threads(threads: usize) -> Result<(), usize> {
    const STACK_BYTES: usize = 64 * 1024;
    let mut made = Vec::with_capacity(threads);
    for _ in 0..threads {
        let (release, wait) = mpsc::channel::<()>();
        let thread = thread::Builder::new()
            .stack_size(STACK_BYTES)
            // Ends when the sender is dropped.
            .spawn(move || wait.recv().is_err());
        match thread {
            Ok(thread) => made.push((release, thread)),
            Err(_) => break,
        }
    }
    let possible = made.len();
    for (release, thread) in made {
        drop(release);
        // It cannot panic.
        let _ = thread.join();
    }
    if possible < threads {
        return Err(possible);
    }
    Ok(())
}

/// The smallest memory limit of this process's control group and those above it.
fn cgroup_memory_bytes() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let limits = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        // Version 2 has one group for all controllers, without a name.
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|it| it == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => return None,
        };
        smallest_limit(Path::new(root), path.trim_start_matches('/'), file)
    });
    limits.min()
}

/// The smallest limit in `file` of the group at `path` and those above it, up to `root`.
fn smallest_limit(root: &Path, path: &str, file: &str) -> Option<u64> {
    // Version 1 writes a number larger than any memory for "no limit".
    const NO_LIMIT: u64 = 1 << 60;
    let group: PathBuf = root.join(path);
    let groups = group.ancestors().take_while(|it| it.starts_with(root));
    let limits = groups.filter_map(|group| {
        let text = fs::read_to_string(group.join(file)).ok()?;
        text.trim().parse().ok()
    });
    limits.filter(|&limit| limit < NO_LIMIT).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLENTY: ProcessLimits = ProcessLimits {
        descriptors: 1_000_000,
        memory_bytes: None,
        file_bytes: None,
    };

    #[test]
    fn a_server_without_limits_is_told_nothing() {
        assert!(PLENTY.warnings(4, true).is_empty());
        assert!(PLENTY.connections(4) > 900_000);
        assert_eq!(PLENTY.check(1), Ok(()));
    }

    #[test]
    fn few_descriptors_are_few_connections_and_said_so() {
        let few = ProcessLimits {
            descriptors: 128,
            ..PLENTY
        };
        assert_eq!(few.connections(2), 40);
        let bound = |total| {
            let mut limits = Limits::default();
            limits.connections.total = total;
            few.bound(limits, 2).connections.total
        };
        assert_eq!(
            [None, Some(7), Some(1000)].map(bound),
            [40, 7, 40].map(Some)
        );
        let warnings = few.warnings(2, true);
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("128 descriptors") && warnings[0].contains("40 connections"));
        let none = ProcessLimits {
            descriptors: 64,
            ..PLENTY
        };
        let why = none.check(2).expect_err("too few");
        assert!(
            why.contains("73 descriptors") && why.contains("may open 64"),
            "{why}"
        );
    }

    #[test]
    fn little_memory_is_few_connections_and_said_so() {
        let little = ProcessLimits {
            memory_bytes: Some(96 * MIB),
            ..PLENTY
        };
        assert_eq!(little.connections(2), 1024);
        let warnings = little.warnings(2, true);
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("96 MiB") && warnings[0].contains("1024 connections"));
        let less = ProcessLimits {
            memory_bytes: Some(MIB),
            ..PLENTY
        };
        assert_eq!(less.connections(2), 1);
    }

    #[test]
    fn a_limit_on_files_matters_to_a_file() {
        let limited = ProcessLimits {
            file_bytes: Some(1_000_000),
            ..PLENTY
        };
        assert!(limited.warnings(1, false).is_empty());
        let warnings = limited.warnings(1, true);
        assert!(warnings[0].contains("1000000 bytes"), "{warnings:?}");
    }

    #[test]
    fn the_smallest_limit_of_all_groups_above_counts() {
        let root = tempfile::tempdir().expect("a directory");
        let inner = root.path().join("a/b");
        fs::create_dir_all(&inner).expect("made");
        let limit = || smallest_limit(root.path(), "a/b", "memory.max");
        assert_eq!(limit(), None);
        fs::write(inner.join("memory.max"), "max\n").expect("written");
        assert_eq!(limit(), None);
        fs::write(root.path().join("a/memory.max"), "4096\n").expect("written");
        fs::write(root.path().join("memory.max"), "9223372036854771712\n").expect("written");
        assert_eq!(limit(), Some(4096));
        fs::write(inner.join("memory.max"), "2048\n").expect("written");
        assert_eq!(limit(), Some(2048));
    }
}
