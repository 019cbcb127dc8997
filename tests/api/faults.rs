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
    protocol_client::{ProtocolClient, ProtocolForm, read_until, run},
    raw_connection::{RawConnection, request},
    server::Server,
};

/// Reads a connection until the server closes it.
fn read_until_closed(mut connection: RawConnection) -> Vec<u8> {
    connection.read_until_closed().expect("closes");
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
        "nothing was sent, not even the head"
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
fn a_buffering_proxy_holds_a_stream_back_while_polls_bring_the_same_message() {
    let server = Server::memory();
    let place = cursor(&server.poll("fault=buffer&last=0")).to_owned();
    let mut held = server.raw();
    held.send(request("GET", "/stream?fault=buffer&last=0", &[], b""));
    eventually("the stream is open", || server.cost("stream")["open"] == 1);
    thread::scope(|scope| {
        let server = &server;
        let waits = format!("fault=buffer&cursor={place}&wait=30");
        let waiting = scope.spawn(move || server.poll(&waits));
        eventually("the long-poll waits", || {
            server.cost("long-poll")["open"] == 1
        });
        server.publish_text("lobby", "hello");
        assert_eq!(texts(&waiting.join().expect("answered")), ["hello"]);
    });
    let answer = server.poll(&format!("fault=buffer&cursor={place}"));
    assert_eq!(texts(&answer), ["hello"]);
    held.read_timeout(Duration::from_millis(300));
    assert!(
        held.read_more().is_err(),
        "the stream has delivered nothing"
    );
}

#[test]
fn messages_held_by_a_buffering_proxy_can_be_read_afterwards() {
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
    // Messages that the proxy holds back do not count as delivered.
    assert_eq!(server.client_cost("held", "stream")["messages"], 0);
    assert_eq!(texts(&server.poll("last=10")), ["hello"]);
}

/// Checks the time that a slow link took for this many bytes. The upper bound has room for a busy machine, but is less
/// than if each part of an answer were delayed separately.
fn assert_took(started: Instant, bytes: usize, what: &str) {
    let expected = Duration::from_millis(300 + bytes as u64 * 1000 / 2048);
    let took = started.elapsed();
    assert!(took >= expected, "{what}: {took:?} for {bytes} bytes");
    let generous = expected + Duration::from_secs(6);
    assert!(took < generous, "{what}: {took:?} for {bytes} bytes");
}

#[test]
fn a_slow_link_has_one_rate_for_all_transports() {
    let server = Server::memory();
    // Small messages for about four seconds: their answer has many parts, which must not be delayed separately.
    server.publish_many("small", 70);
    server.publish_text("large", &"y".repeat(4_000));
    thread::scope(|scope| {
        for (room, messages) in [("small", 70), ("large", 1)] {
            let server = &server;
            for wait in ["", "&wait=5"] {
                scope.spawn(move || {
                    let target = format!("/poll?fault=slow&room={room}&last=100{wait}");
                    let started = Instant::now();
                    let answer = server.get(&target);
                    assert_took(started, answer.body.len(), &target);
                    assert_eq!(texts(&answer.ok()).len(), messages);
                });
            }
            scope.spawn(move || {
                let started = Instant::now();
                let query = format!("fault=slow&room={room}&last=100");
                let mut stream = server.stream(&query);
                let mut bytes = 0;
                let mut left = messages;
                while left > 0 {
                    let frame = stream.next().expect("a frame");
                    bytes += frame.len();
                    left -= usize::from(frame.starts_with("id:"));
                }
                assert_took(started, bytes, &query);
            });
        }
    });
}

#[test]
fn a_slow_link_delays_every_answer_and_every_push() {
    let server = Server::memory();
    let late = |published: Instant, what: &str| assert_took(published, 0, what);
    let started = Instant::now();
    let first = server.poll("fault=slow&last=0");
    late(started, "an empty poll");
    let mut stream = server.stream("fault=slow&last=0");
    stream.frame();
    let mut place = cursor(&first).to_owned();
    for text in ["one", "two", "three"] {
        place = thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let target = format!("fault=slow&cursor={place}&wait=30");
                let answer = server.poll(&target);
                (answer, Instant::now())
            });
            eventually("the long-poll waits", || {
                server.cost("long-poll")["open"] == 1
            });
            let published = Instant::now();
            server.publish_text("lobby", text);
            assert_eq!(stream.message()["text"], text);
            late(published, "a push");
            let (answer, at) = waiting.join().expect("answered");
            assert_eq!(texts(&answer), [text]);
            assert!(at - published >= Duration::from_millis(300));
            cursor(&answer).to_owned()
        });
        eventually("the long-poll is gone", || {
            server.cost("long-poll")["open"] == 0
        });
    }
}

