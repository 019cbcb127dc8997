//! What takes its time by contract: keep-alives, summaries, requests that never finish.

use std::time::{Duration, Instant};

use crate::support::{
    client::TestClient as _,
    raw_connection::RawConnection,
    server::{Server, Store},
};

/// Above the 15 s of the keep-alive, on a busy machine.
const LONG: Duration = Duration::from_secs(25);

/// Runs the tests that mostly wait side by side, as each would hold a test thread on its own.
#[test]
fn what_waits_waits_as_long_as_the_contract_says() {
    let server = Server::with(Store::Memory, |config| config.request_log = true);
    // The first server's summaries are counted.
    let polled = Server::memory();
    std::thread::scope(|scope| {
        scope.spawn(|| a_silent_stream_gets_a_keep_alive_after_15_s(&server));
        scope.spawn(|| a_stream_with_data_gets_none(&server));
        scope.spawn(|| traffic_is_summed_up_every_10_s(&server));
        for half in [
            "",
            "G",
            "GET /poll HTTP/1.1\r\nHost: te",
            "GET /poll HTTP/1.1\r\n\r",
        ] {
            let server = &server;
            scope.spawn(move || half_a_head_is_given_up(server, half));
        }
        scope.spawn(|| half_a_body_is_given_up(&server));
        scope.spawn(|| a_connection_that_polls_on_is_kept(&polled));
        scope.spawn(|| a_long_poll_may_come_first(&polled));
    });
    let lines = server.lines.text().to_lowercase();
    assert!(
        !lines.contains("error") && !lines.contains("panic"),
        "{lines}"
    );
}

/// Longer than a head may take: what one request needs is not charged to the next.
fn a_connection_that_polls_on_is_kept(server: &Server) {
    let mut connection = server.raw();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(13) {
        connection.get("/poll?room=steady").ok();
        std::thread::park_timeout(Duration::from_millis(200));
    }
    connection.read_timeout(LONG);
    connection.get("/poll?room=steady&wait=12&last=0").ok();
    connection.get("/poll?room=steady").ok();
}

/// Longer than a head may take, as the first request of its connection.
fn a_long_poll_may_come_first(server: &Server) {
    let mut connection = server.raw();
    connection.read_timeout(LONG);
    connection.get("/poll?room=steady&wait=12&last=0").ok();
}

fn a_silent_stream_gets_a_keep_alive_after_15_s(server: &Server) {
    let mut stream = server.stream("room=silent&client=silent&presence=0");
    stream.connection.read_timeout(LONG);
    assert_eq!(stream.frame(), "retry: 1000\n\n");
    let began = Instant::now();
    assert_eq!(stream.frame(), ": keep-alive\n\n");
    let took = began.elapsed();
    assert!(took > Duration::from_secs(14) && took < LONG, "{took:?}");
    let cost = server.client_cost("silent", "stream");
    let (out, into) = (
        cost["wire_bytes_out"].as_f64(),
        cost["wire_bytes_in"].as_f64(),
    );
    let off =
        |report: Option<f64>, counted: u64| (report.expect("a count") / counted as f64 - 1.0).abs();
    assert!(
        off(out, stream.connection.received) <= 0.01,
        "keep-alives are counted: {cost}"
    );
    assert!(off(into, stream.connection.sent) <= 0.01, "{cost}");
    server.publish_text("silent", "after it");
    assert_eq!(stream.message()["text"], "after it");
}

fn a_stream_with_data_gets_none(server: &Server) {
    let mut stream = server.stream("room=busy");
    stream.connection.read_timeout(LONG);
    assert_eq!(stream.frame(), "retry: 1000\n\n");
    let began = Instant::now();
    let mut said = 0;
    // Longer than the keep-alive, with a message every few seconds: data puts it off.
    while began.elapsed() < Duration::from_secs(18) {
        std::thread::park_timeout(Duration::from_secs(3));
        server.publish_text("busy", &said.to_string());
        said += 1;
        let frame = stream.frame();
        assert!(frame.starts_with("id: "), "{frame}");
    }
}

fn traffic_is_summed_up_every_10_s(server: &Server) {
    server.poll("client=summed");
    let deadline = Instant::now() + LONG;
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
        assert!(
            summary.contains(&format!(" {field} ")),
            "{field}: {summary}"
        );
    }
    let idle = server.lines.text();
    assert!(
        !idle.contains("summary seconds=10 transport=long-poll"),
        "no traffic, no line"
    );
}

/// Answered 408 or closed without a word.
fn given_up(mut connection: RawConnection, what: &str) {
    connection.read_timeout(LONG);
    let began = Instant::now();
    connection
        .until_closed()
        .unwrap_or_else(|error| panic!("{what:?}: {error}"));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(20), "{what:?}: {took:?}");
    let said = String::from_utf8_lossy(&connection.pending).into_owned();
    assert!(
        said.is_empty() || said.starts_with("HTTP/1.1 408 "),
        "{what:?}: {said}"
    );
}

fn half_a_head_is_given_up(server: &Server, half: &str) {
    let mut connection = server.raw();
    connection.send(half);
    if half.is_empty() {
        // Nothing is no half request: a connection may be opened ahead of its first use.
        connection.read_timeout(Duration::from_secs(20));
        if let Ok(n @ 1..) = connection.read_more() {
            assert!(
                connection.pending.starts_with(b"HTTP/1.1 408 "),
                "{n} bytes"
            );
        }
        return;
    }
    given_up(connection, half);
}

fn half_a_body_is_given_up(server: &Server) {
    let mut connection = server.raw();
    connection.send(
        "POST /messages HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
         Content-Length: 50\r\n\r\n{\"author\":",
    );
    given_up(connection, "half a body");
}
