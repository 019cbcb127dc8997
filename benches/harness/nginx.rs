//! nginx alone, and nginx in front of this project's server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use poll_vs_sse_instrument::remove_settings;

use super::certificate::Certificate;
use super::http::{self, Connection};
use super::process;
use super::servers::{OwnServer, POLL_INTERVAL, RunningServer, START_TIMEOUT, free_address};
use super::temporary_directory::TemporaryDirectory;

const NCHAN_MODULE: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";
/// The most connections that a configuration allows: nginx reserves memory for each.
const MAX_CONNECTIONS: u64 = 100_000;

/// Directives for nginx: at the top level, within `http`, and within the only `server`.
#[derive(Debug, Default, Clone, Copy)]
pub struct NginxConfig<'a> {
    pub modules: &'a str,
    pub http: &'a str,
    pub locations: &'a str,
}

/// The path of nchan's module, if it exists: the given one, or Debian's.
pub fn nchan_module(given: Option<&Path>) -> Option<PathBuf> {
    let module = given.unwrap_or(Path::new(NCHAN_MODULE));
    module.exists().then(|| module.to_owned())
}

/// An nginx with one worker and these directives.
pub fn start(
    name: &str,
    directives: &NginxConfig<'_>,
    core: Option<usize>,
) -> Result<RunningServer> {
    let (directory, address) = configure(directives)?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(&directory.path);
    command.args(["-c", "nginx.conf", "-e", "stderr"]);
    let nginx = RunningServer::start(name, command, core, address, Some(directory))?;
    let nginx = nginx.wait_until_listening()?;
    wait_for_worker(&nginx)?;
    Ok(nginx)
}

/// Waits for nginx's worker, which is measured too: the master listens before it starts the worker.
fn wait_for_worker(nginx: &RunningServer) -> Result<()> {
    let deadline = Instant::now() + START_TIMEOUT;
    while nginx.process.pids().len() < 2 {
        ensure!(
            Instant::now() < deadline,
            "{} has no worker",
            nginx.process.name
        );
        std::thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}

/// The same, also serving the locations over HTTP/2 and TLS at the returned address.
pub fn start_with_tls(
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
    Ok((start(name, &directives, core)?, over_tls))
}

/// This project's server with nginx in front of it; in `directives` it is the upstream `ours`. Both are one process and
/// its children, so that their usage is counted together.
pub fn in_front_of(
    name: &str,
    ours: OwnServer<'_>,
    binary: &Path,
    directives: &NginxConfig<'_>,
    core: Option<usize>,
) -> Result<RunningServer> {
    // The shell becomes nginx; the server remains its child and ends with it.
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
    let subject = RunningServer::start(name, command, core, address, Some(directory))?;
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

/// The output of `nginx -v`; `None` if it is not installed.
pub fn version() -> Option<String> {
    let output = Command::new("nginx").arg("-v").output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Some(said.trim_start_matches("nginx version: ").to_owned())
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
    // nginx closes idle connections once less than a sixteenth of its connections is free. So it is configured with
    // more connections than descriptors, which then run out first.
    let descriptors = process::raise_descriptor_limit()?;
    let connections = (descriptors + descriptors / 4).min(MAX_CONNECTIONS);
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
