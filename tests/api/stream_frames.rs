//! `GET /stream`: the exact bytes of the head and of each frame.

use crate::support::{
    client::{TestClient as _, cursor},
    each_store,
    events::{Events, message_of},
    raw_connection::find,
    response::Framing,
    server::Server,
};

each_store!(the_head_has_the_fields_for_proxies_and_caches, |server| {
    let stream = server.stream("");
    let head = &stream.head;
    assert_eq!(head.version, "HTTP/1.1");
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    assert_eq!(head.header("cache-control"), Some("no-cache"));
    assert_eq!(head.header("x-accel-buffering"), Some("no"));
    assert!(matches!(
        head.header("content-encoding"),
        None | Some("identity")
    ));
    assert_eq!(head.header("content-length"), None);
});

#[test]
fn a_stream_is_never_compressed() {
    let server = Server::memory();
    let accept = ("Accept-Encoding", "gzip, br, deflate, zstd");
    let mut stream = Events::open(server.raw(), "/stream", &[accept]);
    assert!(matches!(
        stream.head.header("content-encoding"),
        None | Some("identity")
    ));
    assert_eq!(stream.frame(), "retry: 1000\n\n");
}

each_store!(the_frames_are_the_contracts_to_the_byte, |server| {
    let first = server.publish(&serde_json::json!({"author": "mina", "text": "a\n\"b\" é"}));
    let mut stream = server.stream("");
    assert_eq!(stream.frame(), "retry: 1000\n\n", "first of all");
    let json = first.text();
    let id = cursor(&first.json()).to_owned();
    assert_eq!(stream.frame(), format!("id: {id}\ndata: {json}\n\n"));
    let polled = server.get("/poll").text();
    assert!(polled.contains(&json), "the same JSON object as in poll");
    for i in 0..3 {
        let message = server.publish_text("lobby", &i.to_string());
        let expected = format!("id: {}\ndata: {message}\n\n", cursor(&message));
        assert_eq!(stream.frame(), expected);
    }
    assert_eq!(stream.text, b"", "and nothing else");
});

each_store!(a_reset_frame_is_the_contracts_to_the_byte, |server| {
    let message = server.publish_text("lobby", "hello");
    let mut stream = server.stream("cursor=other-1");
    assert_eq!(stream.frame(), "retry: 1000\n\n");
    assert_eq!(
        stream.frame(),
        "event: reset\ndata: {\"reason\": \"unknown\"}\n\n"
    );
    assert_eq!(stream.message(), message);
});

#[test]
fn each_chunk_ends_with_a_whole_frame() {
    let server = Server::memory();
    server.publish_many("lobby", 30);
    let mut stream = server.stream("last=1000");
    // A body that ends with the connection has no chunks.
    if stream.head.framing("GET") == Framing::Chunked {
        stream.messages(30);
        for i in 0..5 {
            server.publish_text("lobby", &i.to_string());
            stream.message();
            assert_eq!(stream.connection.pending, b"", "no half chunk");
            assert_eq!(stream.text, b"", "no half frame");
        }
    }
}

#[test]
fn an_http_1_0_client_gets_a_body_that_ends_with_the_connection() {
    let server = Server::memory();
    let message = server.publish_text("lobby", "hello");
    let request = b"GET /stream HTTP/1.0\r\n\r\n";
    let mut stream = Events::ask(server.raw(), request);
    assert_eq!(stream.head.header("transfer-encoding"), None);
    assert_eq!(stream.frame(), "retry: 1000\n\n");
    assert_eq!(stream.message(), message);
    let next = server.publish_text("lobby", "next");
    assert_eq!(stream.message(), next);
}

#[test]
fn an_http_1_0_client_can_poll_and_publish() {
    let server = Server::memory();
    let mut connection = server.raw();
    let body = r#"{"author":"mina","text":"old"}"#;
    connection.send(format!(
        "POST /messages HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    assert_eq!(connection.answer("POST").expect("an answer").status(), 201);
    let mut connection = server.raw();
    connection.send("GET /poll HTTP/1.0\r\n\r\n");
    connection
        .read_until_closed()
        .expect("closed after the answer");
    assert!(find(&connection.pending, b"\"text\":\"old\"").is_some());
}

#[test]
fn heartbeats_are_sent_at_once_and_after_each_idle_interval() {
    let server = Server::memory();
    let heartbeat = "event: keep-alive\ndata:\n\n";
    let mut stream = server.stream("last=0&heartbeat=0.2&client=beating&presence=0");
    assert_eq!(stream.frame(), "retry: 1000\n\n");
    for _ in 0..3 {
        assert_eq!(stream.frame(), heartbeat);
    }
    let said = server.publish_text("lobby", "hello");
    loop {
        match stream.frame() {
            frame if frame == heartbeat => {}
            frame => {
                assert_eq!(
                    message_of(&frame).expect("a message")["cursor"],
                    said["cursor"]
                );
                break;
            }
        }
    }
    assert_eq!(stream.frame(), heartbeat);
    // Heartbeats count as bytes, but not as messages.
    let cost = server.client_cost("beating", "stream");
    let read = stream.text.len() as u64;
    assert!(
        cost["wire_bytes_out"].as_u64() >= Some(5 * heartbeat.len() as u64 + read),
        "{cost}"
    );
    assert_eq!(cost["messages"], 1);
}
