//! The proxies in front of the server, configured by the files of `deploy/poll-cache/`, with and without caching.

use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Context, Result};

use super::nginx::{self, NginxConfig};
use super::report::access::poll_cache::Front;
use super::servers::{self, RunningServer};

const NGINX: &str = include_str!("../../deploy/poll-cache/nginx.conf");
const VARNISH: &str = include_str!("../../deploy/poll-cache/varnish.vcl");
/// The server's address in these files.
const FILE_ADDRESS: (&str, &str) = ("10.0.0.11", "8080");
/// The idle connections to the server that nginx keeps, and their replacement: without the cache each reader needs one.
const IDLE_CONNECTIONS: (&str, &str) = ("keepalive 64;", "keepalive 2000;");

/// Starts `front` in front of the server at `address`. Returns `None` if readers connect to the server directly.
pub fn start(
    front: Front,
    shares: bool,
    address: SocketAddr,
    core: Option<usize>,
) -> Result<Option<RunningServer>> {
    match front {
        Front::None => Ok(None),
        Front::Nginx => nginx(shares, address, core).map(Some),
        Front::Varnish => varnish(shares, address, core).map(Some),
    }
}

/// Whether the proxy is installed.
pub fn is_installed(front: Front) -> bool {
    let (command, flag) = match front {
        Front::None => return true,
        Front::Nginx => ("nginx", "-v"),
        Front::Varnish => ("varnishd", "-V"),
    };
    Command::new(command).arg(flag).output().is_ok()
}

fn nginx(shares: bool, address: SocketAddr, core: Option<usize>) -> Result<RunningServer> {
    let config = NGINX
        .replace(
            &format!("{}:{}", FILE_ADDRESS.0, FILE_ADDRESS.1),
            &address.to_string(),
        )
        .replace(IDLE_CONNECTIONS.0, IDLE_CONNECTIONS.1)
        .replace("/var/cache/nginx/poll-vs-sse", "cache")
        .replace("listen 80;", "");
    let is_kept = |line: &&str| shares || !line.trim_start().starts_with("proxy_cache");
    let config: Vec<&str> = config.lines().filter(is_kept).collect();
    let config = config.join("\n");
    let (http, server) = config
        .split_once("server {\n")
        .context("nginx.conf has no server block")?;
    let (locations, _) = server
        .rsplit_once('}')
        .context("the server block in nginx.conf does not end")?;
    let directives = NginxConfig {
        http,
        locations,
        ..NginxConfig::default()
    };
    nginx::start("nginx", &directives, core)
}

fn varnish(shares: bool, address: SocketAddr, core: Option<usize>) -> Result<RunningServer> {
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let mut config = VARNISH
        .replace(FILE_ADDRESS.0, &host)
        .replace(FILE_ADDRESS.1, &port);
    if !shares {
        config = config.replace("return (hash);", "return (pass);");
    }
    let directory = tempfile::tempdir().context("make a directory for its file")?;
    let file = directory.path().join("varnish.vcl");
    std::fs::write(&file, config)?;
    let command = |port: u16, work: std::path::PathBuf| {
        let mut command = Command::new("varnishd");
        command.args(["-F", "-j", "none", "-s", "malloc,64m"]);
        command.args(["-a", &format!("127.0.0.1:{port}")]);
        // Without the cache each waiting reader has a thread.
        command.args(["-p", "thread_pool_min=1000", "-p", "listen_depth=4096"]);
        command
            .arg("-n")
            .arg(work.join("work"))
            .arg("-f")
            .arg(&file);
        command
    };
    servers::third_party("varnish", command, core)
}
