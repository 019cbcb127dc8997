//! The servers to measure, each started on 127.0.0.1 with the settings that the comparison needs.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use poll_vs_sse_instrument::{ChildProcess, Profile, Target, remove_settings};

use super::baseline_server::{self, Task};
use super::certificate::Certificate;
use super::http::{self, Connection};
use super::process;
use super::temporary_directory::TemporaryDirectory;

/// The pause between two checks whether a server listens.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// Both this project's server and the baseline server print their address right after these words.
const LISTENING: &str = "listening on http://";
/// The longest time until a server listens.
pub(super) const START_TIMEOUT: Duration = Duration::from_secs(10);

/// A running server.
pub struct RunningServer {
    pub process: ChildProcess,
    pub address: SocketAddr,
    /// The server's files, deleted once it has ended.
    directory: Option<TemporaryDirectory>,
    /// Another server that this one depends on. Its CPU time is counted separately.
    companion: Option<Box<RunningServer>>,
}

impl RunningServer {
    /// Starts a server that prints its address.
    fn start_announcing(name: &str, command: Command, core: Option<usize>) -> Result<Self> {
        let process = process::start(name, command, core)?;
        let address = process.address(LISTENING, START_TIMEOUT)?;
        Ok(Self {
            process,
            address,
            directory: None,
            companion: None,
        })
    }

    /// Starts a server whose address was configured. `directory` has its files.
    pub(super) fn start(
        name: &str,
        command: Command,
        core: Option<usize>,
        address: SocketAddr,
        directory: Option<TemporaryDirectory>,
    ) -> Result<Self> {
        Ok(Self {
            process: process::start(name, command, core)?,
            address,
            directory,
            companion: None,
        })
    }

    /// Waits until a server that prints no address accepts connections.
    pub(super) fn wait_until_listening(self) -> Result<Self> {
        let deadline = Instant::now() + START_TIMEOUT;
        while TcpStream::connect_timeout(&self.address, START_TIMEOUT).is_err() {
            let ended = self.process.has_ended();
            if ended || Instant::now() > deadline {
                bail!(
                    "{} does not listen:\n{}",
                    self.process.name,
                    self.process.last_output()
                );
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        Ok(self)
    }

    /// The server's processes and those of its companion.
    pub fn pids_with_companion(&self) -> Vec<i32> {
        let companion = self.companion.as_ref();
        let mut pids = companion.map_or_else(Vec::new, |companion| companion.pids_with_companion());
        pids.extend(self.process.pids());
        pids
    }

    /// The same server with a companion that runs as long as it does.
    pub fn with_companion(self, companion: Self) -> Self {
        Self {
            companion: Some(Box::new(companion)),
            ..self
        }
    }

    /// This server as a target of the measuring engine, on one processor.
    pub fn target(&self, profile: Profile) -> Result<Target> {
        let url = format!("http://{}", self.address);
        let pid = u32::try_from(self.process.pids()[0]).ok();
        let mut target = Target::remote(&url, profile, pid)?;
        if let Target::Remote(remote) = &mut target {
            remote.cores = Some(1);
        }
        Ok(target)
    }
}

/// The server to measure: the given one, or else the one built with the bench.
pub fn binary(given: Option<&Path>, built: Option<&str>) -> Result<PathBuf> {
    let path = given.map(Path::to_owned).or(built.map(PathBuf::from));
    let path = path.context("no server was built with this bench: name one with --server-bin")?;
    ensure!(path.is_file(), "{} is not a file", path.display());
    Ok(path)
}

/// The baseline server.
pub fn floor(name: &str, task: &Task, core: Option<usize>) -> Result<RunningServer> {
    let mut command = Command::new(std::env::current_exe().context("find this executable")?);
    command.arg(baseline_server::ARGUMENT);
    command.args(task.arguments());
    RunningServer::start_announcing(name, command, core)
}

/// The settings of this project's server.
#[derive(Debug, Clone, Copy)]
pub struct OwnServer<'a> {
    pub store: &'a str,
    pub workers: usize,
    pub request_log: bool,
    /// `--retain-messages`; `None` for its default.
    pub kept: Option<u32>,
    /// Turns retention off.
    pub keeps_all: bool,
    /// If off, actix-web serves every request.
    pub fast_path: bool,
    /// Further flags.
    pub flags: &'a [&'a str],
}

