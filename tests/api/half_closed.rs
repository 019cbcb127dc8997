//! Clients that shut their sending side after a request: those that still read get their answers, and those that have
//! left are noticed.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{
    client::{JSON, TestClient as _, texts},
    each_store,
    events::Events,
    eventually,
    protocol_client::{connect_tls, run},
    raw_connection::{RawConnection, request},
    server::{Server, StoreKind},
};

/// Two connections: a new one, whose first request the accelerator may serve, and one that actix-web serves already.
fn connections(server: &Server) -> [RawConnection; 2] {
    let over_http = || {
        let mut connection = server.raw();
        assert_eq!(connection.get("/healthz").status(), 200);
        connection
    };
    [server.raw(), over_http()]
}

/// Sends a request and shuts the sending side.
fn ask_last(connection: &mut RawConnection, bytes: impl AsRef<[u8]>) {
    connection.send(bytes);
    connection.finish_sending();
}

fn publish(text: &str) -> Vec<u8> {
    let draft = json!({"author": "mina", "text": text}).to_string();
    request("POST", "/messages", &[JSON], draft.as_bytes())
}

each_store!(a_half_closed_client_is_answered_on_every_route, |server| {
    server.publish_text("lobby", "hello");
    for target in [
        "/poll?last=1",
        "/poll?last=1&wait=5",
        "/poll?last=0&wait=0.3",
        "/poll?cursor=none",
        "/ledger",
        "/presence",
        "/plan",
        "/metrics",
        "/healthz",
        "/readyz",
        "/",
        "/nowhere",
    ] {
        let expected = server.get(target).status();
        for mut connection in connections(server) {
            ask_last(&mut connection, request("GET", target, &[], b""));
            let answer = connection.answer("GET").expect("an answer");
            assert_eq!(answer.status(), expected, "{target}");
            assert_eq!(connection.read_more().expect("the end"), 0, "{target}");
        }
    }
    for mut connection in connections(server) {
        ask_last(&mut connection, publish("half"));
        let answer = connection.answer("POST").expect("an answer");
        assert_eq!(answer.status(), 201);
        assert_eq!(connection.read_more().expect("the end"), 0);
    }
    assert_eq!(texts(&server.poll("last=3")), ["hello", "half", "half"]);
});

#[test]
fn a_half_closed_long_poll_is_answered_when_a_message_comes() {
    let server = Server::memory();
    for mut connection in connections(&server) {
        ask_last(
            &mut connection,
            request("GET", "/poll?last=0&wait=30", &[], b""),
        );
        eventually("the long-poll waits", || {
            server.cost("long-poll")["open"] == 1
        });
        // Longer than the server waits before it sends the beginning of an answer ahead.
        connection.read_timeout(Duration::from_millis(400));
        while connection.read_more().is_ok() {}
        server.publish_text("lobby", "late");
        connection.read_timeout(crate::support::TEST_TIMEOUT);
        let answer = connection.answer("GET").expect("an answer");
        assert_eq!(texts(&answer.ok()), ["late"]);
        eventually("the client is gone", || {
            server.cost("long-poll")["open"] == 0
        });
    }
}

#[test]
fn a_half_closed_stream_continues() {
    let server = Server::memory();
    server.publish_text("lobby", "before");
    for mut connection in connections(&server) {
        ask_last(&mut connection, request("GET", "/stream?last=1", &[], b""));
        let mut stream = Events::from_response(connection);
        stream.message();
        for text in ["one", "two"] {
            server.publish_text("lobby", text);
            assert_eq!(stream.message()["text"], text);
        }
        assert_eq!(server.cost("stream")["open"], 1);
        drop(stream);
        // Its sending side had ended before, so the server notices only when it sends something.
        server.publish_text("lobby", "three");
        eventually("the client is gone", || server.cost("stream")["open"] == 0);
    }
}

