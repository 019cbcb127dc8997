//! The real binary as a child process, with its whole output and its exit status.

use std::{
    ffi::OsStr,
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use poll_vs_sse_instrument::remove_settings;

use super::{TEST_TIMEOUT, client::TestClient, eventually, output::Output, server::has_fast_path};

/// A running server, killed on drop.
pub struct Process {
    child: ChildGuard,
    addr: SocketAddr,
    pub stdout: Output,
    pub stderr: Output,
}

/// A server that may not listen yet, killed on drop.
pub struct StartingProcess {
    child: ChildGuard,
    pub stdout: Output,
    stderr: Output,
}

/// A process that ended.
pub struct Exit {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// The binary with a clean environment and no standard input.
pub fn command<S: AsRef<OsStr>>(args: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_poll-vs-sse"));
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    remove_settings(&mut command);
    if !has_fast_path() {
        command.env("POLL_VS_SSE_HTTP_FAST_PATH", "off");
    }
    command
}

/// Runs the binary to its end.
pub fn run<S: AsRef<OsStr>>(args: &[S]) -> Exit {
    run_command(command(args))
}

pub fn run_command(mut command: Command) -> Exit {
    let mut guard = ChildGuard(command.spawn().expect("starts"));
    let (stdout, stderr) = outputs(&mut guard.0);
    wait_for_exit(&mut guard.0, stdout, stderr)
}

impl Process {
    /// A server with `args` on a free port.
    pub fn start(args: &[&str]) -> Self {
        Self::spawn(command(args))
    }

    pub fn spawn(command: Command) -> Self {
        StartingProcess::new(command).wait_until_listening()
    }

    pub fn signal(&self, signal: i32) {
        self.child.signal(signal);
    }

    /// Its resident memory now.
    pub fn resident_megabytes(&self) -> usize {
        let path = format!("/proc/{}/statm", self.child.0.id());
        let pages = std::fs::read_to_string(path).expect("Linux");
        let resident = pages.split(' ').nth(1).expect("a second figure");
        resident.parse::<usize>().expect("a number") * 4096 / 1_000_000
    }

    /// Waits for the end.
    pub fn wait(mut self) -> Exit {
        wait_for_exit(&mut self.child.0, self.stdout, self.stderr)
    }

    pub fn stop(self) -> Exit {
        self.signal(libc::SIGTERM);
        self.wait()
    }

    /// `kill -9`.
    pub fn kill(self) {
        self.signal(libc::SIGKILL);
        self.wait();
    }
}

impl StartingProcess {
    pub fn new(mut command: Command) -> Self {
        command.args(["--bind", "127.0.0.1:0"]);
        let mut child = ChildGuard(command.spawn().expect("starts"));
        let (stdout, stderr) = outputs(&mut child.0);
        Self {
            child,
            stdout,
            stderr,
        }
    }

    pub fn signal(&self, signal: i32) {
        self.child.signal(signal);
    }

    /// Waits until it waits for its store, and returns the address at which it answers in the meantime.
    pub fn wait_until_standby(&self) -> SocketAddr {
        let mut addr = None;
        eventually("the server says where it answers", || {
            let lines = self.stdout.text();
            let rest = lines.split_once("until the store answers, http://");
            let written = rest.and_then(|(_, rest)| rest.split_once('/'));
            addr = written.and_then(|(addr, _)| addr.parse().ok());
            addr.is_some()
        });
        addr.expect("an address")
    }

    pub fn wait_until_listening(self) -> Process {
        let Self {
            mut child,
            stdout,
            stderr,
        } = self;
        let mut addr = None;
        eventually("the server prints its address", || {
            let exited = child.0.try_wait().expect("a status");
            assert!(exited.is_none(), "the server ended: {}", stderr.text());
            addr = stdout.text().lines().find_map(listening_addr);
            addr.is_some()
        });
        Process {
            child,
            addr: addr.expect("an address"),
            stdout,
            stderr,
        }
    }
}

impl TestClient for Process {
    fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// Kills the child on drop, if it has not ended.
struct ChildGuard(Child);

impl ChildGuard {
    fn signal(&self, signal: i32) {
        let pid = self.0.id() as i32;
        // SAFETY: `kill` takes plain integers; the child was not waited for, so the id is its own.
        let result = unsafe { libc::kill(pid, signal) };
        assert_eq!(result, 0, "signalled");
    }
}

impl Drop for ChildGuard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn outputs(child: &mut Child) -> (Output, Output) {
    let stdout = child.stdout.take().expect("piped");
    let stderr = child.stderr.take().expect("piped");
    (Output::capture(stdout), Output::capture(stderr))
}

fn wait_for_exit(child: &mut Child, stdout: Output, stderr: Output) -> Exit {
    let deadline = Instant::now() + TEST_TIMEOUT;
    let status = loop {
        if let Some(status) = child.try_wait().expect("a status") {
            break status;
        }
        let late = Instant::now() > deadline;
        assert!(!late, "the process did not end: {}", stdout.text());
        thread::sleep(Duration::from_millis(5));
    };
    Exit {
        status,
        stdout: stdout.end(),
        stderr: stderr.end(),
    }
}

/// The address in a log line, as text or JSON; `None` if the line has none.
fn listening_addr(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("listening on http://")?;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c)));
    rest[..end.unwrap_or(rest.len())].parse().ok()
}