#[test]
fn a_slow_link_loses_nothing_and_its_bytes_are_counted() {
    let server = Server::memory();
    let text = "y".repeat(1_500);
    server.publish_text("lobby", &text);
    let answer = server.poll("fault=slow&client=slow");
    assert_eq!(texts(&answer), [text.as_str()]);
    let answer = server.poll("fault=slow&last=0&client=empty");
    assert!(texts(&answer).is_empty());
    let tag = format!("\"{}\"", cursor(&answer));
    let known = server.get_with("/poll?fault=slow&last=0", &[("If-None-Match", &tag)]);
    assert_eq!(known.status(), 304);
    let cost = server.client_cost("slow", "poll");
    assert!(cost["wire_bytes_out"].as_u64() > Some(1_500), "{cost}");
    assert_eq!((&cost["messages"], &cost["empty"]), (&1.into(), &0.into()));
    assert_eq!(server.client_cost("empty", "poll")["empty"], 1);
}

#[test]
fn a_slow_link_is_as_slow_over_every_protocol() {
    let server = Server::on_every_form();
    server.publish_text("lobby", &"y".repeat(2_000));
    for form in ProtocolForm::ALL {
        run(async {
            let mut client = ProtocolClient::connect(&server, form).await;
            let started = Instant::now();
            let (status, body) = client.get("/poll?fault=slow&last=1").await;
            assert_eq!(status, 200);
            assert_took(started, body.len(), form.key());
            let started = Instant::now();
            let stream = client.send("GET", "/stream?fault=slow&last=1", "").await;
            let mut events = stream.into_body();
            let retry = read_until(&mut events, "\n\n").await;
            let message = read_until(&mut events, "\n\n").await;
            assert_took(started, retry.len() + message.len(), form.key());
        });
    }
}

#[test]
fn a_connection_is_cut_at_a_fixed_age() {
    let server = Server::memory();
    server.publish_text("lobby", "hello");
    thread::scope(|scope| {
        scope.spawn(|| {
            let started = Instant::now();
            let mut stream = server.stream("fault=cut");
            assert_eq!(stream.message()["text"], "hello");
            stream.connection.read_until_closed().expect("is cut");
            assert!(started.elapsed() >= Duration::from_secs(5));
        });
        scope.spawn(|| {
            let mut connection = server.raw();
            connection.send(request("GET", "/poll?fault=cut&wait=30&last=0", &[], b""));
            assert!(
                read_until_closed(connection).is_empty(),
                "the poll has no answer"
            );
        });
        scope.spawn(|| {
            let mut connection = server.raw();
            let answer = connection.get("/poll?fault=cut").ok();
            assert_eq!(texts(&answer), ["hello"]);
            // Another poll does not postpone the cut.
            let again = format!("/poll?fault=cut&cursor={}", cursor(&answer));
            connection.get(&again).ok();
            read_until_closed(connection);
        });
        scope.spawn(|| {
            // Like behind a proxy, where the next request of a connection may be another client's.
            let mut connection = server.raw();
            connection.get("/poll?fault=cut").ok();
            let answer = connection.get("/poll?wait=7&last=0").ok();
            assert!(texts(&answer).is_empty());
        });
    });
    // No other client is affected.
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
    assert!(read_until_closed(asking).is_empty());
    read_until_closed(stream.connection);
    assert!(read_until_closed(waiting).is_empty());
    read_until_closed(idle);
    passed_on.get("/poll").ok();
    server.publish_text("lobby", "hello");
    assert_eq!(other.message()["text"], "hello");
    // A key can be used again.
    server.poll("fault_key=mine");
}

#[test]
fn a_restart_spares_another_clients_request_on_the_same_connection() {
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
    read_until_closed(asking);
    shared.send(rest);
    let answer = shared.answer("POST").expect("an answer");
    assert_eq!(answer.status(), 201);
}

#[test]
fn a_stream_may_trigger_the_restart_too() {
    let server = Server::memory();
    let other = server.stream("last=0&fault_key=mine");
    let mut asking = server.raw();
    asking.send(request(
        "GET",
        "/stream?fault=restart&fault_key=mine",
        &[],
        b"",
    ));
    assert!(read_until_closed(asking).is_empty());
    read_until_closed(other.connection);
    eventually("all are gone", || server.cost("stream")["open"] == 0);
}

#[test]
fn an_unknown_fault_is_refused() {
    let server = Server::memory();
    for target in ["/poll", "/stream"] {
        server
            .get(&format!("{target}?fault=fire"))
            .assert_problem_field(400, "fault");
        server
            .get(&format!("{target}?fault=restart"))
            .assert_problem_field(400, "fault");
        server
            .get(&format!("{target}?fault_key=a+b"))
            .assert_problem_field(400, "fault_key");
    }
}