#[test]
fn requests_sent_ahead_are_all_answered_after_a_half_close() {
    let server = Server::memory();
    let ahead = [
        publish("one"),
        request("GET", "/poll?last=0&wait=0.3", &[], b""),
        publish("two"),
        request("GET", "/poll?last=9", &[], b""),
    ];
    for mut connection in connections(&server) {
        ask_last(&mut connection, ahead.concat());
        let statuses = ["POST", "GET", "POST", "GET"]
            .map(|method| connection.answer(method).expect("an answer").status());
        assert_eq!(statuses, [201, 200, 201, 200]);
        assert_eq!(connection.read_more().expect("the end"), 0);
    }
}

#[test]
fn a_body_that_comes_together_with_the_half_close_is_read_to_its_end() {
    let server = Server::memory();
    let draft = json!({"author": "mina", "text": "long"}).to_string();
    for padding in [
        "\n".repeat(30),
        " ".repeat(9_000),
        " ".repeat(25_000),
        " \r\n\r\n".repeat(200),
    ] {
        let body = format!("{padding}{draft}{padding}");
        for mut connection in connections(&server) {
            let publish = request("POST", "/messages", &[JSON], body.as_bytes());
            ask_last(&mut connection, publish);
            let answer = connection.answer("POST").expect("an answer");
            assert_eq!(answer.status(), 201, "{} bytes", body.len());
        }
    }
}

#[test]
fn requests_with_bodies_that_are_sent_ahead_leave_the_connection_open() {
    let server = Server::memory();
    let text = "HTTP/1.1 ".repeat(300);
    for mut connection in connections(&server) {
        connection.send([publish(&text), publish(&text), publish("end")].concat());
        for _ in 0..3 {
            let answer = connection.answer("POST").expect("an answer");
            assert_eq!(answer.status(), 201);
            assert_eq!(answer.header("connection"), None);
        }
        assert_eq!(connection.get("/healthz").status(), 200);
    }
}

#[test]
fn a_half_closed_client_is_answered_over_tls() {
    let server = Server::on_every_form();
    run(async {
        for bytes in [
            publish("hello"),
            request("GET", "/poll?last=1", &[], b""),
            request("GET", "/poll?last=0&wait=0.5", &[], b""),
        ] {
            let mut tls = connect_tls(&server).await;
            tls.write_all(&bytes).await.expect("sent");
            // TLS's `close_notify`, and the end of the sending side.
            tls.shutdown().await.expect("shut");
            let mut answer = Vec::new();
            tls.read_to_end(&mut answer).await.expect("an answer");
            let answer = String::from_utf8(answer).expect("UTF-8");
            assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
        }
    });
}

#[test]
fn a_body_that_ends_early_is_refused_at_once() {
    let server = Server::memory();
    let whole = publish("never");
    for mut connection in connections(&server) {
        ask_last(&mut connection, &whole[..whole.len() - 3]);
        connection.answer("POST").expect("an answer").problem(400);
    }
    assert!(texts(&server.poll("")).is_empty());
}

#[test]
fn a_half_closed_client_with_half_a_head_gets_no_answer() {
    let server = Server::memory();
    for mut connection in connections(&server) {
        ask_last(&mut connection, "GET /poll HTTP/1.1\r\nHost: te");
        connection.read_until_closed().expect("closes");
        assert!(connection.pending.is_empty());
    }
}

/// The clients left without reading the answer, so the only sign is a TCP reset.
#[test]
fn clients_that_left_are_noticed_for_every_kind_of_request() {
    let server = Server::with(StoreKind::Memory, |config| config.request_log = true);
    for target in [
        "/poll?last=0&wait=60&client=gone",
        "/poll?last=0&wait=60&client=gone&fault_key=mine",
        "/stream?last=0&client=gone",
        "/stream?last=0&client=gone&fault=slow",
        "/stream?last=0&client=gone&fault=buffer",
    ] {
        let transport = if target.starts_with("/poll") {
            "long-poll"
        } else {
            "stream"
        };
        for mut connection in connections(&server) {
            connection.send(request("GET", target, &[], b""));
            eventually("the request is open", || {
                server.cost(transport)["open"] == 1
            });
            drop(connection);
            eventually("the client is gone", || server.cost(transport)["open"] == 0);
        }
    }
    // A client that left does not count as an empty answer.
    assert_eq!(server.cost("long-poll")["empty"], 0);
    server
        .lines
        .with(4, &["request transport=long-poll", "status=499"]);
}
