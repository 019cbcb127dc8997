//! This project's server as a separate process, so that its CPU time and memory can be read from outside.

use std::{
    ffi::OsString,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result};

use crate::{
    Protocol,
    machine::{
        child_process::{ChildProcess, remove_settings},
        cpu_pinning::CpuPinning,
    },
};

/// How long the server may take until it listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const LISTENING: [&str; 2] = ["listening on http://", "listening on https://"];

/// A free port of this machine.
pub const ANY_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// How to start the server.
#[derive(Debug, Clone, Default)]
pub struct OwnServer {
    /// The executable; by default this one.
    pub binary: Option<PathBuf>,
    /// Threads that serve requests; by default one per processor it has.
    pub workers: Option<usize>,
    /// Whether clients use TLS, with a self-signed certificate.
    pub tls: bool,
    /// The clients' protocol; by default HTTP/1.1, or over TLS the choice of ALPN.
    pub protocol: Option<Protocol>,
    /// Further flags of `serve`.
    pub flags: Vec<OsString>,
}

/// A running server, stopped on drop.
#[derive(Debug)]
pub struct ServerProcess {
    child: ChildProcess,
    pub addr: SocketAddr,
}

impl OwnServer {
    /// Starts it at a free address, with its messages in memory.
    pub fn start(&self, pinning: &CpuPinning) -> Result<ServerProcess> {
        self.start_at(pinning, ANY_ADDRESS, "memory")
    }

    /// Starts it so that clients reach it at `addr`.
    pub fn start_at(
        &self,
        pinning: &CpuPinning,
        addr: SocketAddr,
        store: &str,
    ) -> Result<ServerProcess> {
        let (cleartext, over_tls) = match self.tls {
            true => (ANY_ADDRESS, addr),
            false => (addr, ANY_ADDRESS),
        };
        let binary = match &self.binary {
            Some(binary) => binary.clone(),
            None => std::env::current_exe().context("cannot find this program's own file")?,
        };
        let cores = pinning.server.len().max(1);
        let workers = self.workers.unwrap_or(if pinning.server.is_empty() {
            std::thread::available_parallelism().map_or(1, usize::from)
        } else {
            cores
        });
        let mut command = Command::new(&binary);
        // The user's settings are not meant for the server under test.
        remove_settings(&mut command);
        command
            .args(["serve", "--bind", &cleartext.to_string(), "--store", store])
            .args(["--request-log", "off"])
            .args(["--end-with-parent", &std::process::id().to_string()])
            .args(["--workers", &workers.to_string()])
            .args(&self.flags);
        if self.tls {
            command.args(["--tls", "self-signed", "--bind-tls", &over_tls.to_string()]);
        }
        // Ctrl-C is for this program, which stops the server when it has the figures.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let spawn = |command: &mut Command| pinning.pin_server(|| command.spawn());
        let child = ChildProcess::start_by("the server under test", command, spawn)?;
        let addr = child.address(LISTENING[usize::from(self.tls)], START_TIMEOUT)?;
        Ok(ServerProcess { child, addr })
    }
}

impl ServerProcess {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}
