//! The real program as a child process, with its whole output and its exit status.

use std::{
    io::Write as _,
    net::SocketAddr,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use poll_vs_sse_instrument::remove_settings;

use super::{TEST_TIMEOUT, output::Output};

/// A running program, killed on drop.
pub struct Program {
    child: Child,
    pub stdout: Output,
    pub stderr: Output,
}

/// A program that ended.
#[derive(Debug)]
pub struct Exit {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The program with a clean environment.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_poll-vs-sse"));
    command.args(args);
    remove_settings(&mut command);
    command
}

/// Runs `compare` to its end.
pub fn compare(args: &[&str]) -> Exit {
    Program::start(command(&[&["compare"], args].concat())).wait()
}

impl Program {
    pub fn start(command: Command) -> Self {
        Self::start_with(command, Stdio::null())
    }

    pub fn start_with(mut command: Command, stdin: Stdio) -> Self {
        let child = command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.expect("starts");
        let stdout = Output::capture(child.stdout.take().expect("piped"));
        let stderr = Output::capture(child.stderr.take().expect("piped"));
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// Our server on a free port, and its address.
    pub fn serve() -> (Self, SocketAddr) {
        Self::serve_with(&[], "listening on http://")
    }

    /// The same with a new certificate, and its address for TLS.
    pub fn serve_tls() -> (Self, SocketAddr) {
        let flags = ["--tls", "self-signed", "--bind-tls", "127.0.0.1:0"];
        Self::serve_with(&flags, "listening on https://")
    }

    /// Our server with these flags, and the address that follows `words` in its output.
    pub fn serve_with(flags: &[&str], words: &str) -> (Self, SocketAddr) {
        let basic = ["serve", "--bind", "127.0.0.1:0", "--store", "memory"];
        let mut server = Self::start(command(&[&basic[..], flags].concat()));
        let mut addr = None;
        server.wait_until("it listens", |server| {
            let text = server.stdout.text();
            let (_, rest) = text.split_once(words)?;
            let end = rest.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c)))?;
            addr = rest[..end].parse().ok();
            addr.map(|_| ())
        });
        (server, addr.expect("an address"))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn wait_until(&mut self, what: &str, mut done: impl FnMut(&Self) -> Option<()>) {
        let begin = Instant::now();
        while done(self).is_none() {
            let ended = self.child.try_wait().expect("a status");
            assert!(ended.is_none(), "{what}: ended, {}", self.stderr.text());
            assert!(
                begin.elapsed() < TEST_TIMEOUT,
                "{what}: {}",
                self.stderr.text()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Writes a line to its standard input, and closes that.
    pub fn write_line(&mut self, line: &str) {
        let mut stdin = self.child.stdin.take().expect("piped");
        writeln!(stdin, "{line}").expect("written");
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: `kill` takes plain integers; the child was not waited for, so the id is its own.
        let result = unsafe { libc::kill(self.child.id() as i32, signal) };
        assert_eq!(result, 0, "signalled");
    }

    /// Waits for the end.
    pub fn wait(mut self) -> Exit {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                break status;
            }
            assert!(
                begin.elapsed() < TEST_TIMEOUT,
                "the program did not end: {}",
                self.stderr.text()
            );
            thread::sleep(Duration::from_millis(5));
        };
        Exit {
            code: status.code(),
            stdout: self.stdout.end(),
            stderr: self.stderr.end(),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
