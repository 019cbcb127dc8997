//! The one launcher of programs: a server under test, what stands before it, the processes of an audit. What one puts
//! out is read at all times, so that it never waits for a reader, and it ends with its value.

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

/// A child that has not ended by itself after SIGTERM is killed after this long.
const STOP_GRACE: Duration = Duration::from_secs(3);
/// Between two looks whether it has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(1);
/// How much of what a child puts out is kept, for the error message if it fails.
const KEPT_OUTPUT_BYTES: usize = 4096;
/// What a pipe takes before a child waits for its reader.
#[cfg(target_os = "linux")]
const PIPE_BYTES: i32 = 1 << 20;

/// A running child. Dropping it ends it, and all that it started.
#[derive(Debug)]
pub struct ChildProcess {
    pub name: String,
    child: Child,
    output: Arc<Output>,
}

/// What a child has put out.
#[derive(Debug, Default)]
struct Output {
    state: Mutex<OutputState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct OutputState {
    text: String,
    is_over: bool,
    /// Its address is known, and nothing else was waited for.
    is_ignored: bool,
}

/// Takes the user's own settings of this program out of a child's environment.
pub fn remove_settings(command: &mut Command) {
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("POLL_VS_SSE_") {
            command.env_remove(variable);
        }
    }
}

impl ChildProcess {
    /// Starts a program, and reads what it puts out.
    pub fn start(name: &str, command: Command) -> Result<Self> {
        Self::start_by(name, command, Command::spawn)
    }

    /// The same by `spawn`, which may keep it to processors.
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

    /// Starts a program that puts its output into a file.
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

    /// Waits until the child says where it listens, right after `words`.
    ///
    /// # Errors
    ///
    /// If it ends instead, or says nothing of it for so long.
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

    /// Whether the child has ended, as far as its output says.
    pub fn has_ended(&self) -> bool {
        self.output.state.lock().is_over
    }

    /// The last that it put out, if its address was not asked for.
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

    /// Asks it to end by SIGTERM and says how long that took; `None` if it was there still after
    /// `limit`. Dropping it kills it then.
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

    /// Ends it without asking, with all it started.
    pub fn kill(&mut self) {
        if self.is_running() {
            let pids = self.pids();
            self.kill_all(&pids);
        }
    }

    /// Whether it was not waited for yet; else its id may be another's by now.
    fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn kill_all(&mut self, pids: &[i32]) {
        #[cfg(unix)]
        for pid in pids {
            use nix::{sys::signal, unistd::Pid};
            // One that has ended by now needs none.
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
        // Whoever outlives the child is nobody's child any more.
        let pids = self.pids();
        if self.stop_within(STOP_GRACE).is_none() {
            self.kill_all(&pids);
        }
    }
}

/// Asks a child that was not waited for to end.
fn terminate(child: &Child) {
    #[cfg(unix)]
    {
        use nix::{sys::signal, unistd::Pid};
        // Its id is its own, even if it has ended in the meantime.
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
    // Only once the line goes on is the port known to be whole.
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
    fn it_says_where_it_listens() {
        let child =
            shell("echo begun >&2; echo listening on http://127.0.0.1:8080, or so; sleep 60");
        let address = child.address("listening on http://", SOON).expect("said");
        assert_eq!(address.to_string(), "127.0.0.1:8080");
        assert!(!child.has_ended());
    }

    #[test]
    fn one_that_ends_or_is_silent_is_an_error() {
        let failed = shell("echo no such flag >&2; exit 2").address("listening", SOON);
        let error = failed.expect_err("ended").to_string();
        assert!(error.ends_with("listened: no such flag"), "{error}");
        let silent = shell("exec sleep 60");
        let error = silent.address("listening", Duration::from_millis(20));
        assert!(error.is_err());
        assert!(!silent.has_ended());
    }

    #[test]
    fn its_children_end_with_it() {
        let mut child =
            shell("sleep 60 & echo listening on 127.0.0.1:1 now; trap '' TERM; wait; wait");
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
