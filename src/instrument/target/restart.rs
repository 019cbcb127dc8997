//! Restarts the server under test during a run.

use std::{
    fs::File,
    io::{Read as _, Seek as _},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use parking_lot::Mutex;
use tempfile::TempDir;

use super::own_server::{OwnServer, ServerProcess};
use crate::{
    CpuPinning,
    machine::{
        listening::listener_of, process_tree::ProcessTree, server_processes::ServerProcesses,
    },
};

/// The time between two checks whether another server accepts connections.
const INTERVAL: Duration = Duration::from_millis(20);
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a restart may take.
const LIMIT: Duration = Duration::from_secs(60);

/// The most of a failed command's standard error in the message about it.
const MAX_ERROR_BYTES: u64 = 4096;

/// Gets the events of a restart.
pub trait RestartEvents {
    /// The old server accepts no more connections.
    fn gone(&self);
    /// The new one accepts connections.
    fn back(&self);
}

/// The way to restart the server under test.
#[derive(Debug)]
pub enum Restart {
    /// Our own server, which is stopped and started again at the same address with the same log.
    Own {
        own: OwnServer,
        pinning: CpuPinning,
        running: Mutex<Option<ServerProcess>>,
        data: TempDir,
    },
    /// By a command of the user.
    Command { command: String, addr: SocketAddr },
}

/// The name of the store in `data`.
pub fn store_in(data: &TempDir) -> String {
    format!("sqlite:{}", data.path().join("log.db").display())
}

impl Restart {
    /// Restarts the server, and returns once the new one takes connections.
    pub fn run(
        &self,
        processes: Option<&ServerProcesses>,
        events: &dyn RestartEvents,
    ) -> Result<()> {
        match self {
            Self::Own {
                own,
                pinning,
                running,
                data,
            } => {
                let mut running = running.lock();
                let old = running.take().context("the server was not running")?;
                let addr = old.addr;
                if let Some(processes) = processes {
                    processes.retire();
                }
                drop(old);
                events.gone();
                let new = own.start_at(pinning, addr, &store_in(data))?;
                events.back();
                if let Some(processes) = processes {
                    processes.replace(ProcessTree::from_root(new.pid()));
                }
                *running = Some(new);
                Ok(())
            }
            Self::Command { command, addr } => {
                let keep_account = processes.map(ServerProcesses::bookmark);
                run_command(command, *addr, events)?;
                if let (Some(processes), Some(used)) = (processes, keep_account)
                    && !processes.is_running()
                    && let Some(pid) = listener_of(addr.port())
                {
                    processes.succeed(used, ProcessTree::from_root(pid));
                }
                Ok(())
            }
        }
    }
}

/// Runs `command` and watches whether the server takes connections.
fn run_command(command: &str, addr: SocketAddr, events: &dyn RestartEvents) -> Result<()> {
    // A file, because the new server inherits it: a pipe would block it once full, and end it once closed.
    let mut said = tempfile::tempfile().context("a file for what the --restart-command says")?;
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said.try_clone()?)
        .spawn()
        .context("cannot run the --restart-command")?;
    let deadline = Instant::now() + LIMIT;
    loop {
        let ended = has_ended(&mut child, &mut said)?;
        let is_listening = TcpStream::connect_timeout(&addr, CONNECT_TIMEOUT).is_ok();
        if !is_listening {
            events.gone();
        }
        if ended && is_listening {
            // A server that hands its listening socket on never refuses a connection.
            events.gone();
            events.back();
            return Ok(());
        }
        if Instant::now() >= deadline {
            let limit = LIMIT.as_secs();
            // An error means that it has ended.
            let _ = child.kill();
            ensure!(
                ended,
                "the --restart-command did not end within {limit} s; start the server in the background"
            );
            bail!("{addr} takes no connections {limit} s after the --restart-command began");
        }
        sleep(INTERVAL);
    }
}

/// Whether the command has ended; one that failed is an error.
fn has_ended(child: &mut Child, said: &mut File) -> Result<bool> {
    let Some(status) = child.try_wait().context("the --restart-command")? else {
        return Ok(false);
    };
    if !status.success() {
        let mut text = Vec::new();
        said.rewind()?;
        said.take(MAX_ERROR_BYTES).read_to_end(&mut text)?;
        let text = String::from_utf8_lossy(&text);
        bail!("the --restart-command failed ({status}): {}", text.trim());
    }
    Ok(true)
}