impl Default for OwnServer<'_> {
    fn default() -> Self {
        Self {
            store: "memory",
            workers: 1,
            request_log: false,
            kept: None,
            keeps_all: false,
            fast_path: true,
            flags: &[],
        }
    }
}

impl OwnServer<'_> {
    /// Starts the server on a free port.
    pub fn start(self, name: &str, binary: &Path, core: Option<usize>) -> Result<RunningServer> {
        RunningServer::start_announcing(name, self.command(binary, "127.0.0.1:0"), core)
    }

    /// The same with TLS on a second port, whose address is returned too.
    pub fn start_with_tls(
        self,
        name: &str,
        binary: &Path,
        core: Option<usize>,
        certificate: &Certificate,
    ) -> Result<(RunningServer, SocketAddr)> {
        let over_tls = free_address()?;
        let mut command = self.command(binary, "127.0.0.1:0");
        command.args(["--bind-tls", &over_tls.to_string()]);
        command.arg("--tls-cert").arg(certificate.cert());
        command.arg("--tls-key").arg(certificate.key());
        Ok((
            RunningServer::start_announcing(name, command, core)?,
            over_tls,
        ))
    }

    pub(super) fn command(self, binary: &Path, bind: &str) -> Command {
        let mut command = Command::new(binary);
        remove_settings(&mut command);
        command.args(["serve", "--bind", bind, "--store", self.store]);
        command.args(["--workers", &self.workers.to_string()]);
        command.args(["--request-log", if self.request_log { "on" } else { "off" }]);
        if self.keeps_all {
            command.args(["--retain-messages", "off", "--retain-age", "off"]);
        }
        // On is the default, and older builds do not have the flag.
        if !self.fast_path {
            command.args(["--http-fast-path", "off"]);
        }
        if let Some(kept) = self.kept {
            command.args(["--retain-messages", &kept.to_string()]);
        }
        command.args(self.flags);
        command
    }
}

/// Any other server. `command` gets its port and a directory for its files.
pub fn third_party(
    name: &str,
    command: impl FnOnce(u16, PathBuf) -> Command,
    core: Option<usize>,
) -> Result<RunningServer> {
    let directory = TemporaryDirectory::create()?;
    let address = free_address()?;
    let command = command(address.port(), directory.path.clone());
    RunningServer::start(name, command, core, address, Some(directory))?.wait_until_listening()
}

/// A NATS server with JetStream, which keeps its files in `directory`.
pub fn nats(name: &str, directory: &Path, core: Option<usize>) -> Result<RunningServer> {
    let address = free_address()?;
    let mut command = Command::new("nats-server");
    command.args(["-js", "-a", "127.0.0.1", "-p", &address.port().to_string()]);
    command.arg("-sd").arg(directory);
    RunningServer::start(name, command, core, address, None)?.wait_until_listening()
}

/// The output of `nats-server --version`; `None` if it is not installed.
pub fn nats_version() -> Option<String> {
    let output = Command::new("nats-server").arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// An address with a port that is free at the moment.
pub fn free_address() -> Result<SocketAddr> {
    let [address] = free_addresses()?;
    Ok(address)
}

/// Addresses with different ports that are free at the moment.
pub fn free_addresses<const COUNT: usize>() -> Result<[SocketAddr; COUNT]> {
    let listeners = [0; COUNT].map(|_| TcpListener::bind("127.0.0.1:0"));
    let mut addresses = [SocketAddr::from(([127, 0, 0, 1], 0)); COUNT];
    for (address, listener) in addresses.iter_mut().zip(listeners) {
        *address = listener.context("find a free port")?.local_addr()?;
    }
    Ok(addresses)
}
