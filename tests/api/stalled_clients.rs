//! Clients that stop reading: they take little memory, and a stream is cut and can resume.

use std::{io::Write as _, time::Duration};

use serde_json::{Value, json};

use crate::support::{
    client::{JSON, TestClient, publish_text},
    events::{Events, message_of},
    eventually,
    process::Process,
    raw_connection::request,
    server::{Server, StoreKind},
};

const STALLED: usize = 200;
/// Messages that are published while they do not read.
const MESSAGES: usize = 2000;
const TEXT_BYTES: usize = 4000;
/// The most growth in megabytes. A queue for each reader would take 200 times the published bytes: 1.6 GB.
const MAY_GROW: usize = 50;

/// Publishes over several connections, each request sent before the last is answered.
fn flood(server: &impl TestClient, messages: usize) {
    let draft = json!({"author": "mina", "text": "x".repeat(TEXT_BYTES)}).to_string();
    let one = request("POST", "/messages", &[JSON], draft.as_bytes());
    const AT_ONCE: usize = 50;
    let mut wires: Vec<_> = (0..AT_ONCE).map(|_| server.raw()).collect();
    for _ in 0..messages / AT_ONCE {
        for connection in &mut wires {
            connection.send(&one);
        }
        for connection in &mut wires {
            let answer = connection.answer("POST").expect("an answer");
            assert_eq!(answer.status(), 201);
        }
    }
}

#[test]
fn streams_that_stop_reading_take_little_memory() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = format!("sqlite:{}", directory.path().join("chat.db").display());
    let server = Process::start(&["--store", &store, "--request-log", "off"]);
    let mut stalled: Vec<Events> = (0..STALLED).map(|_| server.stream("last=0")).collect();
    for stream in &mut stalled {
        stream.frame();
    }
    flood(&server, 200);
    let before = server.resident_megabytes();
    flood(&server, MESSAGES);
    let grown = server.resident_megabytes().saturating_sub(before);
    assert!(grown < MAY_GROW, "{grown} MB for {STALLED} streams");
    let newest = server.publish_text("lobby", "the newest");
    let mut stream = server.stream("last=1");
    assert_eq!(stream.message(), newest, "other readers are unaffected");
    drop(stalled);
}

/// Reads a stream to its end, and returns the messages that were sent before it was cut.
fn read_rest(mut stream: Events) -> Vec<Value> {
    let mut messages = Vec::new();
    loop {
        while let Some(frame) = stream.next_whole() {
            messages.extend(message_of(&frame));
        }
        // The connection may have been reset, so the end may be an error.
        if stream.ended || stream.read_more().is_err() {
            return messages;
        }
    }
}

#[test]
fn a_stream_that_was_cut_for_stalling_resumes_at_its_position() {
    let server = Server::with(StoreKind::Sqlite, |config| {
        config.stall_timeout = Duration::from_secs(2);
    });
    let stalled: Vec<Events> = (0..4).map(|_| server.stream("last=0")).collect();
    let mut connection = server.raw();
    let first = publish_text(&mut connection, "lobby", "first");
    flood(&server, 2500);
    eventually("the stalled streams are cut", || {
        server.cost("stream")["open"] == 0
    });
    let last = publish_text(&mut connection, "lobby", "last");
    for stream in stalled {
        let mut messages = read_rest(stream);
        let seen = messages.last().expect("some had come")["cursor"].clone();
        let header = ("Last-Event-ID", seen.as_str().expect("a cursor"));
        let mut resumed = Events::open(server.raw(), "/stream", &[header]);
        while messages.last() != Some(&last) {
            messages.push(resumed.message());
        }
        assert_eq!(messages.first(), Some(&first));
        assert_eq!(messages.len(), 2502, "each once");
        let ids: Vec<u64> = messages
            .iter()
            .filter_map(|message| message["id"].as_u64())
            .collect();
        assert!(ids.is_sorted(), "in order");
    }
}

/// Without a limit, each such connection took 20 MB: every head that the HTTP layer has decoded takes some kilobytes.
#[test]
fn requests_sent_ahead_take_little_memory() {
    const CONNECTIONS: usize = 16;
    for target in ["/", "/poll?wait=60&cursor=none", "/stream?last=0"] {
        let server = Process::start(&["--store", "memory", "--http-fast-path", "off"]);
        let before = server.resident_megabytes();
        let mut requests = request("GET", target, &[], b"");
        requests.extend(request("GET", "/healthz", &[], b"").repeat(40_000));
        let connections: Vec<_> = (0..CONNECTIONS).map(|_| server.raw()).collect();
        for connection in &connections {
            let timeout = Some(Duration::from_millis(200));
            let socket = connection.socket();
            socket.set_write_timeout(timeout).expect("set");
            // The server stops reading.
            let _ = (&*socket).write_all(&requests);
        }
        let grown = server.resident_megabytes().saturating_sub(before);
        assert!(grown < 16, "{target}: {grown} MB");
        assert_eq!(server.get("/healthz").status(), 200, "others are served");
    }
}
