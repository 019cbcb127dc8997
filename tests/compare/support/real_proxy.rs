//! Real third-party proxies and servers, each as a process with its own configuration.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
};

use super::front::{Front, find};

pub const NGINX: &str = "/usr/sbin/nginx";
pub const NGINX_ARGUMENTS: [&str; 6] = ["-p", "DIRECTORY", "-e", "error.log", "-c", "FILE"];

/// The path of the program.
fn find_tool(name: &str) -> PathBuf {
    find(name).unwrap_or_else(|| panic!("install {name}, or run tests/run"))
}

/// An address with a port that is free at the moment.
fn free_addr() -> SocketAddr {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    free.local_addr().expect("an address")
}

/// The beginning of an nginx configuration, up to the content of its `http` block.
pub fn nginx_prelude(path: &str) -> String {
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|name| format!("{name}_temp_path {path}/{name};\n"));
    format!(
        "user root;\ndaemon off;\nworker_processes 1;\npid {path}/pid;\n\
         events {{ worker_connections 1024; }}\nhttp {{\naccess_log off;\n{}",
        temporary.concat()
    )
}

/// A real proxy, stopped on drop.
pub struct RealProxy(Front);

impl RealProxy {
    /// Starts `program` with a configuration that listens on the port given to `configuration`.
    pub fn start(
        program: &Path,
        args: &[&str],
        configuration: impl Fn(SocketAddr, &str) -> String,
    ) -> Self {
        Self::start_at(free_addr(), program, args, configuration)
    }

    fn start_at(
        addr: SocketAddr,
        program: &Path,
        args: &[&str],
        configuration: impl Fn(SocketAddr, &str) -> String,
    ) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().display().to_string();
        // Envoy needs the file extension; the others ignore it.
        let file = format!("{path}/proxy.yaml");
        std::fs::write(&file, configuration(addr, &path)).expect("written");
        let args: Vec<String> = args
            .iter()
            .map(|arg| arg.replace("FILE", &file).replace("DIRECTORY", &path))
            .collect();
        let mut command = Command::new(program);
        command.args(args).env("HOME", directory.path());
        Self(Front::start(command, addr, directory))
    }

    /// nginx with these lines in its only location.
    pub fn nginx(server: SocketAddr, lines: &str) -> Self {
        Self::start(Path::new(NGINX), &NGINX_ARGUMENTS, |addr, path| {
            // With HTTP/1.1, nginx passes on each chunk at once even if it buffers.
            let version = match lines.contains("proxy_http_version") {
                true => "",
                false => "proxy_http_version 1.1;",
            };
            format!(
                "{}server {{\nlisten {addr};\nlocation / {{\nproxy_pass http://{server};\n\
                 {version}\nproxy_set_header Connection \"\";\n{lines}\n}}\n}}\n}}\n",
                nginx_prelude(path)
            )
        })
    }

    pub fn haproxy(server: SocketAddr, lines: &str) -> Self {
        let args = ["-db", "-f", "FILE"];
        Self::start(Path::new("/usr/sbin/haproxy"), &args, |addr, _| {
            format!(
                "defaults\nmode http\ntimeout connect 5s\ntimeout client 1h\ntimeout server 1h\n{lines}\n\
                 listen all\nbind {addr}\nserver only {server}\n"
            )
        })
    }

    /// Caddy with these global options, and these lines within its `reverse_proxy`.
    pub fn caddy(server: SocketAddr, options: &str, lines: &str) -> Self {
        let args = ["run", "--config", "FILE", "--adapter", "caddyfile"];
        Self::start(&find_tool("caddy"), &args, |addr, _| {
            format!(
                "{{\nadmin off\nauto_https off\npersist_config off\n{options}\n}}\n\
                 http://{addr} {{\nreverse_proxy {server} {{\n{lines}\n}}\n}}\n"
            )
        })
    }

    /// Envoy with these lines of its connection manager and of its route.
    pub fn envoy(server: SocketAddr, manager: &str, route: &str) -> Self {
        let args = [
            "-c",
            "FILE",
            "--use-dynamic-base-id",
            "--concurrency",
            "1",
            "--log-level",
            "error",
        ];
        Self::start(&find_tool("envoy"), &args, |addr, _| {
            let (ip, port) = (addr.ip(), addr.port());
            format!(
                r#"
static_resources:
  listeners:
  - address: {{ socket_address: {{ address: {ip}, port_value: {port} }} }}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: clients
          {manager}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {{ prefix: / }}
                {route}
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: server
    type: STATIC
    connect_timeout: 2s
    load_assignment:
      cluster_name: server
      endpoints:
      - lb_endpoints:
        - endpoint: {{ address: {{ socket_address: {{ address: {}, port_value: {} }} }} }}
"#,
                server.ip(),
                server.port()
            )
        })
    }

    /// Varnish with these routines of its configuration, and these parameters.
    pub fn varnish(server: SocketAddr, routines: &str, parameters: &[&str]) -> Self {
        let addr = free_addr();
        let listen = addr.to_string();
        let mut args = vec!["-F", "-a", &listen, "-f", "FILE", "-n", "DIRECTORY/work"];
        args.extend(["-s", "malloc,16m", "-j", "none"]);
        args.extend(parameters);
        Self::start_at(addr, Path::new("/usr/sbin/varnishd"), &args, |_, _| {
            format!(
                "vcl 4.1;\nbackend server {{ .host = \"{}\"; .port = \"{}\"; }}\n{routines}\n",
                server.ip(),
                server.port()
            )
        })
    }

    pub fn pid(&self) -> u32 {
        self.0.child.id()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.0.addr)
    }
}
