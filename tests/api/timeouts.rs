//! Behaviour that takes seconds by contract: keep-alives, summaries, requests that never finish.

use std::time::{Duration, Instant};

use crate::support::{
    client::TestClient as _,
    raw_connection::RawConnection,
    server::{Server, StoreKind},
};

/// Longer than the keep-alive's 15 s, with a margin for a busy machine.
const LONG_READ_TIMEOUT: Duration = Duration::from_secs(25);

#[test]
fn a_connection_that_keeps_polling_stays_open() {
    let server = Server::memory();
    let mut connection = server.raw();
    let started = Instant::now();
    // Longer than the time limit of a head, which must restart with each request.
    while started.elapsed() < Duration::from_secs(13) {
        connection.get("/poll?room=steady").ok();
        std::thread::park_timeout(Duration::from_millis(200));
    }
    connection.read_timeout(LONG_READ_TIMEOUT);
    connection.get("/poll?room=steady&wait=12&last=0").ok();
    connection.get("/poll?room=steady").ok();
}

#[test]
fn a_long_poll_may_be_the_first_request_of_its_connection() {
    let server = Server::memory();
    let mut connection = server.raw();
    connection.read_timeout(LONG_READ_TIMEOUT);
    // Longer than the time limit of a head.
    connection.get("/poll?room=steady&wait=12&last=0").ok();
}

#[test]
fn a_silent_stream_gets_a_keep_alive_after_15_s() {
    let server = Server::memory();
    let mut stream = server.stream("room=silent&client=silent&presence=0");
    stream.connection.read_timeout(LONG_READ_TIMEOUT);
    assert_eq!(stream.frame(), "retry: 1000\n\n");
    let started = Instant::now();
    assert_eq!(stream.frame(), ": keep-alive\n\n");
    assert!(started.elapsed() > Duration::from_secs(14), "too early");
    server.publish_text("silent", "after it");
    assert_eq!(stream.message()["text"], "after it");
}

#[test]
fn the_bytes_of_a_keep_alive_are_counted() {
    let server = Server::memory();
    let mut stream = server.stream("room=silent&client=silent&presence=0");
    stream.connection.read_timeout(LONG_READ_TIMEOUT);
    assert_eq!(stream.frame(), "retry: 1000\n\n");
    assert_eq!(stream.frame(), ": keep-alive\n\n");
    let cost = server.client_cost("silent", "stream");
    for (name, counted) in [
        ("wire_bytes_out", stream.connection.received),
        ("wire_bytes_in", stream.connection.sent),
    ] {
        let reported = cost[name].as_f64().expect("a count");
        let off = (reported / counted as f64 - 1.0).abs();
        assert!(off <= 0.01, "{name}: counted {counted}, reported {cost}");
    }
}

#[test]
fn a_stream_with_data_gets_no_keep_alive() {
    let server = Server::memory();
    let mut stream = server.stream("room=busy");
    stream.connection.read_timeout(LONG_READ_TIMEOUT);
    assert_eq!(stream.frame(), "retry: 1000\n\n");
    let started = Instant::now();
    let mut published = 0;
    // Longer than the keep-alive's interval, with a message every few seconds, each of which postpones it.
    while started.elapsed() < Duration::from_secs(18) {
        std::thread::park_timeout(Duration::from_secs(3));
        server.publish_text("busy", &published.to_string());
        published += 1;
        let frame = stream.frame();
        assert!(frame.starts_with("id: "), "{frame}");
    }
}

#[test]
fn traffic_is_summarised_every_10_s() {
    let server = Server::with(StoreKind::Memory, |config| config.request_log = true);
    server.poll("client=summed");
    let deadline = Instant::now() + LONG_READ_TIMEOUT;
    let summary = loop {
        let lines = server.lines.all();
        let found = lines
            .iter()
            .find(|line| line.contains(" summary ") && line.contains("transport=poll"));
        if let Some(line) = found {
            break line.clone();
        }
        assert!(Instant::now() < deadline, "no summary");
        std::thread::park_timeout(Duration::from_millis(50));
    };
    for field in [
        "seconds=10",
        "requests=1",
        "empty=1",
        "messages=0",
        "connections=1",
    ] {
        let field = format!(" {field} ");
        assert!(summary.contains(&field), "{field}: {summary}");
    }
    let lines = server.lines.text();
    assert!(
        !lines.contains("summary seconds=10 transport=long-poll"),
        "a summary line for a transport without traffic: {lines}"
    );
}

#[test]
fn a_connection_may_be_opened_long_before_its_first_request() {
    let server = Server::memory();
    let mut connection = server.raw();
    connection.read_timeout(Duration::from_secs(8));
    assert!(connection.read_more().is_err(), "closed or answered");
    connection.get("/poll").ok();
}

#[test]
fn a_request_that_stops_after_one_byte_is_ended() {
    assert_ended("G");
}

#[test]
fn a_request_that_stops_within_its_head_is_ended() {
    assert_ended("GET /poll HTTP/1.1\r\nHost: te");
}

#[test]
fn a_request_that_stops_before_its_last_byte_is_ended() {
    assert_ended("GET /poll HTTP/1.1\r\n\r");
}

#[test]
fn a_request_that_stops_within_its_body_is_ended() {
    assert_ended(
        "POST /messages HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
         Content-Length: 50\r\n\r\n{\"author\":",
    );
}

/// Checks that the server answers 408 or closes without an answer, and logs no error.
fn assert_ended(part: &str) {
    let server = Server::memory();
    let mut connection: RawConnection = server.raw();
    connection.read_timeout(LONG_READ_TIMEOUT);
    connection.send(part);
    connection
        .read_until_closed()
        .unwrap_or_else(|error| panic!("{part:?}: {error}"));
    let answer = String::from_utf8_lossy(&connection.pending).into_owned();
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 408 "),
        "{part:?}: {answer}"
    );
    let lines = server.lines.text().to_lowercase();
    assert!(
        !lines.contains("error") && !lines.contains("panic"),
        "{lines}"
    );
}

#[test]
fn an_idle_connection_is_closed_and_one_that_waits_for_an_answer_is_not() {
    let server = Server::with(StoreKind::Memory, |config| {
        config.keep_alive = Duration::from_secs(1);
    });
    let mut connection = server.raw();
    // The second request is unusual, so that both the accelerator and actix-web serve one.
    connection.get("/poll?wait=3&last=0").ok();
    connection
        .ask(
            "GET",
            "/poll?wait=3&last=0",
            &[("Content-Length", "0")],
            b"",
        )
        .ok();
    let answered = Instant::now();
    connection.read_until_closed().expect("closed");
    assert!(answered.elapsed() < Duration::from_secs(8));
}

#[test]
fn a_connection_closes_after_its_last_answer_though_a_body_never_ends() {
    let server = Server::with(StoreKind::Memory, |config| {
        config.keep_alive = Duration::from_secs(1);
    });
    let large = format!("11000\r\n{}\r\n", " ".repeat(0x11000));
    for (target, body) in [
        ("GET /healthz", "5\r\nhel"),
        ("GET /poll?connection=close", "5\r\nhel"),
        ("POST /messages", &large),
    ] {
        let mut connection = server.raw();
        connection.send(format!(
            "{target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: chunked\r\n\r\n{body}"
        ));
        let answer = connection.answer("GET").expect("an answer");
        assert_eq!(answer.header("connection"), Some("close"), "{target}");
        connection
            .read_until_closed()
            .unwrap_or_else(|error| panic!("{target}: {error}"));
    }
}
