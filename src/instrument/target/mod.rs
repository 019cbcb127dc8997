//! The measured server: our own, which is started for each run, or one that already runs.

mod json_path;
mod link;
pub mod own_server;
pub mod profile;
pub mod requests;
pub mod restart;

use std::{
    net::{SocketAddr, TcpStream, ToSocketAddrs as _},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};

use parking_lot::Mutex;
use tempfile::TempDir;

use self::{
    own_server::{ANY_ADDRESS, OwnServer, ServerProcess},
    profile::Profile,
    restart::{Restart, RestartEvents, store_in},
};
use crate::{
    LoadScenario, Protocol,
    http::{address::TargetUrl, endpoint::Endpoint, tls::TlsOptions},
    machine::{
        cpu_pinning::CpuPinning, listening::listen_on, process_tree::ProcessTree,
        server_processes::ServerProcesses,
    },
};

/// How long an address may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The measured server.
#[derive(Debug, Clone)]
pub enum Target {
    /// A new server for every run, so that each run begins with the same memory.
    Own(OwnServer),
    /// A server that runs already.
    Remote(Box<Remote>),
}

/// A server that runs already.
#[derive(Debug, Clone)]
pub struct Remote {
    pub url: String,
    pub address: TargetUrl,
    /// All addresses its name has.
    pub addrs: Vec<SocketAddr>,
    pub profile: Profile,
    pub tls: Option<TlsOptions>,
    /// The protocol, if it is not left to the address and ALPN.
    pub protocol: Option<Protocol>,
    /// Its process, if it runs on this machine.
    pub pid: Option<u32>,
    /// Processors it may use, if known.
    pub cores: Option<u32>,
    /// The shell command that restarts it.
    pub restart_command: Option<String>,
}

/// The protocol options for a server that already runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct RemoteOptions {
    /// The protocol; by default, the address and ALPN decide.
    pub protocol: Option<Protocol>,
    /// Whether any certificate is accepted.
    pub is_insecure: bool,
}

/// A target that is ready for one run.
#[derive(Debug)]
pub struct RunTarget {
    /// The address for output.
    pub url: String,
    pub endpoint: Endpoint,
    pub prefix: String,
    pub profile: Profile,
    pub processes: Option<ServerProcesses>,
    pub cores: Option<u32>,
    /// Ends the server when the run is over.
    server: RunServer,
}

/// What happens to the server within a run.
#[derive(Debug)]
enum RunServer {
    /// It ends with the run if it is our own.
    Kept {
        _process: Option<ServerProcess>,
    },
    Restarted(Restart),
}

impl RunTarget {
    /// Restarts the server, which must have been opened for that.
    pub fn restart(&self, events: &dyn RestartEvents) -> Result<()> {
        match &self.server {
            RunServer::Restarted(restart) => restart.run(self.processes.as_ref(), events),
            RunServer::Kept { .. } => bail!("this server cannot be restarted"),
        }
    }
}

impl Remote {
    /// The first of its addresses that accepts connections: `localhost` has two addresses, a server often listens on
    /// one.
    fn answering(&self) -> Result<SocketAddr> {
        let mut failure = None;
        for addr in &self.addrs {
            match TcpStream::connect_timeout(addr, CONNECT_TIMEOUT) {
                Ok(_) => return Ok(*addr),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        let why = failure.map_or_else(String::new, |error| format!(" ({error})"));
        bail!(
            "cannot reach {}{why}: start the server, or correct --target",
            self.url
        )
    }
}

impl Target {
    /// This program's own server.
    pub fn own() -> Self {
        Self::own_from(None)
    }

    /// The server of another build.
    pub fn own_from(binary: Option<PathBuf>) -> Self {
        Self::Own(OwnServer {
            binary,
            ..OwnServer::default()
        })
    }

    /// The server at `url`, with `profile`.
    pub fn remote(url: &str, profile: Profile, pid: Option<u32>) -> Result<Self> {
        Self::remote_over(url, profile, pid, RemoteOptions::default())
    }

    /// The same, with options for the protocol.
    pub fn remote_over(
        url: &str,
        profile: Profile,
        pid: Option<u32>,
        options: RemoteOptions,
    ) -> Result<Self> {
        let address: TargetUrl = url.parse()?;
        let host = address.host.as_str();
        let found = (host, address.port)
            .to_socket_addrs()
            .with_context(|| format!("cannot find the host {host}: correct --target"))?;
        let addrs: Vec<SocketAddr> = found.collect();
        ensure!(!addrs.is_empty(), "the host {host} has no address");
        if let Some(pid) = pid {
            let tree = ProcessTree::from_root(pid);
            ensure!(
                tree.is_running(),
                "there is no process {pid} on this machine: correct --pid or leave it out"
            );
            ensure!(
                !tree.includes_own_process(),
                "process {pid} also started this program, whose clients would count as the server's work: give \
                 --pid the server's own process"
            );
        }
        let tls = match address.is_tls {
            true => Some(TlsOptions::new(&address.host, options.is_insecure)?),
            false => {
                ensure!(
                    !options.is_insecure,
                    "--insecure is about a certificate, and {url} has none"
                );
                None
            }
        };
        Ok(Self::Remote(Box::new(Remote {
            url: url.to_owned(),
            tls,
            protocol: options.protocol,
            address,
            addrs,
            profile,
            pid,
            cores: None,
            restart_command: None,
        })))
    }

    /// Whether the load is only on this machine.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Own(_) => true,
            Self::Remote(remote) => remote.addrs.iter().all(|addr| addr.ip().is_loopback()),
        }
    }

