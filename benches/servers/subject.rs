//! The servers that are measured, each started on 127.0.0.1 with the settings the comparison asks
//! for.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::floor;
use super::process::Process;

/// How long a server may take until it listens.
const START: Duration = Duration::from_secs(10);

/// A running server.
pub struct Subject {
    pub process: Process,
    pub address: SocketAddr,
}

/// The bare loop, as a process of its own.
pub fn floor(name: &str, core: Option<usize>) -> Result<Subject> {
    let mut command = Command::new(std::env::current_exe().context("find this executable")?);
    command.arg(floor::ARGUMENT);
    let process = Process::start(name, command, core)?;
    let address = process.address(START)?;
    Ok(Subject { process, address })
}

/// The server of this project, with the memory store.
pub fn ours(
    name: &str,
    binary: &Path,
    workers: usize,
    request_log: bool,
    core: Option<usize>,
) -> Result<Subject> {
    let mut command = Command::new(binary);
    // Flags of whoever runs the bench must not reach the server.
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("POLL_VS_SSE_") {
            command.env_remove(variable);
        }
    }
    command.args(["--bind", "127.0.0.1:0", "--store", "memory"]);
    command.args(["--workers", &workers.to_string()]);
    command.args(["--request-log", if request_log { "on" } else { "off" }]);
    let process = Process::start(name, command, core)?;
    let address = process.address(START)?;
    Ok(Subject { process, address })
}

/// An nginx with one worker and these directives, `locations` inside its only `server`.
pub fn nginx(name: &str, modules: &str, locations: &str, core: Option<usize>) -> Result<Subject> {
    let directory = TemporaryDirectory::create()?;
    let address = free_address()?;
    let config = format!(
        "{modules}
        worker_processes 1;
        daemon off;
        pid nginx.pid;
        error_log stderr error;
        events {{ worker_connections 16384; }}
        http {{
            access_log off;
            default_type application/json;
            keepalive_timeout 600s;
            keepalive_requests 1000000000;
            client_body_temp_path body;
            proxy_temp_path proxy;
            fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
            server {{
                listen {address} backlog=4096;
                {locations}
            }}
        }}"
    );
    let path = directory.path.join("nginx.conf");
    std::fs::write(&path, config).with_context(|| format!("write {}", path.display()))?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(&directory.path).arg("-c").arg(&path);
    command.args(["-e", "stderr"]);
    let process = Process::start(name, command, core)?;
    // nginx does not say when it is ready. Once it is, it needs the directory no more.
    let deadline = Instant::now() + START;
    while TcpStream::connect_timeout(&address, START).is_err() {
        if let Err(error) = process.address(Duration::from_millis(10))
            && Instant::now() > deadline
        {
            bail!("{error}");
        }
    }
    Ok(Subject { process, address })
}

/// What `nginx -v` says, `None` where it is not installed.
pub fn nginx_version() -> Option<String> {
    let output = Command::new("nginx").arg("-v").output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Some(said.trim_start_matches("nginx version: ").to_owned())
}

/// A port nobody listens on just now.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("find a free port")?;
    Ok(listener.local_addr()?)
}

/// Removed when it is dropped.
struct TemporaryDirectory {
    path: PathBuf,
}

impl TemporaryDirectory {
    fn create() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("poll-vs-sse-bench-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).with_context(|| format!("create {}", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
