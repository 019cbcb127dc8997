//! Child processes that end with this one and stay on a core, and the limits of this process. `usage` reads what they
//! use.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Result, anyhow, ensure};
use poll_vs_sse_instrument::ChildProcess;

/// Starts `command` pinned to `core`.
pub fn start(name: &str, mut command: Command, core: Option<usize>) -> Result<ChildProcess> {
    exit_with_parent(&mut command, core);
    ChildProcess::start(name, command)
}

/// Makes a child end with this process and stay on `core`.
pub fn exit_with_parent(command: &mut Command, core: Option<usize>) {
    // SAFETY: getpid only reads.
    let parent = unsafe { libc::getpid() };
    // SAFETY: between fork and exec only async-signal-safe system calls are made.
    unsafe { command.pre_exec(move || set_up_child(parent, core)) };
}

/// Runs in the child before `exec`: sets the signal that its parent's death sends, and its core.
fn set_up_child(parent: i32, core: Option<usize>) -> io::Result<()> {
    // SIGTERM rather than SIGKILL: nginx's master passes it on to its workers.
    // SAFETY: plain integers.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: getppid only reads.
    if unsafe { libc::getppid() } != parent {
        return Err(io::ErrorKind::NotFound.into());
    }
    core.map_or(Ok(()), pin)
}

/// Pins the calling thread, and what it starts later, to one core.
pub fn pin(core: usize) -> io::Result<()> {
    // SAFETY: all zeroes is an empty set, and CPU_SET checks its bounds.
    let set = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        set
    };
    // SAFETY: `set` is initialised and its true size is passed.
    if unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The cores this process may use.
pub fn allowed_cores() -> Result<Vec<usize>> {
    // SAFETY: all zeroes is an empty set; the call fills at most its true size; CPU_ISSET checks
    // its bounds.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        ensure!(
            libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) == 0,
            io::Error::last_os_error()
        );
        Ok((0..libc::CPU_SETSIZE as usize)
            .filter(|core| libc::CPU_ISSET(*core, &set))
            .collect())
    }
}

/// Raises the soft limit of descriptors to the hard one and returns it. Children inherit it.
pub fn raise_descriptor_limit() -> Result<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a valid place to write to, then to read from.
    let result = unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit)
    };
    if result < 0 {
        return Err(anyhow!(io::Error::last_os_error()).context("raise the descriptor limit"));
    }
    Ok(limit.rlim_cur)
}
