//! Starts programs: a server under test, a proxy in front of it, the processes of an audit. A child's output is
//! always read, so that the child never waits for a reader, and the child ends when its value is dropped.

use std::{
    fs::File,
    io::{self, PipeReader, Read as _},
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use parking_lot::{Condvar, Mutex};

use super::process_tree::ProcessTree;

/// A child that has not ended this long after SIGTERM is killed.
const STOP_GRACE: Duration = Duration::from_secs(3);
/// The time between two checks whether it has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(1);
/// How much of a child's output is kept, for the error message if it fails.
const KEPT_OUTPUT_BYTES: usize = 4096;
/// The size of the pipe: more unread output makes the child wait.
#[cfg(target_os = "linux")]
const PIPE_BYTES: i32 = 1 << 20;

/// A running child. Dropping it ends the child and all processes that it started.
#[derive(Debug)]
pub struct ChildProcess {
    pub name: String,
    child: Child,
    output: Arc<Output>,
}

/// A child's output.
#[derive(Debug, Default)]
struct Output {
    state: Mutex<OutputState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct OutputState {
    text: String,
    is_over: bool,
    /// Whether further output is ignored, because the address is known.
    is_ignored: bool,
}

/// Removes the user's settings for this program from a child's environment.
pub fn remove_settings(command: &mut Command) {
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("POLL_VS_SSE_") {
            command.env_remove(variable);
        }
    }
}

impl ChildProcess {
    /// Starts a program, and reads its output.
    pub fn start(name: &str, command: Command) -> Result<Self> {
        Self::start_by(name, command, Command::spawn)
    }

    /// The same with `spawn`, which may pin the child to processors.
    pub fn start_by(
        name: &str,
        mut command: Command,
        spawn: impl FnOnce(&mut Command) -> io::Result<Child>,
    ) -> Result<Self> {
        let (reader, writer) = io::pipe()?;
        // Best effort: a server that writes its log must not wait for the thread that reads it.
        #[cfg(target_os = "linux")]
        let _ = nix::fcntl::fcntl(&reader, nix::fcntl::FcntlArg::F_SETPIPE_SZ(PIPE_BYTES));
        command
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer);
        let child = spawn(&mut command);
        let started = Self::spawned(name, &command, child)?;
        let output = started.output.clone();
        thread::spawn(move || drain(reader, &output));
        Ok(started)
    }

    /// Starts a program whose output goes into a file.
    pub fn start_into(name: &str, mut command: Command, file: File) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        let child = command.spawn();
        Self::spawned(name, &command, child)
    }

    fn spawned(name: &str, command: &Command, child: io::Result<Child>) -> Result<Self> {
        let program = command.get_program();
        Ok(Self {
            name: name.to_owned(),
            child: child.with_context(|| format!("cannot start {}", program.display()))?,
            output: Arc::default(),
        })
    }

    /// Waits until the child prints its address, directly after `words`.
    ///
    /// # Errors
    ///
    /// If the child ends, or does not print its address within this time.
    pub fn address(&self, words: &str, within: Duration) -> Result<SocketAddr> {
        let deadline = Instant::now() + within;
        let mut state = self.output.state.lock();
        loop {
            if let Some(address) = address_after(&state.text, words) {
                state.is_ignored = true;
                state.text = String::new();
                return Ok(address);
            }
            if state.is_over {
                let last = last_of(&state.text);
                bail!("{} ended before it listened: {}", self.name, last.trim());
            }
            let waited = self.output.changed.wait_until(&mut state, deadline);
            if waited.timed_out() {
                bail!("{} did not say where it listens", self.name);
            }
        }
    }

    /// Whether the child has ended, which shows as the end of its output.
    pub fn has_ended(&self) -> bool {
        self.output.state.lock().is_over
    }

    /// The end of its output, if its address was not requested.
    pub fn last_output(&self) -> String {
        last_of(&self.output.state.lock().text).to_owned()
    }

    /// How it ended, if it has.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The child and all it started, such as nginx's workers.
    pub fn pids(&self) -> Vec<i32> {
        let all = ProcessTree::from_root(self.child.id()).all();
        all.into_iter().map(u32::cast_signed).collect()
    }

    /// Sends SIGTERM and returns how long the child took to end; `None` if it is still running after `limit`.
    /// Dropping it then kills it.
    pub fn stop_within(&mut self, limit: Duration) -> Option<Duration> {
        let begin = Instant::now();
        if self.is_running() {
            terminate(&self.child);
        }
        while begin.elapsed() < limit {
            if !self.is_running() {
                return Some(begin.elapsed());
            }
            thread::sleep(POLL_INTERVAL);
        }
        None
    }

    /// Kills the child and all processes that it started.
    pub fn kill(&mut self) {
        if self.is_running() {
            let pids = self.pids();
            self.kill_all(&pids);
        }
    }

    /// Whether the child was not waited for yet; otherwise its id may belong to another process by now.
    fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn kill_all(&mut self, pids: &[i32]) {
        #[cfg(unix)]
        for pid in pids {
            use nix::{sys::signal, unistd::Pid};
            // An error means that the process has ended by now.
            let _ = signal::kill(Pid::from_raw(*pid), signal::Signal::SIGKILL);
        }
        #[cfg(not(unix))]
        let _ = (pids, self.child.kill());
        let _ = self.child.wait();
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        if !self.is_running() {
            return;
        }
        // Read before the child ends, because its descendants then lose their parent.
        let pids = self.pids();
        if self.stop_within(STOP_GRACE).is_none() {
            self.kill_all(&pids);
        }
    }
}

