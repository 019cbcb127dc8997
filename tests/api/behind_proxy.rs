//! Behind a proxy: the configurations in `deploy/`, with the test's addresses, in front of three servers.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    client::{JSON, TestClient, cursor},
    deployed::{deployed, nginx_arguments},
    events::{Events, message_of},
    eventually,
    front::{Front, find},
    nats::free_port,
    nats_nodes::NatsServer,
    process::Process,
    raw_connection::request,
};

const MESSAGES: usize = 150;
/// The longest time for a reader to receive all messages, on a busy machine.
const READ_WITHIN: Duration = Duration::from_secs(60);
/// The addresses in `deploy/`.
const SERVERS: [&str; 3] = ["10.0.0.11:8080", "10.0.0.12:8080", "10.0.0.13:8080"];

/// The clients that may see the figures and the health, in the files in `deploy/`.
pub const OPERATORS: &str = "127.0.0.0/8";

impl TestClient for Front {
    fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// Starts `program` with a configuration of `deploy/`. `arguments` gets the path of the file with this test's
/// addresses.
fn start(
    program: &str,
    (file, listen): (&str, &str),
    (servers, operators): (&[SocketAddr], &str),
    arguments: impl FnOnce(&Path) -> Vec<String>,
) -> Front {
    let directory = tempfile::tempdir().expect("a directory");
    let addr = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut config = deployed(file);
    for (written, server) in SERVERS.iter().zip(servers.iter().cycle()) {
        assert!(config.contains(written), "{written} is in {file}");
        config = config.replace(written, &server.to_string());
    }
    assert!(config.contains(OPERATORS), "{OPERATORS} is in {file}");
    config = config.replace(OPERATORS, operators);
    let (word, _) = listen.split_once(' ').expect("two words");
    let end = if listen.ends_with(';') { ";" } else { "" };
    assert!(config.contains(listen), "{listen} is in {file}");
    config = config.replace(listen, &format!("{word} {addr}{end}"));
    let path = directory.path().join(file);
    fs::write(&path, config).expect("writes");
    let program = find(program).unwrap_or_else(|| panic!("{program} is not installed"));
    let mut command = Command::new(program);
    command.args(arguments(&path));
    Front::start(command, addr, directory)
}

fn addresses(servers: &[Process]) -> Vec<SocketAddr> {
    servers.iter().map(TestClient::addr).collect()
}

pub fn nginx(servers: &[SocketAddr], operators: &str) -> Front {
    let of = (servers, operators);
    start("nginx", ("nginx.conf", "listen 80;"), of, |site| {
        nginx_arguments(site).into()
    })
}

pub fn haproxy(servers: &[SocketAddr], operators: &str) -> Front {
    let of = (servers, operators);
    start("haproxy", ("haproxy.cfg", "bind :80"), of, |config| {
        ["-db", "-f", &config.display().to_string()]
            .map(str::to_owned)
            .into()
    })
}

/// Publishes one message through the proxy, and retries until it succeeds.
fn publish(proxy: &impl TestClient, n: usize) {
    let draft = json!({"author": "mina", "text": n.to_string()}).to_string();
    let key = ("Idempotency-Key", format!("message-{n}"));
    let post = request(
        "POST",
        "/messages",
        &[JSON, (key.0, &key.1)],
        draft.as_bytes(),
    );
    eventually("it is published", || {
        let mut connection = proxy.raw();
        let answer = connection
            .try_send(&post)
            .and_then(|()| connection.answer("POST"));
        answer.is_ok_and(|answer| matches!(answer.status(), 200 | 201))
    });
}

/// Polls from the cursor `place` until all messages have arrived, and retries failed polls.
fn poll_all(addr: &SocketAddr, place: &str, wait: &str) -> Vec<Value> {
    let mut place = place.to_owned();
    let mut all = Vec::new();
    let deadline = Instant::now() + READ_WITHIN;
    while all.len() < MESSAGES {
        assert!(Instant::now() < deadline, "{} came", all.len());
        let get = request("GET", &format!("/poll?cursor={place}{wait}"), &[], b"");
        let mut connection = addr.raw();
        let answer = connection
            .try_send(&get)
            .and_then(|()| connection.answer("GET"));
        let Some(answer) = answer.ok().filter(|answer| answer.status() == 200) else {
            continue;
        };
        let answer = answer.json();
        assert_eq!(answer["reset"], Value::Null);
        all.extend(answer["messages"].as_array().expect("a list").clone());
        cursor(&answer).clone_into(&mut place);
    }
    all
}

/// The same over streams, with the behaviour of an `EventSource`.
fn stream_all(addr: &SocketAddr, place: &str) -> Vec<Value> {
    let mut place = place.to_owned();
    let mut all = Vec::new();
    let deadline = Instant::now() + READ_WITHIN;
    while all.len() < MESSAGES {
        assert!(Instant::now() < deadline, "{} came", all.len());
        let mut connection = addr.raw();
        let header = ("Last-Event-ID", place.as_str());
        if connection
            .try_send(request("GET", "/stream", &[header], b""))
            .is_err()
        {
            continue;
        }
        let Ok(mut stream) = Events::try_from_response(connection) else {
            continue;
        };
        while all.len() < MESSAGES {
            while let Some(frame) = stream.next_whole() {
                assert!(!frame.starts_with("event: reset"), "{frame}");
                if let Some(message) = message_of(&frame) {
                    cursor(&message).clone_into(&mut place);
                    all.push(message);
                }
            }
            if stream.ended || (all.len() < MESSAGES && stream.read_more().is_err()) {
                break;
            }
        }
    }
    all
}

fn assert_readers_continue_behind(proxy: fn(&[SocketAddr], &str) -> Front) {
    let nats = NatsServer::start();
    let server = || Process::start(&["--store", &nats.url(), "--workers", "1", "--drain", "1s"]);
    let mut servers: Vec<Process> = (0..3).map(|_| server()).collect();
    let proxy = proxy(&addresses(&servers), OPERATORS);
    eventually("the proxy has found its servers", || {
        proxy.get("/readyz").status() == 200
    });
    let start = proxy.poll("last=0");
    let place = cursor(&start).to_owned();

    // A stream's messages must arrive at once, not only when a buffer is full.
    let mut stream = proxy.stream("room=aside");
    assert_eq!(stream.frame(), "retry: 1000\n\n");
    let said = proxy.publish_text("aside", "at once");
    assert_eq!(stream.message(), said);

    let readers: Vec<_> = ["", "&wait=20", "stream"]
        .into_iter()
        .flat_map(|how| [how; 4])
        .map(|how| {
            let (at, place) = (proxy.addr(), place.clone());
            thread::spawn(move || match how {
                "stream" => stream_all(&at, &place),
                wait => poll_all(&at, &place, wait),
            })
        })
        .collect();
    for n in 0..MESSAGES {
        match n {
            50 => servers[0].signal(libc::SIGTERM),
            100 => servers.remove(1).kill(),
            _ => {}
        }
        publish(&proxy, n);
    }
    let expected: Vec<String> = (0..MESSAGES).map(|n| n.to_string()).collect();
    for reader in readers {
        let messages = reader.join().expect("reads all");
        let texts: Vec<&str> = messages
            .iter()
            .filter_map(|message| message["text"].as_str())
            .collect();
        assert_eq!(texts, expected, "each message once, in order");
    }
    assert_eq!(
        servers.remove(0).wait().status.code(),
        Some(0),
        "it drained"
    );
}

#[test]
fn readers_behind_nginx_continue_while_servers_stop() {
    assert_readers_continue_behind(nginx);
}

#[test]
fn readers_behind_haproxy_continue_while_servers_stop() {
    assert_readers_continue_behind(haproxy);
}

/// While NATS is unavailable: reads from memory works, publishes fail, and so do reads of messages that are not in
/// memory.
fn assert_reads_work_behind(
    proxy: fn(&[SocketAddr], &str) -> Front,
    is_noticed: fn(&Front) -> bool,
) {
    let mut nats = NatsServer::start();
    let server = || Process::start(&["--store", &nats.url(), "--workers", "1"]);
    let servers: Vec<Process> = (0..3).map(|_| server()).collect();
    let proxy = proxy(&addresses(&servers), OPERATORS);
    eventually("the proxy has found its servers", || {
        proxy.get("/readyz").status() == 200
    });
    let said = proxy.publish_text("lobby", "before");
    for server in &servers {
        eventually("each server has it in memory", || {
            server.poll("last=1")["messages"] == json!([said])
        });
    }
    nats.kill();
    for server in &servers {
        eventually("the store is known to be unavailable", || {
            server.get("/readyz").status() == 503
        });
    }
    eventually("the proxy has noticed", || is_noticed(&proxy));
    // More often than there are servers: the 503 of a server must not make the proxy stop using it.
    for _ in 0..2 * SERVERS.len() {
        let unread = proxy.get("/poll?room=unread");
        assert_eq!(unread.header("retry-after"), Some("1"));
        unread.problem(503);
        assert_eq!(proxy.poll("last=1")["messages"], json!([said]));
    }
    let refused = proxy.publish(&json!({"author": "mina", "text": "in vain"}));
    assert_eq!(refused.header("retry-after"), Some("1"));
    refused.problem(503);
    assert_eq!(proxy.stream("last=1").message(), said);
    nats.resume();
    eventually("the store is back", || {
        let draft = json!({"author": "mina", "text": "after"});
        proxy.publish(&draft).status() == 201
    });
}

#[test]
fn reads_behind_nginx_work_while_the_store_is_unavailable() {
    assert_reads_work_behind(nginx, |_| true);
}

#[test]
fn reads_behind_haproxy_work_while_the_store_is_unavailable() {
    assert_reads_work_behind(haproxy, |proxy| {
        proxy
            .output()
            .contains("backend 'chat' has no server available")
    });
}

#[test]
fn only_operators_reach_figures_and_health_in_any_spelling_of_the_path() {
    let server = Process::start(&["--store", "memory", "--workers", "1"]);
    for proxy in [nginx, haproxy] {
        // Addresses reserved for documentation (RFC 5737), so never this test's.
        let proxy = proxy(&[server.addr()], "192.0.2.0/24");
        eventually("the proxy has found its server", || {
            proxy.get("/poll").status() == 200
        });
        for path in ["/metrics", "/%6detrics", "/%72eadyz", "/health%7A"] {
            let answer = proxy.get(path);
            assert_eq!(answer.status(), 403, "{path}: {}", answer.text());
        }
    }
}
