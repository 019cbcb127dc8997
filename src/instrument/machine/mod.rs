//! Describes the machine, so that readers can judge the figures measured on it.

pub mod child_process;
pub mod cpu_pinning;
pub mod held_connections;
pub mod listening;
pub mod process_tree;
pub mod server_processes;
mod tcp_table;

use std::{fs, thread};

pub use poll_vs_sse_model::Machine;

/// Reads the data about this machine.
pub fn probe() -> Machine {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    Machine {
        cores: u32::try_from(cores).unwrap_or(u32::MAX),
        cpu: field_of("/proc/cpuinfo", "model name"),
        memory_bytes: memory_bytes(),
        system: std::env::consts::OS.to_owned(),
        kernel: read_line("/proc/sys/kernel/osrelease"),
        architecture: std::env::consts::ARCH.to_owned(),
        load_averages: load_averages(),
        open_files: rlimit::Resource::NOFILE.get_hard().ok(),
    }
}

fn read_line(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

/// The value of the first line of a file that begins with `name`, after the colon.
fn field_of(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn memory_bytes() -> Option<u64> {
    let total = field_of("/proc/meminfo", "MemTotal")?;
    let kib: u64 = total.strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn load_averages() -> Option<[f64; 3]> {
    let text = read_line("/proc/loadavg")?;
    let mut averages = text.split_whitespace().map_while(|word| word.parse().ok());
    Some([averages.next()?, averages.next()?, averages.next()?])
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_machine_can_be_described() {
        let machine = probe();
        assert!(machine.cores >= 1);
        assert!(machine.memory_bytes.expect("known") > 1 << 20);
        assert!(machine.load_averages.is_some() && machine.open_files.is_some());
        assert!(machine.to_string().contains("linux"), "{machine}");
    }
}
