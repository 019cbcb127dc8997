//! `GET /trace`: what the server saw of a client.

use serde_json::Value;

use crate::support::{
    client::{TestClient as _, cursor, texts},
    eventually,
    raw_connection::{RawConnection, request},
    server::Server,
};

/// A client's events after `after`. Also checks what holds for every answer.
fn events(server: &Server, after: u64) -> Vec<Value> {
    let answer = server.get(&format!("/trace?client=me&after={after}")).ok();
    assert_eq!(
        (&answer["client"], &answer["lost"]),
        (&"me".into(), &0.into())
    );
    let events = answer["events"].as_array().expect("a list").clone();
    let mut seq = after;
    for event in &events {
        seq += 1;
        assert_eq!(event["seq"], seq);
        assert!(event["at_us"].as_i64() <= answer["now_us"].as_i64());
    }
    assert_eq!(answer["seq"], seq);
    events
}

fn kinds(events: &[Value]) -> Vec<&str> {
    let kinds = events.iter().map(|event| event["kind"].as_str());
    kinds.collect::<Option<_>>().expect("kinds")
}

fn sum(events: &[Value], field: &str) -> u64 {
    events
        .iter()
        .map(|event| event[field].as_u64().expect(field))
        .sum()
}

#[test]
fn the_trace_of_polls_has_requests_and_answers_on_a_connection() {
    let server = Server::memory();
    let messages = server.publish_many("lobby", 3);
    let mut connection = server.raw();
    connection.get("/poll?client=me&trace=1").ok();
    let quiet = format!("/poll?client=me&trace=1&cursor={}", cursor(&messages[2]));
    connection.get(&quiet).ok();
    connection
        .get("/poll?client=me&trace=1&limit=0")
        .problem(400);
    let (sent, received) = (connection.sent, connection.received);
    drop(connection);
    // A refused request's query could not be read, so it belongs to no client's trace.
    let expected = ["opened", "request", "answer", "request", "answer", "closed"];
    eventually("the trace has all events", || {
        events(&server, 0).len() == expected.len()
    });
    let events = events(&server, 0);
    assert_eq!(kinds(&events), expected);
    assert!(events.iter().all(|event| event["transport"] == "poll"));
    assert!(
        events
            .iter()
            .all(|event| event["connection"] == events[0]["connection"])
    );
    assert_eq!(
        (&events[2]["messages"], &events[2]["status"]),
        (&3.into(), &200.into())
    );
    assert_eq!(events[4]["messages"], 0);
    let cost = server.client_cost("me", "poll");
    assert_eq!(sum(&events, "bytes_in"), cost["wire_bytes_in"]);
    assert_eq!(sum(&events, "bytes_out"), cost["wire_bytes_out"]);
    assert!(sum(&events, "bytes_in") < sent && sum(&events, "bytes_out") < received);
}

#[test]
fn the_trace_of_a_stream_has_each_push() {
    let server = Server::memory();
    let mut stream = server.stream("client=me&trace=1&presence=0&last=0");
    stream.frame();
    server.publish_text("lobby", "one");
    stream.message();
    server.publish_text("lobby", "two");
    stream.message();
    let (sent, received) = (stream.connection.sent, stream.connection.received);
    drop(stream);
    let expected = ["opened", "request", "answer", "push", "push", "closed"];
    eventually("the trace has all events", || {
        events(&server, 0).len() == expected.len()
    });
    let events = events(&server, 0);
    assert_eq!(kinds(&events), expected);
    assert_eq!(events[2]["status"], 200);
    assert_eq!(
        (&events[3]["messages"], &events[3]["content"]),
        (&1.into(), &"messages".into())
    );
    assert_eq!(sum(&events, "bytes_in"), sent);
    assert_eq!(sum(&events, "bytes_out"), received);
    let last = events.len() as u64;
    assert!(self::events(&server, last).is_empty());
}

/// A stream that a buffering proxy holds back.
fn buffered_stream(server: &Server) -> RawConnection {
    let mut connection = server.raw();
    let target = "/stream?client=me&trace=1&presence=0&last=0&fault=buffer";
    connection.send(request("GET", target, &[], b""));
    eventually("the stream is open", || {
        server.get("/ledger?client=me").status() == 200
            && server.client_cost("me", "stream")["open"] == 1
    });
    connection
}

