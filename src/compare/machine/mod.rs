//! What a reader needs to know of the machine to judge figures that were measured on it.

pub mod listening;
pub mod placement;
pub mod usage;

use std::{fs, thread};

use serde::{Deserialize, Serialize};

/// `None` where it cannot be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Processors this process may use.
    pub cores: u32,
    pub cpu: Option<String>,
    pub memory_bytes: Option<u64>,
    /// Such as `linux`.
    pub system: String,
    /// Its version.
    pub kernel: Option<String>,
    /// Such as `x86_64`.
    pub architecture: String,
    /// Load averages of 1, 5 and 15 minutes as the measuring began: other work disturbs it.
    pub load_averages: Option<[f64; 3]>,
    /// Descriptors a process may have.
    pub open_files: Option<u64>,
}

/// A load average above this, for each processor, is more than nothing.
const BUSY: f64 = 0.35;

impl Machine {
    pub fn look() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            cores: u32::try_from(cores).unwrap_or(u32::MAX),
            cpu: after("/proc/cpuinfo", "model name"),
            memory_bytes: memory_bytes(),
            system: std::env::consts::OS.to_owned(),
            kernel: line("/proc/sys/kernel/osrelease"),
            architecture: std::env::consts::ARCH.to_owned(),
            load_averages: load_averages(),
            open_files: rlimit::Resource::NOFILE.get_hard().ok(),
        }
    }

    /// Whether other work ran within the last minute.
    pub fn is_busy(&self) -> bool {
        let last_minute = self.load_averages.map(|[minute, ..]| minute);
        last_minute.is_some_and(|load| load > BUSY * f64::from(self.cores))
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cores = match self.cores {
            1 => "1 processor".to_owned(),
            cores => format!("{cores} processors"),
        };
        write!(f, "{cores}")?;
        if let Some(cpu) = &self.cpu {
            write!(f, " ({cpu})")?;
        }
        write!(f, ", {}", self.system)?;
        if let Some(kernel) = &self.kernel {
            write!(f, " {kernel}")?;
        }
        Ok(())
    }
}

fn line(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

/// What stands after the first `name` and a colon.
fn after(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn memory_bytes() -> Option<u64> {
    let total = after("/proc/meminfo", "MemTotal")?;
    let kib: u64 = total.strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn load_averages() -> Option<[f64; 3]> {
    let text = line("/proc/loadavg")?;
    let mut averages = text.split_whitespace().map_while(|word| word.parse().ok());
    Some([averages.next()?, averages.next()?, averages.next()?])
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known() {
        let machine = Machine::look();
        assert!(machine.cores >= 1);
        assert!(machine.memory_bytes.expect("known") > 1 << 20);
        assert!(machine.load_averages.is_some() && machine.open_files.is_some());
        assert!(machine.to_string().contains("linux"), "{machine}");
    }

    #[test]
    fn a_load_average_shows_other_work() {
        let with = |minute| Machine {
            cores: 2,
            load_averages: Some([minute, 0.0, 0.0]),
            ..Machine::look()
        };
        assert!(with(1.0).is_busy());
        assert!(!with(0.5).is_busy());
    }
}
