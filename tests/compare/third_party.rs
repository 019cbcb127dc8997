//! Third-party servers, measured with the built-in profiles.

use std::{
    collections::HashMap,
    io::Write as _,
    net::TcpStream,
    path::Path,
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use poll_vs_sse_instrument::Report;
use serde_json::{Value, json};

use crate::support::{
    http::{Request, Server, send_answer, send_stream_head},
    program::compare,
    real_proxy::{NGINX, NGINX_ARGUMENTS, RealProxy, nginx_prelude},
};

const NCHAN: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/// A small and short measurement of the server at `url` with `profile`.
fn compare_valid(url: &str, profile: &str, more: &[&str]) -> Report {
    let flags = "--clients 10 --rate 10 --interval 200ms --duration 2s --json -";
    let mut args = vec!["--target", url, "--profile", profile];
    args.extend(flags.split(' '));
    args.extend(more);
    let ended = compare(&args);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let document = Report::from_json(&ended.stdout).expect("a document");
    for outcome in &document.transports {
        assert!(outcome.is_valid(), "{outcome:?}");
        assert_eq!(outcome.deliveries, 10 * 20);
    }
    document
}

/// A real nginx with nchan, configured as its profile says.
fn nchan() -> RealProxy {
    let is_there = Path::new(NCHAN).exists();
    assert!(
        is_there,
        "install nginx-light and libnginx-mod-nchan, or run tests/run"
    );
    let locations: String = include_str!("../../src/instrument/target/profiles/nchan.toml")
        .lines()
        .filter_map(|line| line.strip_prefix("#   location"))
        .map(|rest| format!("location{rest}\n"))
        .collect();
    assert_eq!(
        locations.lines().count(),
        4,
        "the locations that the profile needs"
    );
    RealProxy::start(Path::new(NGINX), &NGINX_ARGUMENTS, |addr, path| {
        format!(
            "load_module {NCHAN};\n{}nchan_message_buffer_length 10000;\n\
             nchan_message_timeout 10m;\nserver {{\nlisten {addr};\n{locations}}}\n}}\n",
            nginx_prelude(path)
        )
    })
}

#[test]
fn a_real_nchan_can_be_measured_over_all_three_transports() {
    let nginx = nchan();
    let pid = nginx.pid().to_string();
    let document = compare_valid(&nginx.url(), "nchan", &["--pid", &pid]);
    assert_eq!(document.transports.len(), 3);
    let server = document.versions.server.expect("a Server header");
    assert!(server.starts_with("nginx/"), "{server}");
    assert_eq!(document.target.pid_listens, Some(true));
    assert!(
        document.pinning.server.is_empty(),
        "the server is not pinned"
    );
    for outcome in &document.transports {
        // The CPU time of the worker, which is a child of the master.
        assert!(outcome.server_cpu_s > Some(0.0), "{outcome:?}");
        assert!(outcome.server_memory_bytes > Some(1 << 20), "{outcome:?}");
    }
    let [poll, long_poll, stream] = &document.transports[..] else {
        panic!("three transports");
    };
    // Each answer has one message, so polling ends with an empty answer.
    assert!(poll.empty > 0, "{poll:?}");
    for asked in [poll, long_poll] {
        assert!(asked.whole.requests >= asked.deliveries, "{asked:?}");
    }
    assert_eq!(
        stream.requests, 0,
        "streams were opened before the measured time"
    );
}

/// The parts of ntfy for publishing and subscribing, by its documentation (docs.ntfy.sh/publish,
/// docs.ntfy.sh/subscribe/api).
#[derive(Default)]
struct Ntfy {
    topics: Mutex<HashMap<String, Vec<Value>>>,
    bell: Condvar,
}

impl Ntfy {
    fn handle(&self, request: &Request, stream: &mut TcpStream) -> std::io::Result<()> {
        let mut parts = request.path.trim_start_matches('/').split('/');
        let topic = parts.next().unwrap_or_default();
        match (request.method.as_str(), parts.next()) {
            ("POST" | "PUT", None) => {
                let message = self.publish(topic, &request.body);
                send_answer(stream, "200 OK", &format!("{message}\n"))
            }
            ("GET", Some("json")) if request.parameter("poll") == Some("1") => {
                let since = request.parameter("since").unwrap_or("all");
                let lines = self
                    .since(topic, since)
                    .iter()
                    .map(|message| format!("{message}\n"))
                    .collect::<String>();
                send_answer(stream, "200 OK", &lines)
            }
            ("GET", Some("sse")) => {
                // Before the open event, so that no message is lost in between.
                let place = self.since(topic, "all").len();
                send_stream_head(stream)?;
                let open = json!({"id": "open0", "time": 1, "event": "open", "topic": topic});
                write!(stream, "event: open\ndata: {open}\n\n")?;
                self.stream(topic, place, stream)
            }
            _ => send_answer(
                stream,
                "404 Not Found",
                "{\"code\":40401,\"http\":404,\"error\":\"page not found\"}",
            ),
        }
    }

    fn publish(&self, topic: &str, text: &str) -> Value {
        let mut topics = self.topics.lock().expect("whole");
        let messages = topics.entry(topic.to_owned()).or_default();
        let message = json!({
            "id": format!("m{:09}", messages.len()), "time": 1_795_500_000, "expires": 1_795_543_200,
            "event": "message", "topic": topic, "message": text,
        });
        messages.push(message.clone());
        drop(topics);
        self.bell.notify_all();
        message
    }

    /// Messages after the one with the id `since`, or all.
    fn since(&self, topic: &str, since: &str) -> Vec<Value> {
        let topics = self.topics.lock().expect("whole");
        let messages = topics.get(topic).cloned().unwrap_or_default();
        let place = messages.iter().position(|message| message["id"] == since);
        messages[place.map_or(0, |place| place + 1)..].to_vec()
    }

    fn stream(&self, topic: &str, mut place: usize, stream: &mut TcpStream) -> std::io::Result<()> {
        loop {
            let messages = self.since(topic, "all");
            for message in &messages[place..] {
                write!(stream, "data: {message}\n\n")?;
            }
            place = messages.len();
            let alive = json!({"id": "alive", "time": 1, "event": "keepalive", "topic": topic});
            write!(stream, "event: keepalive\ndata: {alive}\n\n")?;
            let topics = self.topics.lock().expect("whole");
            drop(self.bell.wait_timeout(topics, Duration::from_millis(50)));
        }
    }
}

#[test]
fn a_server_with_ntfys_protocol_can_be_measured() {
    let ntfy = Ntfy::default();
    let server = Server::start(Arc::new(
        move |request: &Request, stream: &mut TcpStream| ntfy.handle(request, stream),
    ));
    let document = compare_valid(&server.url(), "ntfy", &[]);
    let names = document.transports.iter().map(|one| one.transport.as_str());
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["poll", "stream"],
        "ntfy has no long-poll"
    );
    for outcome in &document.transports {
        assert_eq!(outcome.server_cpu_s, None, "no --pid was given");
    }
}