#[test]
fn a_stream_that_is_held_back_does_not_begin_in_the_trace() {
    let server = Server::memory();
    let connection = buffered_stream(&server);
    server.publish_text("lobby", "held");
    assert_eq!(texts(&server.poll("last=1")), ["held"]);
    assert_eq!(kinds(&events(&server, 0)), ["opened", "request"]);
    drop(connection);
    eventually("the stream has ended", || events(&server, 0).len() > 2);
    assert_eq!(kinds(&events(&server, 0)), ["opened", "request", "closed"]);
}

#[test]
fn a_held_back_stream_begins_in_the_trace_when_it_is_passed_on() {
    let server = Server::memory();
    let _wire = buffered_stream(&server);
    for _ in 0..5 {
        server.publish_text("lobby", &"x".repeat(4_000));
    }
    eventually("the buffer is passed on", || events(&server, 0).len() > 3);
    let events = events(&server, 0);
    assert_eq!(kinds(&events), ["opened", "request", "answer", "push"]);
    assert_eq!(events[2]["status"], 200);
    assert!(events[3]["messages"].as_u64() >= Some(4));
    let cost = server.client_cost("me", "stream");
    assert_eq!(sum(&events, "bytes_out"), cost["wire_bytes_out"]);
}

#[test]
fn presence_events_are_marked_in_the_trace() {
    let server = Server::memory();
    let mut stream = server.stream("client=me&trace=1&presence=1");
    while !stream.frame().starts_with("event: presence") {}
    eventually("the trace has it", || {
        let pushed = events(&server, 0);
        pushed
            .last()
            .is_some_and(|event| event["content"] == "presence")
    });
}

#[test]
fn without_keep_alive_each_poll_opens_and_closes() {
    let server = Server::memory();
    for _ in 0..2 {
        server.get("/poll?client=me&trace=1&connection=close").ok();
    }
    let expected = ["opened", "request", "answer", "closed"].repeat(2);
    eventually("the trace has all events", || {
        events(&server, 0).len() == expected.len()
    });
    let events = events(&server, 0);
    assert_eq!(kinds(&events), expected);
    assert_ne!(events[0]["connection"], events[4]["connection"]);
    let at = |i: usize| events[i]["at_us"].as_i64();
    assert!(at(0) <= at(1) && at(1) <= at(2) && at(2) <= at(3));
}

#[test]
fn clients_that_share_a_connection_see_it_open_and_close_once_each() {
    let server = Server::memory();
    let mut connection = server.raw();
    for client in ["me", "you", "me", "you"] {
        connection
            .get(&format!("/poll?client={client}&trace=1"))
            .ok();
    }
    drop(connection);
    let expected = ["opened", "request", "answer", "request", "answer", "closed"];
    eventually("the trace has all events", || {
        events(&server, 0).len() == expected.len()
    });
    assert_eq!(kinds(&events(&server, 0)), expected);
    let you = server.get("/trace?client=you").ok();
    let you = you["events"].as_array().expect("a list");
    assert_eq!(kinds(you), expected);
    assert_eq!(you[0]["connection"], events(&server, 0)[0]["connection"]);
}

#[test]
fn overwritten_events_are_reported_as_lost() {
    let server = Server::memory();
    let mut connection = server.raw();
    for _ in 0..300 {
        connection.get("/poll?client=me&trace=1&last=0").ok();
    }
    let answer = server.get("/trace?client=me").ok();
    let kept = answer["events"].as_array().expect("a list").len() as u64;
    assert_eq!(
        answer["seq"].as_u64(),
        answer["lost"].as_u64().map(|lost| lost + kept)
    );
    assert!(kept < 600);
}

#[test]
fn a_client_that_did_not_ask_for_a_trace_has_none() {
    let server = Server::memory();
    server.poll("client=me");
    server
        .get("/trace?client=me")
        .assert_problem_field(404, "client");
    server.get("/trace").assert_problem_field(400, "client");
    server
        .get("/trace?client=me&after=x")
        .assert_problem_field(400, "after");
    server
        .get("/poll?trace=1")
        .assert_problem_field(400, "trace");
}
