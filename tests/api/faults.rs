//! The failure lab: `fault=` on polls and streams.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    TEST_TIMEOUT,
    client::{TestClient as _, cursor, texts},
    events::Events,
    eventually,
    raw_connection::{RawConnection, request},
    server::Server,
};

/// What comes on a connection until the server is done with it.
fn until_closed(mut connection: RawConnection) -> Vec<u8> {
    connection.until_closed().expect("closes");
    connection.pending
}

#[test]
fn a_buffering_proxy_passes_a_stream_on_in_large_pieces_only() {
    let server = Server::memory();
    let mut connection = server.raw();
    connection.send(request("GET", "/stream?fault=buffer&last=0", &[], b""));
    let mut direct = server.stream("last=0");
    let text = "x".repeat(3_000);
    for _ in 0..5 {
        server.publish_text("lobby", &text);
    }
    direct.messages(5);
    connection.read_timeout(Duration::from_millis(300));
    assert!(
        connection.read_more().is_err(),
        "nothing has come, not even the head"
    );
    connection.read_timeout(TEST_TIMEOUT);
    for _ in 0..2 {
        server.publish_text("lobby", &text);
    }
    let mut buffered = Events::from_response(connection);
    assert!(
        texts(&buffered.messages(5).into())
            .iter()
            .all(|it| *it == text)
    );
}

#[test]
fn a_buffering_proxy_lets_polls_through() {
    let server = Server::memory();
    server.publish_text("lobby", "hello");
    assert_eq!(texts(&server.poll("fault=buffer")), ["hello"]);
    assert_eq!(texts(&server.poll("fault=buffer&wait=5")), ["hello"]);
}

#[test]
fn what_a_buffering_proxy_held_is_still_there_to_read() {
    let server = Server::memory();
    let mut held = server.raw();
    held.send(request(
        "GET",
        "/stream?fault=buffer&last=0&client=held",
        &[],
        b"",
    ));
    eventually("it is open", || {
        server.get("/ledger?client=held").status() == 200
            && server.client_cost("held", "stream")["open"] == 1
    });
    server.publish_text("lobby", "hello");
    // What did not pass was not delivered.
    assert_eq!(server.client_cost("held", "stream")["messages"], 0);
    assert_eq!(texts(&server.poll("last=10")), ["hello"]);
}

#[test]
fn a_slow_link_delays_and_loses_nothing() {
    let server = Server::memory();
    let text = "y".repeat(1_500);
    server.publish_text("lobby", &text);
    thread::scope(|scope| {
        scope.spawn(|| {
            let started = Instant::now();
            let answer = server.poll("fault=slow&client=slow");
            assert_eq!(texts(&answer), [text.as_str()]);
            assert!(started.elapsed() > Duration::from_millis(300));
        });
        scope.spawn(|| {
            let answer = server.poll("fault=slow&last=0&client=empty");
            assert!(texts(&answer).is_empty());
        });
        let mut stream = server.stream("fault=slow");
        assert_eq!(stream.message()["text"], text);
    });
    let cost = server.client_cost("slow", "poll");
    assert!(cost["wire_bytes_out"].as_u64() > Some(1_500), "{cost}");
    assert_eq!((&cost["messages"], &cost["empty"]), (&1.into(), &0.into()));
    assert_eq!(server.client_cost("empty", "poll")["empty"], 1);
}

#[test]
fn a_connection_is_cut_at_a_fixed_age() {
    let server = Server::memory();
    server.publish_text("lobby", "hello");
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut stream = server.stream("fault=cut");
            assert_eq!(stream.message()["text"], "hello");
            stream.connection.until_closed().expect("is cut");
        });
        scope.spawn(|| {
            let mut connection = server.raw();
            connection.send(request("GET", "/poll?fault=cut&wait=30&last=0", &[], b""));
            assert!(until_closed(connection).is_empty(), "it is not answered");
        });
        scope.spawn(|| {
            let mut connection = server.raw();
            let answer = connection.get("/poll?fault=cut").ok();
            assert_eq!(texts(&answer), ["hello"]);
            // Another poll does not put it off.
            let again = format!("/poll?fault=cut&cursor={}", cursor(&answer));
            connection.get(&again).ok();
            until_closed(connection);
        });
        scope.spawn(|| {
            // As behind a proxy, where the next request of a connection is another's.
            let mut connection = server.raw();
            connection.get("/poll?fault=cut").ok();
            let answer = connection.get("/poll?wait=7&last=0").ok();
            assert!(texts(&answer).is_empty());
        });
    });
    // It has harmed nobody else.
    assert_eq!(texts(&server.poll("")), ["hello"]);
}

#[test]
fn a_restart_ends_all_connections_with_its_key_and_no_other() {
    let server = Server::memory();
    let stream = server.stream("last=0&fault_key=mine");
    let mut waiting = server.raw();
    waiting.send(request(
        "GET",
        "/poll?wait=30&last=0&fault_key=mine",
        &[],
        b"",
    ));
    let mut idle = server.raw();
    idle.get("/poll?fault_key=mine").ok();
    let mut passed_on = server.raw();
    passed_on.get("/poll?fault_key=mine").ok();
    passed_on.get("/poll").ok();
    let mut other = server.stream("last=0&fault_key=theirs");
    eventually("the long-poll waits", || {
        server.cost("long-poll")["open"] == 1
    });

    let mut asking = server.raw();
    asking.send(request(
        "GET",
        "/poll?fault=restart&fault_key=mine",
        &[],
        b"",
    ));
    assert!(until_closed(asking).is_empty());
    until_closed(stream.connection);
    assert!(until_closed(waiting).is_empty());
    until_closed(idle);
    passed_on.get("/poll").ok();
    server.publish_text("lobby", "hello");
    assert_eq!(other.message()["text"], "hello");
    // A key is not used up.
    server.poll("fault_key=mine");
}

#[test]
fn a_restart_spares_what_another_asks_over_the_same_connection() {
    let server = Server::memory();
    let mut shared = server.raw();
    shared.get("/poll?fault_key=mine").ok();
    let body = br#"{"author": "tomas", "text": "hello"}"#;
    let headers = [("Content-Type", "application/json")];
    let publish = request("POST", "/messages", &headers, body);
    let (begin, rest) = publish.split_at(publish.len() - 5);
    shared.send(begin);
    eventually("the publish is under way", || {
        server.cost("publish")["requests"] == 1
    });
    let mut asking = server.raw();
    asking.send(request(
        "GET",
        "/poll?fault=restart&fault_key=mine",
        &[],
        b"",
    ));
    until_closed(asking);
    shared.send(rest);
    let answer = shared.answer("POST").expect("an answer");
    assert_eq!(answer.status(), 201);
}

#[test]
fn a_stream_may_ask_for_the_restart_too() {
    let server = Server::memory();
    let other = server.stream("last=0&fault_key=mine");
    let mut asking = server.raw();
    asking.send(request(
        "GET",
        "/stream?fault=restart&fault_key=mine",
        &[],
        b"",
    ));
    assert!(until_closed(asking).is_empty());
    until_closed(other.connection);
    eventually("all are gone", || server.cost("stream")["open"] == 0);
}

#[test]
fn what_is_no_fault_is_refused() {
    let server = Server::memory();
    for target in ["/poll", "/stream"] {
        server
            .get(&format!("{target}?fault=fire"))
            .blames(400, "fault");
        server
            .get(&format!("{target}?fault=restart"))
            .blames(400, "fault");
        server
            .get(&format!("{target}?fault_key=a+b"))
            .blames(400, "fault_key");
    }
}
