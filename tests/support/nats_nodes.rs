//! Real NATS servers that a test may stop, freeze, wipe and start again.

use std::process::{Child, Stdio};

use poll_vs_sse::log::nats::Options;
use tempfile::TempDir;

use super::nats::{await_port, command, free_port, url};

/// A NATS server that a test may stop, freeze and start again. Killed when it is dropped.
pub struct Nats {
    port: u16,
    args: Vec<String>,
    child: Option<Child>,
    directory: TempDir,
}

impl Nats {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With further arguments, such as `--auth` and a token.
    pub fn with(args: &[&str]) -> Self {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Self::on(free_port(), args, true)
    }

    fn new(port: u16, args: Vec<String>) -> Self {
        Self {
            port,
            args,
            child: None,
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    fn on(port: u16, mut args: Vec<String>, jetstream: bool) -> Self {
        if jetstream {
            args.push("--jetstream".into());
        }
        let mut nats = Self::new(port, args);
        nats.go_on();
        nats
    }

    pub fn url(&self) -> String {
        url(self.port)
    }

    pub fn options(&self) -> Options {
        Options::new(&self.url())
    }

    /// Starts it, again or for the first time, on what it has stored.
    pub fn go_on(&mut self) {
        let child = command(self.port, self.directory.path(), &self.args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server starts (Debian's package of that name)");
        self.child = Some(child);
        await_port(self.port);
    }

    pub fn signal(&self, signal: i32) {
        let pid = self.child.as_ref().expect("it runs").id() as i32;
        // SAFETY: `kill` takes plain integers; the child was not waited for, so the id is its own.
        let result = unsafe { libc::kill(pid, signal) };
        assert_eq!(result, 0, "signalled");
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}
