//! This project's server as a process of its own, so that what it uses is its own and can be read
//! from outside.

use std::{
    ffi::OsString,
    io::{BufRead as _, BufReader, Read},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{Protocol, machine::cpu_pinning::CpuPinning};

/// How long it may take until it listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long it may take to stop by itself.
const STOP_GRACE: Duration = Duration::from_secs(3);
const LISTENING: [&str; 2] = ["listening on http://", "listening on https://"];

/// A free port of this machine.
pub const ANY_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// How to start it.
#[derive(Debug, Clone, Default)]
pub struct OwnServer {
    /// The executable; by default the one that runs now.
    pub binary: Option<PathBuf>,
    /// Threads that serve requests; by default one per processor it has.
    pub workers: Option<usize>,
    /// Whether clients reach it over TLS, with a certificate that it makes for itself.
    pub tls: bool,
    /// The protocol that clients speak; by default HTTP/1.1, and what ALPN gives over TLS.
    pub protocol: Option<Protocol>,
    /// Further flags of `serve`.
    pub flags: Vec<OsString>,
}

/// A running one; it ends with this value.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    pub addr: SocketAddr,
}

impl OwnServer {
    /// Starts it at an address of its own, with its messages in memory.
    pub fn start(&self, pinning: &CpuPinning) -> Result<ServerProcess> {
        self.start_at(pinning, ANY_ADDRESS, "memory")
    }

    /// Starts it where clients reach it at `addr`.
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
        // The user's own settings are not meant for the server under test.
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("POLL_VS_SSE_") {
                command.env_remove(variable);
            }
        }
        command
            .args(["serve", "--bind", &cleartext.to_string(), "--store", store])
            .args(["--request-log", "off"])
            .args(["--end-with-parent", &std::process::id().to_string()])
            .args(["--workers", &workers.to_string()])
            .args(&self.flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if self.tls {
            command.args(["--tls", "self-signed", "--bind-tls", &over_tls.to_string()]);
        }
        // Ctrl-C is for this program; the server is stopped when its figures are in.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = pinning.pin_server(|| command.spawn());
        let mut child = child.with_context(|| format!("cannot start {}", binary.display()))?;
        let said = listen_to(child.stdout.take(), child.stderr.take());
        let mut running = ServerProcess {
            child,
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        running.addr = address(&said, self.tls)?;
        Ok(running)
    }
}

impl ServerProcess {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Ok(pid) = i32::try_from(self.child.id()) {
            use nix::{sys::signal, unistd::Pid};
            // The child was not waited for, so the id is its own; it may have ended all the same.
            let _ = signal::kill(Pid::from_raw(pid), signal::Signal::SIGTERM);
        }
        let deadline = Instant::now() + STOP_GRACE;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads both outputs to their ends, so that the server never waits for a reader.
fn listen_to(
    out: Option<impl Read + Send + 'static>,
    err: Option<impl Read + Send + 'static>,
) -> Receiver<String> {
    let (tell, said) = channel();
    let drain = |source: Box<dyn Read + Send>| {
        let tell = tell.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(source).lines().map_while(Result::ok) {
                // The receiver is gone once the address is known.
                let _ = tell.send(line);
            }
        });
    };
    if let Some(out) = out {
        drain(Box::new(out));
    }
    if let Some(err) = err {
        drain(Box::new(err));
    }
    said
}

fn address(said: &Receiver<String>, is_tls: bool) -> Result<SocketAddr> {
    let deadline = Instant::now() + START_TIMEOUT;
    let mut last = String::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match said.recv_timeout(left) {
            Ok(line) => {
                if let Some((_, rest)) = line.split_once(LISTENING[usize::from(is_tls)]) {
                    let end = rest.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c)));
                    let addr = rest[..end.unwrap_or(rest.len())].parse();
                    return addr.context("the server's address cannot be read");
                }
                last = line;
            }
            Err(RecvTimeoutError::Timeout) => bail!("the server under test does not start"),
            Err(RecvTimeoutError::Disconnected) => {
                bail!("the server under test ended at once: {last}")
            }
        }
    }
}
