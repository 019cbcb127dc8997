//! The ledger's wire bytes are within 1 % of those that the test's own sockets counted.

use serde_json::{Value, json};

use crate::support::{
    client::{JSON, TestClient as _, cursor, publish_text},
    each_store,
    events::Events,
    raw_connection::{RawConnection, request},
    server::Server,
};

/// Compares the server's byte counts with those of the client's socket.
fn assert_true(of: &Value, connection: &RawConnection) {
    for (name, counted) in [
        ("wire_bytes_in", connection.sent),
        ("wire_bytes_out", connection.received),
    ] {
        let reported = of[name].as_u64().expect("a count");
        let off = reported.abs_diff(counted) as f64 / counted.max(1) as f64;
        assert!(
            off <= 0.01,
            "{name}: reported {reported}, counted {counted}"
        );
    }
}

each_store!(bytes_of_publishes_are_counted, |server| {
    let mut connection = server.raw();
    for i in 0..20 {
        publish_text(&mut connection, "lobby", &"x".repeat(1 + i * 200));
    }
    for bad in ["{}", "nonsense", ""] {
        connection.ask("POST", "/messages", &[JSON], bad.as_bytes());
    }
    connection.ask(
        "POST",
        "/messages",
        &[("Content-Type", "text/plain")],
        b"hello",
    );
    assert_true(&server.cost("publish"), &connection);
});

each_store!(bytes_of_polls_are_counted, |server| {
    let messages = server.publish_many("lobby", 100);
    let place = cursor(&messages[99]);
    let tag = format!("\"{place}\"");
    let mut connection = server.raw();
    for _ in 0..20 {
        connection.get("/poll?client=me&last=0");
        connection.get("/poll?client=me&last=100");
        let target = format!("/poll?client=me&cursor={place}");
        connection.get(&target);
        assert_eq!(
            connection
                .ask("GET", &target, &[("If-None-Match", &tag)], b"")
                .status(),
            304
        );
    }
    assert_true(&server.client_cost("me", "poll"), &connection);
    assert_true(&server.cost("poll"), &connection);
});

each_store!(bytes_of_refused_polls_are_counted, |server| {
    let mut connection = server.raw();
    for target in ["/poll?cursor=x", "/poll?limit=0", "/poll?room=%ff"] {
        connection.get(target).problem(400);
    }
    assert_true(&server.cost("poll"), &connection);
});

each_store!(bytes_of_large_answers_are_counted, |server| {
    let mut publisher = server.raw();
    for _ in 0..80 {
        publish_text(&mut publisher, "lobby", &"語".repeat(4096));
    }
    let mut connection = server.raw();
    let answer = connection.get("/poll?last=1000&limit=1000").ok();
    assert_ne!(answer["messages"], json!([]));
    assert!(connection.received > 400_000, "{}", connection.received);
    assert_true(&server.cost("poll"), &connection);
});

each_store!(bytes_of_long_polls_are_counted, |server| {
    let mut place = cursor(&server.poll("last=0")).to_owned();
    let mut connection = server.raw();
    for i in 0..10 {
        let target = format!("/poll?wait=30&client=me&cursor={place}");
        connection.send(request("GET", &target, &[], b""));
        place = cursor(&server.publish_text("lobby", &i.to_string())).to_owned();
        connection.answer("GET").expect("an answer").ok();
        connection.get(&format!("/poll?wait=0.01&client=me&cursor={place}"));
    }
    assert_true(&server.cost("long-poll"), &connection);
    assert_true(&server.client_cost("me", "long-poll"), &connection);
});

each_store!(bytes_of_streams_are_counted_while_they_are_open, |server| {
    let mut stream = server.stream("last=0&client=me&presence=0");
    stream.frame();
    assert_true(&server.client_cost("me", "stream"), &stream.connection);
    for i in 0..100 {
        server.publish_text("lobby", &format!("{i} {}", "x".repeat(i)));
        stream.message();
    }
    assert_true(&server.cost("stream"), &stream.connection);
    assert_true(&server.client_cost("me", "stream"), &stream.connection);
});

#[test]
fn bytes_of_a_stream_that_resumes_far_behind_are_counted() {
    let server = Server::memory();
    server.publish_many("lobby", 1000);
    let mut stream = server.stream("last=1000");
    stream.messages(1000);
    assert_true(&server.cost("stream"), &stream.connection);
}

#[test]
fn bytes_of_requests_in_one_packet_are_counted() {
    let server = Server::memory();
    server.publish_text("lobby", "hello");
    let mut connection = server.raw();
    connection.send(request("GET", "/poll?client=me", &[], b"").repeat(12));
    for _ in 0..12 {
        connection.answer("GET").expect("an answer").ok();
    }
    assert_true(&server.client_cost("me", "poll"), &connection);
    assert_eq!(server.client_cost("me", "poll")["requests"], 12);
}

/// The figures of all transports together.
fn sum(server: &Server) -> Value {
    let transports = server.get("/ledger").ok()["transports"].clone();
    let sum = |name: &str| -> u64 {
        let figures = transports.as_object().expect("an object").values();
        figures.map(|of| of[name].as_u64().expect("a count")).sum()
    };
    json!({"wire_bytes_in": sum("wire_bytes_in"), "wire_bytes_out": sum("wire_bytes_out")})
}

#[test]
fn bytes_of_a_connection_with_every_transport_are_counted() {
    let server = Server::memory();
    let mut connection = server.raw();
    for i in 0..5 {
        publish_text(&mut connection, "lobby", &"x".repeat(100 * i + 1));
        connection.get("/poll");
        connection.get("/poll?wait=5");
    }
    let mut stream = Events::open(connection, "/stream", &[]);
    stream.messages(5);
    assert_true(&sum(&server), &stream.connection);
    for transport in ["publish", "poll", "long-poll", "stream"] {
        assert_ne!(server.cost(transport)["wire_bytes_out"], 0);
    }
}

#[test]
fn bytes_of_different_transports_in_one_packet_add_up() {
    let server = Server::memory();
    let body = br#"{"author":"m","text":"hello"}"#;
    let mut connection = server.raw();
    let requests = [
        request("POST", "/messages", &[JSON], body),
        request("GET", "/poll", &[], b""),
        request("GET", "/poll?wait=5", &[], b""),
    ];
    connection.send(requests.concat().repeat(3));
    for _ in 0..9 {
        assert!(connection.answer("GET").expect("an answer").status() < 300);
    }
    assert_true(&sum(&server), &connection);
}

#[test]
fn bytes_of_a_request_in_small_pieces_are_counted() {
    let server = Server::memory();
    let mut connection = server.raw();
    for piece in request("GET", "/poll?client=me", &[], b"").chunks(5) {
        connection.send(piece);
    }
    connection.answer("GET").expect("an answer").ok();
    assert_true(&server.cost("poll"), &connection);
}

#[test]
fn requests_for_the_page_and_the_ledger_are_not_counted() {
    let server = Server::memory();
    let mut connection = server.raw();
    connection.get("/ledger");
    connection.get("/metrics");
    connection.get("/nope");
    connection.get("/poll?client=me");
    connection.get("/ledger");
    let mut alone = server.raw();
    alone.get("/poll?client=us");
    assert_true(&server.client_cost("me", "poll"), &alone);
}
