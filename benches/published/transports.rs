//! The delivery methods to measure, each with its own server on the servers' core.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use poll_vs_sse_instrument::{Profile, Target, Transport};

use super::http::{self, Connection};
use super::nginx::{self, NginxConfig};
use super::report::published::DeliveryMethod;
use super::servers::{OwnServer, RunningServer};

/// The document is the newest message; older ones need not be kept.
const KEPT: u32 = 100;

/// Polls as the paper's clients do: every answer is the newest document, whether it is new or not. The engine requires
/// a cursor, so it is sent in a header that the server ignores. The start request is there because the server closes
/// connections on which no request comes while the other clients connect. The room is always the same one, because it
/// has a document before the clients come.
const WHOLE: &str = r#"
name = "whole documents"
[publish]
path = "/messages"
headers = { Content-Type = "application/json", Idempotency-Key = "{id}" }
body = '{"room":"paper","author":"compare","text":"{text}"}'
[poll]
start = "/poll?room=paper&last=0"
path = "/poll?room=paper&last=1"
cursor = [{ take = "header:ETag", send = "header:X-Unused" }]
"#;

/// nginx's cache in front of the server.
///
/// Clients that send the same request share an answer: all polls for whole documents are the same, and so are polls by
/// cursor of clients that have the newest message. nginx keeps an answer for the shortest time that it supports. It
/// passes on one request at a time for each URL; the others wait for that answer (`proxy_cache_lock`) or get an older
/// one if there is one.
const CACHE: &str = "proxy_cache_path cache keys_zone=paper:10m max_size=256m;";
const CACHED: &str = r#"
    location = /poll {
        proxy_pass http://ours;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_cache paper;
        proxy_cache_key $request_uri;
        proxy_cache_valid 200 1s;
        proxy_ignore_headers Cache-Control;
        proxy_cache_lock on;
        proxy_cache_lock_age 5s;
        proxy_cache_lock_timeout 5s;
        proxy_cache_use_stale updating;
    }
    location / {
        proxy_pass http://ours;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
    }
"#;

/// A delivery method with its server started.
pub struct PreparedRun {
    pub target: Target,
    pub transport: Transport,
    /// Held so that it runs as long as this value exists.
    _server: RunningServer,
}

/// Starts the server that `way` needs. If every answer must be a document of `size` bytes, the first one is published.
pub fn start(
    way: DeliveryMethod,
    binary: &Path,
    core: Option<usize>,
    size: usize,
) -> Result<PreparedRun> {
    let name = way.name();
    let ours = OwnServer {
        kept: Some(KEPT),
        ..OwnServer::default()
    };
    let server = if way.is_cached() {
        let directives = NginxConfig {
            http: CACHE,
            locations: CACHED,
            ..NginxConfig::default()
        };
        nginx::in_front_of(name, ours, binary, &directives, core)?
    } else {
        ours.start(name, binary, core)?
    };
    let profile = if way.repeats() {
        publish_first(&server, size).context("the first document")?;
        Profile::parse(WHOLE)?
    } else {
        Profile::own()
    };
    Ok(PreparedRun {
        target: server.target(profile)?,
        transport: match way {
            DeliveryMethod::Stream => Transport::Stream,
            _ => Transport::Poll,
        },
        _server: server,
    })
}

/// Publishes the document that polls answer with until the first one of the measured time.
fn publish_first(server: &RunningServer, size: usize) -> Result<()> {
    // Like the instrument's texts, of two bytes a character.
    let text = "é".repeat(size / 2);
    let body = format!(r#"{{"room":"paper","author":"compare","text":"{text}"}}"#);
    let request = http::post("/messages", "application/json", body.as_bytes());
    let answer = Connection::open(server.address)?.ask(&request)?;
    ensure!(answer.status == 201, "status {}", answer.status);
    Ok(())
}
