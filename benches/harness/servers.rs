//! The servers that are measured, each started on 127.0.0.1 with the settings the comparison asks
//! for.

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

const NCHAN_MODULE: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";
/// The most connections in an nginx's configuration: it reserves memory for each.
const MOST_CONNECTIONS: u64 = 100_000;
/// Between two looks whether a server is there.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// Both this project's server and the floor print their address right after these words.
const LISTENING: &str = "listening on http://";
/// The longest time until a server listens.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// A running server.
pub struct RunningServer {
    pub process: ChildProcess,
    pub address: SocketAddr,
    /// Its files, deleted once it has ended.
    directory: Option<TemporaryDirectory>,
    /// Another server that it depends on, and whose CPU is not counted as its own.
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

    /// Waits until a server that prints no address accepts connections.
    fn wait_until_listening(self) -> Result<Self> {
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

    /// Waits for nginx's worker: the master listens before it starts one, and what is measured is the worker.
    fn wait_for_worker(self) -> Result<Self> {
        let deadline = Instant::now() + START_TIMEOUT;
        while self.process.pids().len() < 2 {
            ensure!(
                Instant::now() < deadline,
                "{} has no worker",
                self.process.name
            );
            std::thread::sleep(POLL_INTERVAL);
        }
        Ok(self)
    }

    /// Its processes, and those of its companion.
    pub fn pids_with_companion(&self) -> Vec<i32> {
        let companion = self.companion.as_ref();
        let mut pids = companion.map_or_else(Vec::new, |companion| companion.pids_with_companion());
        pids.extend(self.process.pids());
        pids
    }

    /// The same server, which keeps `companion` running as long as itself.
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

/// The server to be measured: the one given, or else the one that was built with the bench.
pub fn binary(given: Option<&Path>, built: Option<&str>) -> Result<PathBuf> {
    let path = given.map(Path::to_owned).or(built.map(PathBuf::from));
    let path = path.context("no server was built with this bench: name one with --server-bin")?;
    ensure!(path.is_file(), "{} is no file", path.display());
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
    /// Retention is off.
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
    /// Starts it on a free port.
    pub fn start(self, name: &str, binary: &Path, core: Option<usize>) -> Result<RunningServer> {
        RunningServer::start_announcing(name, self.command(binary, "127.0.0.1:0"), core)
    }

    /// The same with TLS on a second port, and the address of that.
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

    fn command(self, binary: &Path, bind: &str) -> Command {
        let mut command = Command::new(binary);
        remove_settings(&mut command);
        command.args(["serve", "--bind", bind, "--store", self.store]);
        command.args(["--workers", &self.workers.to_string()]);
        command.args(["--request-log", if self.request_log { "on" } else { "off" }]);
        if self.keeps_all {
            command.args(["--retain-messages", "off", "--retain-age", "off"]);
        }
        // On is what it does by itself; a build of before the flag takes no such word.
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

/// The server of this project with an nginx in front of it, which knows it as the upstream `ours`. Both are
/// one process and its children, so that what they use is counted together.
pub fn behind_nginx(
    name: &str,
    ours: OwnServer<'_>,
    binary: &Path,
    directives: &NginxConfig<'_>,
    core: Option<usize>,
) -> Result<RunningServer> {
    // The shell becomes nginx; the server stays its child, and ends with it.
    const START_BOTH: &str = r#"
        directory="$0"
        "$@" --end-with-parent $$ &
        exec nginx -p "$directory" -c nginx.conf -e stderr
    "#;
    let behind = free_address()?;
    let upstream = format!("upstream ours {{ server {behind}; keepalive 64; }}");
    let http = format!("{upstream}\n{}", directives.http);
    let directives = NginxConfig {
        http: &http,
        ..*directives
    };
    let (directory, address) = configure(&directives)?;
    let mut command = Command::new("sh");
    remove_settings(&mut command);
    let server = ours.command(binary, &behind.to_string());
    command
        .args(["-c", START_BOTH])
        .arg(&directory.path)
        .arg(server.get_program())
        .args(server.get_args());
    let subject = RunningServer {
        process: process::start(name, command, core)?,
        address,
        // The cache is in there.
        directory: Some(directory),
        companion: None,
    };
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        let answer = Connection::open(address)
            .and_then(|mut connection| connection.ask(&http::get("/readyz")));
        match answer {
            Ok(answer) if answer.status == 200 => return Ok(subject),
            _ if Instant::now() < deadline => std::thread::sleep(POLL_INTERVAL),
            Ok(answer) => bail!("{name}: /readyz answers {}", answer.status),
            Err(error) => return Err(error.context(format!("{name} does not answer"))),
        }
    }
}

/// Directives of an nginx: at the top, within `http`, and within its only `server`.
#[derive(Debug, Default, Clone, Copy)]
pub struct NginxConfig<'a> {
    pub modules: &'a str,
    pub http: &'a str,
    pub locations: &'a str,
}

/// nchan's module, if it exists: the one given, or Debian's.
pub fn nchan_module(given: Option<&Path>) -> Option<PathBuf> {
    let module = given.unwrap_or(Path::new(NCHAN_MODULE));
    module.exists().then(|| module.to_owned())
}

/// An nginx with one worker and these directives.
pub fn nginx(
    name: &str,
    directives: &NginxConfig<'_>,
    core: Option<usize>,
) -> Result<RunningServer> {
    let (directory, address) = configure(directives)?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(&directory.path);
    command.args(["-c", "nginx.conf", "-e", "stderr"]);
    RunningServer {
        process: process::start(name, command, core)?,
        address,
        directory: Some(directory),
        companion: None,
    }
    .wait_until_listening()?
    .wait_for_worker()
}

/// The same with the locations over HTTP/2 and TLS too, and the address of those.
pub fn nginx_with_tls(
    name: &str,
    directives: &NginxConfig<'_>,
    core: Option<usize>,
    certificate: &Certificate,
) -> Result<(RunningServer, SocketAddr)> {
    let over_tls = free_address()?;
    let http = format!(
        "{}
        server {{
            listen {over_tls} ssl http2 backlog=4096;
            ssl_certificate {};
            ssl_certificate_key {};
            {}
        }}",
        directives.http,
        certificate.cert().display(),
        certificate.key().display(),
        directives.locations,
    );
    let directives = NginxConfig {
        http: &http,
        ..*directives
    };
    Ok((nginx(name, &directives, core)?, over_tls))
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
    RunningServer {
        process: process::start(name, command, core)?,
        address,
        directory: Some(directory),
        companion: None,
    }
    .wait_until_listening()
}

/// A NATS server with JetStream, which keeps its files in `directory`.
pub fn nats(name: &str, directory: &Path, core: Option<usize>) -> Result<RunningServer> {
    let address = free_address()?;
    let mut command = Command::new("nats-server");
    command.args(["-js", "-a", "127.0.0.1", "-p", &address.port().to_string()]);
    command.arg("-sd").arg(directory);
    RunningServer {
        process: process::start(name, command, core)?,
        address,
        directory: None,
        companion: None,
    }
    .wait_until_listening()
}

/// The output of `nats-server --version`; `None` if it is not installed.
pub fn nats_version() -> Option<String> {
    let output = Command::new("nats-server").arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Writes the configuration of an nginx on a free port.
fn configure(directives: &NginxConfig<'_>) -> Result<(TemporaryDirectory, SocketAddr)> {
    let NginxConfig {
        modules,
        http,
        locations,
    } = directives;
    let directory = TemporaryDirectory::create()?;
    let address = free_address()?;
    // It closes idle connections once less than a sixteenth of them is free: descriptors have to be what
    // runs out.
    let descriptors = process::raise_descriptor_limit()?;
    let connections = (descriptors + descriptors / 4).min(MOST_CONNECTIONS);
    let config = format!(
        "{modules}
        worker_processes 1;
        daemon off;
        pid nginx.pid;
        error_log stderr error;
        events {{ worker_connections {connections}; }}
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
            {http}
            server {{
                listen {address} backlog=4096;
                {locations}
            }}
        }}"
    );
    let path = directory.path.join("nginx.conf");
    std::fs::write(&path, config).with_context(|| format!("write {}", path.display()))?;
    Ok((directory, address))
}

/// The output of `nginx -v`; `None` if it is not installed.
pub fn nginx_version() -> Option<String> {
    let output = Command::new("nginx").arg("-v").output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Some(said.trim_start_matches("nginx version: ").to_owned())
}

/// An address with a port that is free at the moment.
pub fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("find a free port")?;
    Ok(listener.local_addr()?)
}