    pub fn profile(&self) -> Profile {
        match self {
            Self::Own(_) => Profile::own(),
            Self::Remote(remote) => remote.profile.clone(),
        }
    }

    /// The process that the user named for a running server.
    pub fn pid(&self) -> Option<u32> {
        match self {
            Self::Own(_) => None,
            Self::Remote(remote) => remote.pid,
        }
    }

    /// Whether that process, or one that it started, listens on the port of the target. `None`
    /// if that is unknown.
    pub fn pid_listens(&self) -> Option<bool> {
        match self {
            Self::Own(_) => None,
            Self::Remote(remote) => {
                listen_on(ProcessTree::from_root(remote.pid?), remote.address.port)
            }
        }
    }

    /// The name for output.
    pub fn name(&self) -> String {
        match self {
            Self::Own(_) => "self".to_owned(),
            Self::Remote(remote) => remote.url.clone(),
        }
    }

    pub(crate) fn open(&self, pinning: &CpuPinning) -> Result<RunTarget> {
        self.open_for(pinning, LoadScenario::Steady)
    }

    /// Opens the target for `scenario`. With a restart, our own server keeps its log in a file, so that earlier
    /// messages are still there.
    pub(crate) fn open_for(
        &self,
        pinning: &CpuPinning,
        scenario: LoadScenario,
    ) -> Result<RunTarget> {
        let is_restarted = scenario == LoadScenario::Restart;
        match self {
            Self::Own(own) => {
                let data = match is_restarted {
                    true => Some(TempDir::new().context("a directory for the server's log")?),
                    false => None,
                };
                let server = match &data {
                    Some(data) => own.start_at(pinning, ANY_ADDRESS, &store_in(data))?,
                    None => own.start(pinning)?,
                };
                let cores = match pinning.server.len() {
                    0 => std::thread::available_parallelism().map_or(1, usize::from),
                    count => count,
                };
                let (scheme, tls) = match own.tls {
                    true => ("https", Some(TlsOptions::new("localhost", true)?)),
                    false => ("http", None),
                };
                Ok(RunTarget {
                    url: format!("{scheme}://{}", server.addr),
                    endpoint: Endpoint {
                        addr: server.addr,
                        authority: server.addr.to_string(),
                        tls,
                        protocol: own.protocol,
                    },
                    prefix: String::new(),
                    profile: Profile::own(),
                    processes: Some(ServerProcesses::new(ProcessTree::from_root(server.pid()))),
                    cores: u32::try_from(cores).ok(),
                    server: match data {
                        Some(data) => RunServer::Restarted(Restart::Own {
                            own: own.clone(),
                            pinning: pinning.clone(),
                            running: Mutex::new(Some(server)),
                            data,
                        }),
                        None => RunServer::Kept {
                            _process: Some(server),
                        },
                    },
                })
            }
            Self::Remote(remote) => {
                let addr = remote.answering()?;
                let server = match &remote.restart_command {
                    Some(command) if is_restarted => RunServer::Restarted(Restart::Command {
                        command: command.clone(),
                        addr,
                    }),
                    _ => RunServer::Kept { _process: None },
                };
                Ok(RunTarget {
                    url: remote.url.clone(),
                    endpoint: Endpoint {
                        addr,
                        authority: remote.address.authority.clone(),
                        tls: remote.tls.clone(),
                        protocol: remote.protocol,
                    },
                    prefix: remote.address.prefix.clone(),
                    profile: remote.profile.clone(),
                    processes: remote
                        .pid
                        .map(ProcessTree::from_root)
                        .map(ServerProcesses::new),
                    cores: remote.cores,
                    server,
                })
            }
        }
    }
}
