//! A child process that can be killed, terminated, paused, and restarted with the same arguments.

use std::{
    ffi::OsString,
    fs::{File, OpenOptions},
    io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use poll_vs_sse_instrument::{ChildProcess, remove_settings};
use tokio::{
    net::TcpStream,
    sync::Mutex,
    time::{Instant, sleep},
};

const START_TIMEOUT: Duration = Duration::from_secs(20);
const END_TIMEOUT: Duration = Duration::from_secs(15);

/// A program with its arguments, and its process while it runs.
pub struct Process {
    pub name: String,
    pub addr: SocketAddr,
    program: OsString,
    args: Vec<OsString>,
    output: PathBuf,
    /// Locked during a fault of the process.
    child: Mutex<Option<ChildProcess>>,
}

/// A port of the loopback address that is free now.
pub fn free_addr() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

impl Process {
    pub fn new<S: Into<OsString>>(
        name: String,
        addr: SocketAddr,
        program: &Path,
        args: impl IntoIterator<Item = S>,
        directory: &Path,
    ) -> Self {
        Self {
            output: directory.join(format!("{name}.log")),
            name,
            addr,
            program: program.into(),
            args: args.into_iter().map(Into::into).collect(),
            child: Mutex::new(None),
        }
    }

    pub async fn start(&self) -> Result<()> {
        let mut child = self.child.lock().await;
        self.start_as(&mut child).await
    }

    async fn start_as(&self, child: &mut Option<ChildProcess>) -> Result<()> {
        let output = self.open_output()?;
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        remove_settings(&mut command);
        let started = ChildProcess::start_into(&self.name, command, output)?;
        let child = child.insert(started);
        let deadline = Instant::now() + START_TIMEOUT;
        while TcpStream::connect(self.addr).await.is_err() {
            if let Some(status) = child.try_wait()? {
                bail!("{} ended with {status}: {}", self.name, self.last_line());
            }
            if Instant::now() > deadline {
                bail!(
                    "{} did not start listening: {}",
                    self.name,
                    self.last_line()
                );
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    fn open_output(&self) -> io::Result<File> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.output)
    }

    pub fn output(&self) -> String {
        let bytes = std::fs::read(&self.output).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn last_line(&self) -> String {
        self.output().lines().last().unwrap_or_default().to_owned()
    }

    /// Kills the process (SIGKILL), and restarts it after `down`.
    pub async fn kill_for(&self, down: Duration) -> Result<()> {
        let mut child = self.child.lock().await;
        let ended = self.end(&mut child, Signal::SIGKILL).await;
        sleep(down).await;
        self.start_as(&mut child).await?;
        ended
    }

    /// Terminates the process (SIGTERM), and restarts it `down` after its end.
    pub async fn terminate_for(&self, down: Duration) -> Result<()> {
        let mut child = self.child.lock().await;
        let ended = self.end(&mut child, Signal::SIGTERM).await;
        sleep(down).await;
        self.start_as(&mut child).await?;
        ended
    }

    pub async fn pause_for(&self, time: Duration) -> Result<()> {
        let child = self.child.lock().await;
        let Some(child) = &*child else { return Ok(()) };
        signal(child, Signal::SIGSTOP)?;
        sleep(time).await;
        signal(child, Signal::SIGCONT)
    }

    /// Ends the process for good.
    pub async fn stop(&self, how: Signal) -> Result<()> {
        self.end(&mut *self.child.lock().await, how).await
    }

    async fn end(&self, child: &mut Option<ChildProcess>, how: Signal) -> Result<()> {
        let Some(mut running) = child.take() else {
            return Ok(());
        };
        if let Some(status) = running.try_wait()? {
            bail!(
                "{} ended unexpectedly with {status}: {}",
                self.name,
                self.last_line()
            );
        }
        signal(&running, how)?;
        let deadline = Instant::now() + END_TIMEOUT;
        loop {
            match running.try_wait()? {
                Some(status) if how == Signal::SIGTERM && !status.success() => {
                    bail!("{} ended with {status}: {}", self.name, self.last_line());
                }
                Some(_) => return Ok(()),
                None if Instant::now() > deadline => {
                    running.kill();
                    bail!("{} did not end: {}", self.name, self.last_line());
                }
                None => sleep(Duration::from_millis(10)).await,
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = self.child.get_mut() {
            // Its shutdown does not matter any more.
            child.kill();
        }
    }
}

fn signal(child: &ChildProcess, signal: Signal) -> Result<()> {
    let pid = i32::try_from(child.id()).context("a process id")?;
    kill(Pid::from_raw(pid), signal).context("signals")
}
