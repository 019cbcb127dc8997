//! The server's CPU and memory as other programs read them while a load runs.

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::cgroup::{ChargedMemory, ControlGroup};
use super::usage;

/// The delay of the readings after the begin of the load, which is then steady.
const AFTER: Duration = Duration::from_millis(500);

/// CPU in milliseconds a second, and memory before the load and late in it. `None` if it could not be read.
#[derive(Debug)]
pub struct OtherReadings {
    pub perf_ms_per_s: Option<f64>,
    pub cgroup_ms_per_s: Option<f64>,
    pub proc_ms_per_s: Option<f64>,
    pub before: MemoryReading,
    pub late: MemoryReading,
}

/// The memory of the server's process, of its control group, and of the kernel.
#[derive(Debug)]
pub struct MemoryReading {
    /// `RssAnon` of `/proc/PID/status`.
    pub resident_kib: u64,
    pub charged: Option<ChargedMemory>,
    /// Slabs and TCP buffers of the whole machine.
    pub machine_kernel_kib: u64,
}

impl OtherReadings {
    /// Reads the server `pid` in the middle of a load, after its warm-up.
    pub fn during(
        pid: i32,
        group: Option<&ControlGroup>,
        warm_up: Duration,
        lasts: Duration,
    ) -> Result<Self> {
        let before = memory(pid, group)?;
        sleep(warm_up + AFTER);
        let time = lasts.saturating_sub(2 * AFTER);
        let begin = CpuReading::read(pid, group)?;
        let perf_ms_per_s = perf_ms_per_s(pid, time);
        if perf_ms_per_s.is_none() {
            sleep(time);
        }
        let end = CpuReading::read(pid, group)?;
        let cgroup = begin.cgroup_s.zip(end.cgroup_s);
        let seconds = (end.at - begin.at).as_secs_f64();
        Ok(Self {
            perf_ms_per_s,
            cgroup_ms_per_s: cgroup.map(|(begin, end)| (end - begin) * 1e3 / seconds),
            proc_ms_per_s: Some((end.proc_s - begin.proc_s) * 1e3 / seconds),
            before,
            late: memory(pid, group)?,
        })
    }
}

struct CpuReading {
    at: Instant,
    cgroup_s: Option<f64>,
    proc_s: f64,
}

impl CpuReading {
    fn read(pid: i32, group: Option<&ControlGroup>) -> Result<Self> {
        let at = Instant::now();
        let cgroup_s = group.and_then(|group| group.cpu_s(&cat(&group.cpu_file()).ok()?));
        let stat = cat(Path::new(&format!("/proc/{pid}/stat")))?;
        // The name in parentheses may contain spaces and parentheses; user and system time are the 14th and 15th field.
        let (_, rest) = stat.rsplit_once(')').context("a process's state")?;
        let ticks = rest.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
        // SAFETY: a plain integer.
        let per_s = unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64;
        Ok(Self {
            at,
            cgroup_s,
            proc_s: ticks as f64 / per_s,
        })
    }
}

/// Reads a file with `cat`, a program other than this one.
fn cat(path: &Path) -> Result<String> {
    let output = Command::new("cat").arg(path).output().context("run cat")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The server's CPU time by `perf stat` over `time`; `None` if perf is not installed or not permitted.
pub fn perf_ms_per_s(pid: i32, time: Duration) -> Option<f64> {
    let seconds = time.as_secs_f64();
    let mut command = Command::new("perf");
    command.args([
        "stat",
        "-x",
        ",",
        "-e",
        "task-clock",
        "-p",
        &pid.to_string(),
    ]);
    let output = command
        .args(["--", "sleep", &seconds.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text.lines().find(|line| line.contains("task-clock"))?;
    let ms: f64 = line.split(',').next()?.parse().ok()?;
    Some(ms / seconds)
}

fn memory(pid: i32, group: Option<&ControlGroup>) -> Result<MemoryReading> {
    let status = cat(Path::new(&format!("/proc/{pid}/status")))?;
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let resident = resident.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok());
    Ok(MemoryReading {
        resident_kib: resident.context("/proc/PID/status has no RssAnon")?,
        charged: group.and_then(ControlGroup::memory),
        machine_kernel_kib: usage::kernel_kib()?,
    })
}
