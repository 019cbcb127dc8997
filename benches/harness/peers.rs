//! Pushpin and the Durable Streams server, started as the bench `stacks` starts them, which installs them too.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::fan_out;
use super::frame::{self, PublishTemplate};
use super::http::{self, Connection};
use super::nginx;
use super::process;
use super::report::limits::peers::{DURABLE_STREAMS, NCHAN, PUSHPIN, Peer};
use super::servers::{self, RunningServer};

/// The directory in which `benches/stacks/install` puts its builds.
const INSTALLED: &str = "benches/stacks/.installed";
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// A message that Pushpin has not delivered within this time counts as lost.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(1);

/// The other servers, with the versions of those that are installed.
pub fn peers() -> Vec<Peer> {
    let peer = |name: &str, version| Peer {
        name: name.to_owned(),
        version,
    };
    let nchan = nginx::nchan_module(None);
    let peers = vec![
        peer(NCHAN, nchan.and_then(|_| nginx::version())),
        peer(PUSHPIN, pushpin_version()),
        peer(DURABLE_STREAMS, durable_streams_version()),
    ];
    for peer in peers.iter().filter(|peer| peer.version.is_none()) {
        println!("{}: skipped, because it is not installed", peer.name);
    }
    peers
}

fn under_root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The output of `pushpin --version`; `None` if it or the nginx that it needs is not installed.
fn pushpin_version() -> Option<String> {
    nginx::version()?;
    let output = Command::new("pushpin").arg("--version").output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Some(said.trim_start_matches("pushpin ").to_owned())
}

/// Pushpin with all the processes that it starts.
pub struct Pushpin {
    pub server: RunningServer,
    /// The address at which applications publish.
    control: SocketAddr,
}

impl Pushpin {
    /// The path of a stream of the channel `bench`.
    pub const STREAM: &str = "/stream/bench";
    pub const LONG_POLL: &str = "/poll/bench";

    /// Pushpin, if it is installed, with the application that hands all requests to it as a separate process.
    pub fn start(core: Option<usize>) -> Result<Option<Self>> {
        if pushpin_version().is_none() {
            return Ok(None);
        }
        let most = process::raise_descriptor_limit()?.to_string();
        let control = servers::free_address()?;
        let command = |script: &str, data: PathBuf| {
            let folder = under_root("benches/stacks/pushpin");
            let mut command = Command::new(folder.join(script));
            command.env("PORT3", control.port().to_string());
            command.env("CONNECTIONS", &most).env("STACK_DATA", data);
            command
        };
        let application = |port: u16, data| {
            let mut command = command("application", data);
            command.env("PORT2", port.to_string());
            command
        };
        let application = servers::third_party("an application", application, core)?;
        let behind = application.address.port().to_string();
        let pushpin = |port: u16, data| {
            let mut command = command("start", data);
            command.env("PORT", port.to_string()).env("PORT2", &behind);
            command.env("APPLICATION", "runs");
            command
        };
        let pushpin = Self {
            server: servers::third_party(PUSHPIN, pushpin, core)?.with_companion(application),
            control,
        };
        // Its processes connect to each other after it has begun to answer, and messages before that are lost.
        let deadline = Instant::now() + START_TIMEOUT;
        while let Err(error) = pushpin.check_delivery() {
            ensure!(
                Instant::now() < deadline,
                error.context("Pushpin does not deliver")
            );
        }
        Ok(Some(pushpin))
    }

    /// Fails unless a message is delivered.
    fn check_delivery(&self) -> Result<()> {
        let open = |address| Connection::open_within(address, DELIVERY_TIMEOUT);
        let mut stream = open(self.server.address)?;
        stream.send(&http::get_stream(Self::STREAM))?;
        stream.read_some()?;
        let (_, publish) = self.publish_template(&frame::sample())?;
        let answer = open(self.control)?.ask(&publish.request(0))?;
        ensure!(answer.status == 200, "publish: status {}", answer.status);
        let tag = frame::tag(0);
        let mut received = Vec::new();
        while memchr::memmem::find(&received, tag.as_bytes()).is_none() {
            received.extend(stream.read_some()?);
        }
        Ok(())
    }

    /// The address that publishes the event in `frame` to its streams, and the request for it.
    pub fn publish_template(&self, frame: &[u8]) -> Result<(SocketAddr, PublishTemplate)> {
        let data = String::from_utf8(frame::data_in(frame)?)?;
        let content = format!("data: {data}\n\n");
        let item = serde_json::json!({
            "channel": "bench",
            "formats": {"http-stream": {"content": content}},
        });
        let body = serde_json::json!({ "items": [item] }).to_string();
        let publish = PublishTemplate::json("/publish/", body.into_bytes())?;
        Ok((self.control, publish))
    }
}

/// The Durable Streams server's executable, if it is installed.
fn durable_streams_program() -> Option<PathBuf> {
    let program = under_root(INSTALLED).join("bin/durable-streams-server");
    program.exists().then_some(program)
}

/// The version from cargo's record of installed crates, because the server reports none.
fn durable_streams_version() -> Option<String> {
    durable_streams_program()?;
    let noted = std::fs::read_to_string(under_root(INSTALLED).join(".crates.toml"));
    let noted = noted.unwrap_or_default();
    let version = noted.lines().find_map(|line| {
        let rest = line.strip_prefix("\"durable-streams ")?;
        Some(rest.split_once(' ')?.0.to_owned())
    });
    Some(version.unwrap_or_else(|| "version unknown".to_owned()))
}

/// A subscription to the only stream of the Durable Streams server, from now on.
pub const DURABLE_STREAM: &str = "/bench?offset=now&live=sse";
/// The age at which a stream is reopened: the server ends each after a minute.
pub const DURABLE_STREAM_LIFETIME: Duration = Duration::from_secs(30);
pub const DURABLE_LONG_POLL: &str = "/bench?offset=now&live=long-poll";
pub const DURABLE_POLL: &str = "/bench?offset=now";

/// The Durable Streams server in memory mode, if it is installed.
pub fn durable_streams(core: Option<usize>) -> Result<Option<RunningServer>> {
    let Some(program) = durable_streams_program() else {
        return Ok(None);
    };
    let arguments = |port: u16, data: PathBuf| {
        let mut command = Command::new(&program);
        command.args(["--port", &port.to_string(), "--durability", "memory"]);
        // The same as the long-polls of this project's server.
        command.args(["--long-poll-timeout-ms", "60000"]);
        command.arg("--data-dir").arg(data);
        command
    };
    let server = servers::third_party(DURABLE_STREAMS, arguments, core)?;
    let answer = Connection::open(server.address)?.ask(
        b"PUT /bench HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n",
    )?;
    ensure!(
        answer.status / 100 == 2,
        "prepare: status {}",
        answer.status
    );
    Ok(Some(server))
}

/// The request that publishes the data in `frame` to that stream.
pub fn durable_stream_template(frame: &[u8]) -> Result<PublishTemplate> {
    PublishTemplate::json("/bench", frame::data_in(frame)?)
}
