//! A control group that contains only the server, if this process may create one. The kernel accounts for the group's
//! CPU and memory.

use std::fs;
use std::path::{Path, PathBuf};

/// The kernel's controllers, in both versions of control groups.
const ROOT: &str = "/sys/fs/cgroup";

/// Removed on drop, if no process is left in it.
pub struct ControlGroup {
    cpu: PathBuf,
    memory: PathBuf,
    is_v2: bool,
}

/// Bytes that the kernel has charged to a group.
#[derive(Debug, Clone, Copy)]
pub struct ChargedMemory {
    /// Anonymous pages of the processes.
    pub anonymous: u64,
    /// Slabs, stacks and socket buffers.
    pub kernel: u64,
}

impl ControlGroup {
    /// A new group with `pid` alone; `None` if this process may not create one.
    pub fn with_process(pid: i32) -> Option<Self> {
        let name = format!("poll-vs-sse-{pid}");
        let root = Path::new(ROOT);
        let is_v2 = root.join("cgroup.controllers").exists();
        let (cpu, memory) = match is_v2 {
            true => (root.join(&name), root.join(&name)),
            false => (
                root.join("cpuacct").join(&name),
                root.join("memory").join(&name),
            ),
        };
        for directory in [&cpu, &memory] {
            fs::create_dir_all(directory).ok()?;
        }
        let group = Self { cpu, memory, is_v2 };
        for directory in [&group.cpu, &group.memory] {
            fs::write(directory.join("cgroup.procs"), pid.to_string()).ok()?;
        }
        Some(group)
    }

    /// The file with the group's CPU time.
    pub fn cpu_file(&self) -> PathBuf {
        let name = if self.is_v2 {
            "cpu.stat"
        } else {
            "cpuacct.usage"
        };
        self.cpu.join(name)
    }

    /// The CPU time in seconds, from the content of that file.
    pub fn cpu_s(&self, text: &str) -> Option<f64> {
        match self.is_v2 {
            true => Some(field(text, "usage_usec")? as f64 / 1e6),
            false => Some(text.trim().parse::<f64>().ok()? / 1e9),
        }
    }

    pub fn memory(&self) -> Option<ChargedMemory> {
        let read = |name: &str| fs::read_to_string(self.memory.join(name)).ok();
        let stat = read("memory.stat")?;
        if self.is_v2 {
            return Some(ChargedMemory {
                anonymous: field(&stat, "anon")?,
                kernel: field(&stat, "kernel")? + field(&stat, "sock")?,
            });
        }
        let number = |name: &str| read(name)?.trim().parse::<u64>().ok();
        Some(ChargedMemory {
            anonymous: field(&stat, "rss")?,
            kernel: number("memory.kmem.usage_in_bytes")?
                + number("memory.kmem.tcp.usage_in_bytes")?,
        })
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        for directory in [&self.cpu, &self.memory] {
            let _ = fs::remove_dir(directory);
        }
    }
}

fn field(text: &str, name: &str) -> Option<u64> {
    let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
    text.lines().find_map(value)
}
