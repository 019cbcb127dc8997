//! Child processes: started on a core of their own, their output drained, and ended on every way
//! out. What they use is read in `usage`.

use std::cell::RefCell;
use std::ffi::c_int;
use std::io::{self, PipeReader, Read};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::usage;

/// What a server prints ahead of its address.
const LISTENING: &str = "listening on http://";
/// How much of a child's output is kept for the error message when it fails.
const KEPT_OUTPUT: usize = 4096;
/// A child that has not ended by itself after SIGTERM is killed after this long.
const GRACE: Duration = Duration::from_millis(2500);

/// A running child and the processes it started. Dropping it ends them all.
pub struct Process {
    pub name: String,
    child: Child,
    listening: Receiver<Result<SocketAddr, String>>,
    /// What a child said that ended before it listened.
    ended: RefCell<Option<String>>,
}

impl Process {
    /// Starts `command` pinned to `core`. Its stdout and stderr go into one pipe that is drained at
    /// all times.
    pub fn start(name: &str, mut command: Command, core: Option<usize>) -> Result<Self> {
        let (reader, writer) = io::pipe()?;
        // A roomy pipe, so that a server writing its log does not wait for the drain. Best effort.
        // SAFETY: the descriptor is open and the argument is a plain integer.
        unsafe { libc::fcntl(reader.as_raw_fd(), libc::F_SETPIPE_SZ, 1 << 20) };
        command
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer);
        end_with_parent(&mut command, core);
        let child = command.spawn().with_context(|| format!("start {name}"))?;
        let (tell, listening) = channel();
        std::thread::spawn(move || drain(reader, &tell));
        Ok(Self {
            name: name.to_owned(),
            child,
            listening,
            ended: RefCell::default(),
        })
    }

    /// The address the child says it listens on.
    pub fn address(&self, within: Duration) -> Result<SocketAddr> {
        match self.listening.recv_timeout(within) {
            Ok(Ok(address)) => Ok(address),
            Ok(Err(output)) => bail!("{} ended before it listened:\n{output}", self.name),
            Err(RecvTimeoutError::Timeout) => bail!("{} did not say its address", self.name),
            Err(RecvTimeoutError::Disconnected) => bail!("{}: its output was lost", self.name),
        }
    }

    /// Whether the child ended without having said an address.
    pub fn has_ended(&self) -> bool {
        self.ended.borrow_mut().is_some() || {
            let told = self.listening.try_recv();
            let ended = matches!(told, Ok(Err(_)));
            *self.ended.borrow_mut() = told.ok().and_then(Result::err);
            ended
        }
    }

    /// The last that an ended child put out.
    pub fn output(&self) -> String {
        self.ended.borrow().clone().unwrap_or_default()
    }

    /// The child and all it started, such as nginx's workers.
    pub fn pids(&self) -> Vec<i32> {
        usage::tree_of(self.child.id().cast_signed())
    }

    /// Asks it to end by SIGTERM and says how long that took; `None` if it was there still after
    /// `limit`. Dropping it kills it then.
    pub fn stop_within(&mut self, limit: Duration) -> Option<Duration> {
        let begin = Instant::now();
        signal(self.child.id().cast_signed(), libc::SIGTERM);
        while begin.elapsed() < limit {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return Some(begin.elapsed());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        None
    }

    /// Ends it without asking, with all it started.
    pub fn kill(&mut self) {
        // The id of a child that was waited for may be another's by now.
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        for pid in self.pids() {
            signal(pid, libc::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The id of a child that was waited for may be another's by now.
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let pids = self.pids();
        signal(pids[0], libc::SIGTERM);
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        for pid in pids {
            signal(pid, libc::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

fn signal(pid: i32, signal: c_int) {
    // SAFETY: plain integers; the pid is a child not yet waited for, or one of its children.
    unsafe { libc::kill(pid, signal) };
}

/// Has a child end with this process, and stay on its core.
pub fn end_with_parent(command: &mut Command, core: Option<usize>) {
    // SAFETY: getpid only reads.
    let parent = unsafe { libc::getpid() };
    // SAFETY: between fork and exec only async-signal-safe system calls are made.
    unsafe { command.pre_exec(move || prepare(parent, core)) };
}

/// Runs in the child: ends with its parent, whatever ends that one, and stays on its core.
fn prepare(parent: i32, core: Option<usize>) -> io::Result<()> {
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

/// Keeps the calling thread, and what it starts later, on one core.
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

/// Reads a child's output to its end. Tells the address once, or else the last of the output.
fn drain(mut reader: PipeReader, tell: &Sender<Result<SocketAddr, String>>) {
    let mut buffer = vec![0; 256 * 1024];
    let mut text = String::new();
    let mut listens = false;
    while let Ok(count @ 1..) = reader.read(&mut buffer) {
        if listens {
            continue;
        }
        text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        if let Some(address) = address_in(&text) {
            listens = true;
            // Nobody asks where the address is known beforehand.
            let _ = tell.send(Ok(address));
        } else if text.len() > 16 * KEPT_OUTPUT {
            text = last_of(&text);
        }
    }
    if !listens {
        let _ = tell.send(Err(last_of(&text)));
    }
}

fn address_in(text: &str) -> Option<SocketAddr> {
    let (_, rest) = text.split_once(LISTENING)?;
    // Only once the line goes on is the port known to be whole.
    let end = rest.find(|c: char| !c.is_ascii_digit() && !".:".contains(c))?;
    rest[..end].parse().ok()
}

fn last_of(text: &str) -> String {
    let from = text.len().saturating_sub(KEPT_OUTPUT);
    let from = (from..text.len()).find(|at| text.is_char_boundary(*at));
    text[from.unwrap_or(0)..].to_owned()
}
