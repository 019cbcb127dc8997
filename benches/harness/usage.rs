//! The resource usage of other processes, read from outside: CPU time in nanoseconds and memory as the kernel's
//! proportional set size.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// Memory counts as settled if two readings this far apart agree to a few pages.
const POLL_INTERVAL: Duration = Duration::from_millis(300);
const AGREE_KIB: u64 = 16;
/// The page size, in which the kernel counts TCP buffers: 4 KiB on x86-64.
const PAGE_KIB: u64 = 4;
/// After this time memory is read even if it still changes.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(5);

/// User and system time of all these processes so far, threads that have ended included.
///
/// It reads the processes' CPU clocks, which have the scheduler's nanoseconds; `/proc/PID/stat` has whole ticks.
pub fn cpu_time(pids: &[i32]) -> Result<Duration> {
    pids.iter().map(|pid| cpu_time_of(*pid)).sum()
}

fn cpu_time_of(pid: i32) -> Result<Duration> {
    let mut clock: libc::clockid_t = 0;
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: both pointers are valid for writing.
    let read = unsafe {
        libc::clock_getcpuclockid(pid, &raw mut clock) == 0
            && libc::clock_gettime(clock, &raw mut time) == 0
    };
    ensure!(read, "process {pid} has ended: no CPU time to read");
    Ok(Duration::new(
        time.tv_sec.cast_unsigned(),
        u32::try_from(time.tv_nsec).context("nanoseconds of a CPU clock")?,
    ))
}

/// User and system time of this process so far.
pub fn own_cpu_time() -> Duration {
    resources_of(libc::RUSAGE_SELF)
}

/// The same for the children that it has waited for.
pub fn children_cpu_time() -> Duration {
    resources_of(libc::RUSAGE_CHILDREN)
}

fn resources_of(whose: i32) -> Duration {
    // SAFETY: all zeroes is a valid value.
    let mut used: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is valid for writing; with a known first argument the call does not fail.
    unsafe { libc::getrusage(whose, &raw mut used) };
    let time = |part: libc::timeval| {
        Duration::from_secs(part.tv_sec.cast_unsigned())
            + Duration::from_micros(part.tv_usec.cast_unsigned())
    };
    time(used.ru_utime) + time(used.ru_stime)
}

/// Proportional set size of all these processes, in KiB.
pub fn pss_kib(pids: &[i32]) -> Result<u64> {
    pids.iter().map(|pid| pss_kib_of(*pid)).sum()
}

fn pss_kib_of(pid: i32) -> Result<u64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    std::fs::read_to_string(&path)
        .with_context(|| path.clone())?
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok())
        .with_context(|| format!("{path} has no Pss line"))
}

/// The share of the machine's processors that all its processes use during the next `time`.
pub fn busy_share(time: Duration) -> Result<f64> {
    let (busy_before, all_before) = processor_ticks()?;
    std::thread::sleep(time);
    let (busy, all) = processor_ticks()?;
    Ok((busy - busy_before) as f64 / (all - all_before).max(1) as f64)
}

/// Ticks of all processors since boot: the busy ones, and all.
fn processor_ticks() -> Result<(u64, u64)> {
    let path = "/proc/stat";
    let text = std::fs::read_to_string(path).context(path)?;
    let line = text.lines().next().unwrap_or_default();
    let mut ticks = line.split_whitespace().skip(1).map(str::parse::<u64>);
    let mut next = || {
        ticks
            .next()
            .and_then(Result::ok)
            .with_context(|| format!("{path}: {line}"))
    };
    let [user, nice, system, idle, io_wait] = [next()?, next()?, next()?, next()?, next()?];
    // Interrupts, and the time that the host took from a virtual machine.
    let [hard, soft, stolen] = [next()?, next()?, next()?];
    let busy = user + nice + system + hard + soft + stolen;
    Ok((busy, busy + idle + io_wait))
}

/// Threads of all these processes.
pub fn threads(pids: &[i32]) -> Result<u64> {
    pids.iter().map(|pid| status_of(*pid, "Threads:")).sum()
}

fn status_of(pid: i32, name: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    let value = value.with_context(|| format!("{path} has no {name}"))?;
    Ok(value.trim().parse()?)
}

/// The kernel's slabs and TCP buffers of the whole machine.
pub fn kernel_kib() -> Result<u64> {
    let path = "/proc/meminfo";
    let text = std::fs::read_to_string(path).context(path)?;
    let slab = text.lines().find_map(|line| line.strip_prefix("Slab:"));
    let slab = slab.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    let slab = slab.with_context(|| format!("{path} has no Slab line"))?;
    let path = "/proc/net/sockstat";
    let text = std::fs::read_to_string(path).context(path)?;
    let tcp = text.lines().find_map(|line| line.strip_prefix("TCP:"));
    let pages = tcp.and_then(|rest| rest.split_once(" mem ")?.1.trim().parse::<u64>().ok());
    let pages = pages.with_context(|| format!("{path} has no pages of TCP"))?;
    Ok(slab + pages * PAGE_KIB)
}

/// The same, read once it no longer changes.
pub fn settled_pss_kib(pids: &[i32]) -> Result<u64> {
    let begin = Instant::now();
    let mut last = pss_kib(pids)?;
    loop {
        std::thread::sleep(POLL_INTERVAL);
        let now = pss_kib(pids)?;
        if now.abs_diff(last) <= AGREE_KIB || begin.elapsed() > SETTLE_TIMEOUT {
            return Ok(now);
        }
        last = now;
    }
}
