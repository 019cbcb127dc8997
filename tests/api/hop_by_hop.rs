//! `Connection` and the fields that it names, in many combinations: the request is answered like any other, and the
//! answer has `Connection: close` if the connection ends after it.

use std::{thread, time::Duration};

use serde_json::json;

use crate::support::{
    TEST_TIMEOUT,
    client::{JSON, TestClient as _, texts},
    raw_connection::{RawConnection, request},
    server::Server,
};

const COMBINATIONS: [&[(&str, &str)]; 15] = [
    &[("Connection", "upgrade")],
    &[("Connection", "Upgrade"), ("Upgrade", "h2c")],
    &[
        ("Connection", "Upgrade, HTTP2-Settings"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AAMAAABkAAQAAP__"),
    ],
    &[("Connection", "Upgrade"), ("Upgrade", "websocket")],
    &[
        ("Connection", "keep-alive, Upgrade"),
        ("Upgrade", "WebSocket"),
    ],
    &[("Upgrade", "websocket")],
    &[("Upgrade", "h2c")],
    &[
        ("Connection", "keep-alive"),
        ("Keep-Alive", "timeout=5, max=1"),
    ],
    &[("Connection", "close")],
    &[("Connection", "close, upgrade")],
    &[("Connection", "upgrade"), ("Connection", "close")],
    &[("Connection", "TE"), ("TE", "trailers")],
    &[
        ("Connection", "TE, close"),
        ("TE", "trailers, deflate;q=0.5"),
    ],
    &[("Connection", "x-unknown"), ("X-Unknown", "1")],
    &[("Proxy-Connection", "close"), ("Keep-Alive", "0")],
];

/// Sends a request, on a new connection or on one that was used, and checks that the connection then
/// does what the answer says. Returns the status.
fn checked_status(server: &Server, is_first: bool, method: &str, bytes: &[u8]) -> u16 {
    let mut connection: RawConnection = server.raw();
    if !is_first {
        assert_eq!(connection.get("/healthz").status(), 200);
    }
    connection.send(bytes);
    let what = String::from_utf8_lossy(bytes).into_owned();
    let answer = connection
        .answer(method)
        .unwrap_or_else(|error| panic!("{error}: {what}"));
    match answer.header("connection") {
        Some("close") => {
            connection
                .read_until_closed()
                .expect("the connection closes, as announced");
            assert!(connection.pending.is_empty(), "{what}");
        }
        None => {
            // A short time-out is enough to see a close.
            connection.read_timeout(Duration::from_millis(20));
            let more = connection.read_more();
            assert!(more.is_err(), "closed without announcing it: {what}");
            connection.read_timeout(TEST_TIMEOUT);
            assert_eq!(connection.get("/healthz").status(), 200, "{what}");
        }
        other => panic!("{other:?}: {what}"),
    }
    answer.status()
}

/// Requests every route with `headers`.
fn check_all_routes(server: &Server, headers: &[(&str, &str)], is_first: bool) {
    let draft = json!({"author": "mina", "text": "hello"}).to_string();
    for (method, target, status) in [
        ("GET", "/poll?last=1", 200),
        ("GET", "/poll?last=0&wait=0.01", 200),
        ("GET", "/poll?cursor=none", 400),
        ("HEAD", "/poll", 200),
        ("GET", "/metrics", 200),
        ("GET", "/", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/messages", 405),
    ] {
        let bytes = request(method, target, headers, b"");
        let answered = checked_status(server, is_first, method, &bytes);
        assert_eq!(answered, status, "{method} {target} {headers:?}");
    }
    let with_type = [headers, &[JSON]].concat();
    for (body, status) in [(draft.as_bytes(), 201), (b"{", 400), (b"", 400)] {
        let bytes = request("POST", "/messages", &with_type, body);
        let answered = checked_status(server, is_first, "POST", &bytes);
        assert_eq!(answered, status, "{headers:?} {body:?}");
    }
    let chunked = [&with_type[..], &[("Transfer-Encoding", "chunked")]].concat();
    let mut bytes = request("PUT", "/presence/along", &chunked, b"");
    bytes.extend_from_slice(b"2\r\n{}\r\n0\r\n\r\n");
    let answered = checked_status(server, is_first, "PUT", &bytes);
    assert_eq!(answered, 422, "{headers:?}");
}

#[test]
fn an_answer_says_whether_the_connection_ends() {
    let server = Server::memory();
    server.publish_text("lobby", "hello");
    thread::scope(|scope| {
        for headers in COMBINATIONS {
            for is_first in [true, false] {
                let server = &server;
                scope.spawn(move || check_all_routes(server, headers, is_first));
            }
        }
    });
}

#[test]
fn streams_are_served_with_any_connection_field() {
    let server = Server::memory();
    server.publish_text("lobby", "hello");
    for headers in COMBINATIONS {
        for is_first in [true, false] {
            let mut connection = server.raw();
            if !is_first {
                connection.get("/healthz");
            }
            let mut stream =
                crate::support::events::Events::open(connection, "/stream?last=1", headers);
            assert_eq!(stream.head.header("connection"), Some("close"));
            assert_eq!(stream.message()["text"], "hello", "{headers:?}");
        }
    }
}

/// The `Connection` of a later request does not apply to this one.
#[test]
fn a_connection_ends_after_connection_close_although_another_request_was_sent_ahead() {
    let server = Server::memory();
    let draft = json!({"author": "mina", "text": "hello"}).to_string();
    let closing = request(
        "POST",
        "/messages",
        &[JSON, ("Connection", "close")],
        draft.as_bytes(),
    );
    let next = request("GET", "/healthz", &[], b"");
    let mut connection = server.raw();
    connection.send([closing, next].concat());
    let answer = connection.answer("POST").expect("an answer");
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.header("connection"), Some("close"));
    connection.read_until_closed().expect("closes");
}

#[test]
fn a_request_that_was_sent_ahead_of_the_last_answer_has_no_effect() {
    let server = Server::memory();
    let poll = request("GET", "/poll", &[("Connection", "close")], b"");
    let asked = request("GET", "/poll?connection=close", &[], b"");
    let draft = json!({"author": "mina", "text": "too late"}).to_string();
    let publish = request("POST", "/messages", &[JSON], draft.as_bytes());
    for last in [poll, asked, publish_and_close()] {
        let mut connection = server.raw();
        connection.send([last, publish.clone()].concat());
        connection.read_until_closed().expect("closes");
    }
    let texts = texts(&server.get("/poll?last=10").ok());
    assert!(!texts.contains(&"too late".to_owned()), "{texts:?}");
}

fn publish_and_close() -> Vec<u8> {
    let draft = json!({"author": "mina", "text": "in time"}).to_string();
    let headers = [JSON, ("Connection", "close")];
    request("POST", "/messages", &headers, draft.as_bytes())
}

#[test]
fn an_invalid_request_is_refused_with_connection_close() {
    let server = Server::memory();
    let many_fields = format!(
        "GET /poll HTTP/1.1\r\nHost: x\r\n{}\r\n",
        "X: y\r\n".repeat(120)
    );
    for (bytes, status) in [
        ("GARBAGE\r\n\r\n", 400),
        ("GET /poll HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400),
        ("GET /poll HTTP/2.0\r\nHost: x\r\n\r\n", 400),
        (many_fields.as_str(), 431),
    ] {
        for requests_before in 0..3 {
            let mut connection = server.raw();
            let before = request("GET", "/healthz", &[], b"").repeat(requests_before);
            connection.send([&before[..], bytes.as_bytes()].concat());
            for _ in 0..requests_before {
                assert_eq!(connection.answer("GET").expect("an answer").status(), 200);
            }
            let answer = connection.answer("GET").expect("an answer");
            answer.problem(status);
            assert_eq!(answer.header("connection"), Some("close"), "{bytes}");
            connection.read_until_closed().expect("closes");
            assert!(connection.pending.is_empty());
        }
    }
}
