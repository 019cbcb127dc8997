//! How the server ends on SIGINT and SIGTERM, with requests of all kinds open.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{
    client::{TestClient as _, cursor},
    events::Events,
    eventually,
    process::Process,
    raw_connection::{RawConnection, find, request},
};

/// The contract's limit.
const GONE_WITHIN: Duration = Duration::from_secs(2);
const EACH: usize = 50;

fn stops_with_everything_open(signal: i32, store: &str) {
    let server = Process::start(&["--store", store, "--workers", "2"]);
    let place = cursor(&server.publish_text("lobby", "hello")).to_owned();
    let mut streams: Vec<Events> = (0..EACH).map(|_| server.stream("")).collect();
    for stream in &mut streams {
        assert_eq!(stream.message()["text"], "hello");
    }
    let mut waiting: Vec<RawConnection> = (0..EACH)
        .map(|_| {
            let mut connection = server.raw();
            connection.send(request(
                "GET",
                &format!("/poll?wait=60&cursor={place}"),
                &[],
                b"",
            ));
            connection
        })
        .collect();
    let mut idle = server.raw();
    idle.get("/poll");
    let mut half = server.raw();
    half.send("GET /poll HTTP/1.1\r\nHo");
    let mut half_body = server.raw();
    half_body.send(
        "POST /messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Content-Length: 9\r\n\r\n{",
    );
    eventually("all are open", || {
        server.cost("long-poll")["open"] == EACH && server.cost("stream")["open"] == EACH
    });
    let addr = server.addr();
    let began = Instant::now();
    server.signal(signal);
    for stream in &mut streams {
        assert_eq!(stream.next(), None, "streams end without further frames");
    }
    for connection in &mut waiting {
        let answer = connection
            .answer("GET")
            .expect("long-polls are answered")
            .ok();
        assert_eq!(
            answer,
            json!({"messages": [], "cursor": place, "more": false, "reset": null})
        );
    }
    let ended = server.wait();
    let took = began.elapsed();
    assert!(took < GONE_WITHIN, "{took:?}");
    assert_eq!(ended.status.code(), Some(0), "{:?}", ended.status);
    assert_eq!(ended.stderr, "");
    assert!(
        ended.stdout.contains("what each transport cost:"),
        "{}",
        ended.stdout
    );
    let stream = ended
        .stdout
        .lines()
        .find(|line| line.starts_with("stream "));
    assert!(
        stream.is_some_and(|row| row.contains(" 50 ")),
        "{}",
        ended.stdout
    );
    assert!(
        std::net::TcpStream::connect(addr).is_err(),
        "nobody listens"
    );
}

#[test]
fn sigint_stops_a_memory_server_with_everything_open() {
    stops_with_everything_open(libc::SIGINT, "memory");
}

#[test]
fn sigterm_stops_a_sqlite_server_with_everything_open() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = format!("sqlite:{}", directory.path().join("chat.db").display());
    stops_with_everything_open(libc::SIGTERM, &store);
}

#[test]
fn a_stopped_server_leaves_its_log_in_one_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("chat.db");
    let server = Process::start(&["--store", &format!("sqlite:{}", path.display())]);
    server.publish_text("lobby", "hello");
    server.stop();
    assert!(
        !path.with_extension("db-wal").exists(),
        "a copy of the file alone has all messages"
    );
}

#[test]
fn a_stalled_reader_does_not_delay_the_stop() {
    let server = Process::start(&["--store", "memory", "--workers", "1"]);
    let stalled = server.stream("last=0");
    let mut connection = server.raw();
    let text = "x".repeat(4096);
    for _ in 0..2500 {
        crate::support::client::publish_text(&mut connection, "lobby", &text);
    }
    let began = Instant::now();
    let ended = server.stop();
    assert!(began.elapsed() < GONE_WITHIN, "{:?}", began.elapsed());
    assert_eq!(ended.status.code(), Some(0));
    drop(stalled);
}

/// Another program locks the file, and publishes wait for it.
#[test]
fn a_store_that_hangs_does_not_delay_the_stop() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("chat.db");
    let server = Process::start(&["--store", &format!("sqlite:{}", path.display())]);
    server.publish_text("lobby", "hello");
    let other = rusqlite::Connection::open(&path).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locks");
    let draft = json!({"author": "mina", "text": "waits"}).to_string();
    let waiting: Vec<RawConnection> = (0..20)
        .map(|_| {
            let mut connection = server.raw();
            let headers = [("Content-Type", "application/json")];
            connection.send(request("POST", "/messages", &headers, draft.as_bytes()));
            connection
        })
        .collect();
    eventually("the publishes wait", || {
        server.cost("publish")["open"] == 20
    });
    let began = Instant::now();
    let ended = server.stop();
    assert!(began.elapsed() < GONE_WITHIN, "{:?}", began.elapsed());
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert!(
        ended.stdout.contains("what each transport cost"),
        "{}",
        ended.stdout
    );
    drop(waiting);
}

#[test]
fn a_second_signal_does_no_harm() {
    let server = Process::start(&["--store", "memory"]);
    let _open = server.stream("");
    server.signal(libc::SIGINT);
    server.signal(libc::SIGTERM);
    server.signal(libc::SIGINT);
    let ended = server.wait();
    assert_eq!(ended.status.code(), Some(0), "{:?}", ended.status);
}

#[test]
fn a_stream_that_ends_with_the_server_ends_properly() {
    let server = Process::start(&["--store", "memory"]);
    let mut stream = server.stream("");
    stream.frame();
    server.signal(libc::SIGTERM);
    assert_eq!(stream.next(), None);
    let chunked = stream.head.header("transfer-encoding") == Some("chunked");
    let trailing = find(&stream.connection.pending, b"HTTP/1.1 ");
    assert!(trailing.is_none(), "no second answer");
    if !chunked {
        stream.connection.read_until_closed().expect("closed");
    }
    assert_eq!(server.wait().status.code(), Some(0));
}

/// A browser's EventSource reconnects with the last id it saw.
#[test]
fn a_stream_resumes_on_the_restarted_server_and_misses_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = format!("sqlite:{}", directory.path().join("chat.db").display());
    let server = Process::start(&["--store", &store]);
    let mut stream = server.stream("");
    server.publish_text("lobby", "seen");
    let seen = stream.message();
    server.signal(libc::SIGTERM);
    assert_eq!(stream.next(), None);
    server.wait();
    let server = Process::start(&["--store", &store]);
    let missed = server.publish_text("lobby", "missed");
    let header = ("Last-Event-ID", cursor(&seen));
    let mut stream = Events::open(server.raw(), "/stream", &[header]);
    assert_eq!(stream.message(), missed);
    assert_eq!(server.publish_text("lobby", "live"), stream.message());
}