/// Sends SIGTERM to a child that was not waited for yet.
fn terminate(child: &Child) {
    #[cfg(unix)]
    {
        use nix::{sys::signal, unistd::Pid};
        // The id still belongs to the child, even if it has ended in the meantime.
        let _ = signal::kill(
            Pid::from_raw(child.id().cast_signed()),
            signal::Signal::SIGTERM,
        );
    }
    #[cfg(not(unix))]
    let _ = child;
}

/// Reads a child's output to its end.
fn drain(mut pipe: PipeReader, output: &Output) {
    let mut buffer = vec![0; 256 * 1024];
    while let Ok(count @ 1..) = pipe.read(&mut buffer) {
        let mut state = output.state.lock();
        if state.is_ignored {
            continue;
        }
        state
            .text
            .push_str(&String::from_utf8_lossy(&buffer[..count]));
        if state.text.len() > 16 * KEPT_OUTPUT_BYTES {
            state.text = last_of(&state.text).to_owned();
        }
        output.changed.notify_all();
    }
    output.state.lock().is_over = true;
    output.changed.notify_all();
}

fn address_after(text: &str, words: &str) -> Option<SocketAddr> {
    let (_, rest) = text.split_once(words)?;
    // The port is complete only if another character follows it.
    let end = rest.find(|c: char| !c.is_ascii_digit() && !".:".contains(c))?;
    rest[..end].parse().ok()
}

fn last_of(text: &str) -> &str {
    let from = text.len().saturating_sub(KEPT_OUTPUT_BYTES);
    let from = (from..text.len()).find(|at| text.is_char_boundary(*at));
    &text[from.unwrap_or(0)..]
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> ChildProcess {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        ChildProcess::start("a shell", command).expect("starts")
    }

    #[test]
    fn the_address_is_read_from_the_output() {
        let child =
            shell("echo begun >&2; echo listening on http://127.0.0.1:8080, or so; sleep 60");
        let address = child.address("listening on http://", SOON).expect("said");
        assert_eq!(address.to_string(), "127.0.0.1:8080");
        assert!(!child.has_ended());
    }

    #[test]
    fn a_child_that_ends_or_prints_nothing_is_an_error() {
        let failed = shell("echo no such flag >&2; exit 2").address("listening", SOON);
        let error = failed.expect_err("ended").to_string();
        assert!(error.ends_with("listened: no such flag"), "{error}");
        let silent = shell("exec sleep 60");
        let error = silent.address("listening", Duration::from_millis(20));
        assert!(error.is_err());
        assert!(!silent.has_ended());
    }

    #[test]
    fn descendants_end_with_the_child() {
        let mut child =
            shell("sleep 60 & trap '' TERM; echo listening on 127.0.0.1:1 now; wait; wait");
        child.address("listening on ", SOON).expect("said");
        let pids = child.pids();
        assert_eq!(pids.len(), 2);
        assert_eq!(child.stop_within(Duration::from_millis(20)), None);
        child.kill();
        let gone = |pid: &i32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z ")
        };
        let deadline = Instant::now() + SOON;
        while !pids.iter().all(gone) {
            assert!(Instant::now() < deadline, "{pids:?} are still there");
            thread::sleep(POLL_INTERVAL);
        }
        assert!(child.try_wait().expect("a status").is_some());
    }
}
