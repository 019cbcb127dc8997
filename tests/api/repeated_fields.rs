//! Repeated header fields and parameters: joined as a list or refused, by the accelerator and by actix-web alike.

use serde_json::json;

use crate::support::{
    client::{JSON, TestClient as _, cursor},
    raw_connection::request,
    response::Response,
    server::Server,
};

/// The answers to a request as the first one of its connection, which the accelerator may serve, and as a later one.
fn get_on_both_paths(server: &Server, target: &str, headers: &[(&str, &str)]) -> [Response; 2] {
    let mut used = server.raw();
    assert_eq!(used.get("/healthz").status(), 200);
    [
        server.get_with(target, headers),
        used.ask("GET", target, headers, b""),
    ]
}

#[test]
fn fields_and_parameters_that_may_occur_once_are_refused_twice() {
    let server = Server::memory();
    let message = server.publish_text("lobby", "hello");
    let place = cursor(&message);
    for (first, second) in [(place, place), (place, "k-1"), ("", place)] {
        let twice = [("Last-Event-ID", first), ("last-event-id", second)];
        for target in ["/poll", "/stream"] {
            for answer in get_on_both_paths(&server, target, &twice) {
                answer.assert_problem_field(400, "Last-Event-ID");
            }
        }
    }
    let keys = [JSON, ("Idempotency-Key", "a"), ("Idempotency-Key", "a")];
    let draft = br#"{"author": "mina", "text": "hello"}"#;
    server
        .post(draft, &keys)
        .assert_problem_field(400, "Idempotency-Key");
    server
        .post(draft, &[JSON, ("Content-Type", "text/plain")])
        .assert_problem_field(415, "Content-Type");
    for target in [
        "/ledger?client=a&client=b",
        "/presence?room=a&room=a",
        "/trace?client=a&client=a",
        "/poll?last=1&last=1",
        "/stream?last=1&last=1",
    ] {
        for answer in get_on_both_paths(&server, target, &[]) {
            assert_eq!(answer.status(), 400, "{target}: {}", answer.text());
        }
    }
    assert_eq!(
        server.poll("")["messages"].as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn repeated_framing_and_host_fields_are_refused() {
    let server = Server::memory();
    for head in [
        "GET /poll HTTP/1.1\r\n\r\n",
        "GET /poll HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET /poll HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /stream HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
        "GET /stream HTTP/1.1\r\n\r\n",
        "GET /poll HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        "POST /messages HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        "POST /messages HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2\r\n\r\n{}",
        "POST /messages HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\
         Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        for is_first in [true, false] {
            let mut connection = server.raw();
            if !is_first {
                connection.get("/healthz");
            }
            connection.send(head);
            let answer = connection.answer("GET").expect("an answer");
            answer.problem(400);
            assert_eq!(answer.header("connection"), Some("close"), "{head}");
            connection.read_until_closed().expect("closes");
        }
    }
}

#[test]
fn a_name_in_a_body_may_occur_once() {
    let server = Server::memory();
    let draft = r#"{"author": "mina", "text": "one", "text": "other"}"#;
    server
        .post(draft, &[JSON])
        .assert_problem_field(422, "text");
    assert_eq!(server.poll("")["messages"], json!([]));
    for (report, field) in [
        (r#"{"client": "a", "client": "a", "along": []}"#, "client"),
        (r#"{"client": "a", "along": [], "al\u006fng": []}"#, "along"),
        (
            r#"{"client": "a", "along": [{"client": "b", "client": "c"}]}"#,
            "along",
        ),
    ] {
        let mut connection = server.raw();
        let answer = connection.ask("PUT", "/presence/along", &[JSON], report.as_bytes());
        answer.assert_problem_field(422, field);
    }
}

#[test]
fn a_host_that_is_none_is_refused() {
    let server = Server::memory();
    for target in ["/poll", "/stream", "/messages", "/ledger", "/"] {
        for host in ["a b", "a/b", "user@a", "::1", "a:b", "[::1", "\"a\""] {
            for is_first in [true, false] {
                let mut connection = server.raw();
                if !is_first {
                    connection.get("/healthz");
                }
                connection.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
                let answer = connection.answer("GET").expect("an answer");
                answer.assert_problem_field(400, "Host");
                assert_eq!(connection.get("/healthz").status(), 200);
            }
        }
    }
}

#[test]
fn a_parameter_that_is_not_utf8_is_refused() {
    let server = Server::memory();
    for target in [
        "/poll?author=%ff",
        "/stream?author=min%c3",
        "/poll?room=%ff",
    ] {
        let name = target.split(['?', '=']).nth(1).expect("a name");
        for answer in get_on_both_paths(&server, target, &[]) {
            answer.assert_problem_field(400, name);
        }
    }
    for answer in get_on_both_paths(&server, "/poll?last=0&other=%ff", &[]) {
        assert_eq!(answer.status(), 200, "an unknown parameter is ignored");
    }
}

#[test]
fn a_list_on_several_lines_is_one_list() {
    let server = Server::memory();
    let place = server.publish_text("lobby", "hello");
    let tag = format!("\"{}\"", cursor(&place));
    let target = format!("/poll?cursor={}", cursor(&place));
    for lines in [["\"other\"", tag.as_str()], [tag.as_str(), "\"other\""]] {
        let headers = lines.map(|line| ("If-None-Match", line));
        for answer in get_on_both_paths(&server, &target, &headers) {
            assert_eq!(answer.status(), 304, "{lines:?}");
        }
    }
    let headers = [
        ("If-None-Match", "\"other\""),
        ("If-None-Match", "\"another\""),
    ];
    for answer in get_on_both_paths(&server, &target, &headers) {
        assert_eq!(answer.status(), 200);
    }
    let classic = [
        ("Accept", "application/json"),
        ("Accept", "text/plain;version=0.0.4"),
    ];
    let metrics = server.get_with("/metrics", &classic);
    let kind = metrics.header("content-type").expect("a type");
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    let page = [("Accept", "image/png"), ("Accept", "text/html")];
    let astray = server.get_with("/nowhere", &page);
    assert_eq!(
        astray.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    // Fields on several lines are still one request.
    let mut connection = server.raw();
    let bytes = request(
        "GET",
        &target,
        &[("Connection", "keep-alive"), ("Connection", "close")],
        b"",
    );
    connection.send(bytes);
    let answer = connection.answer("GET").expect("an answer");
    assert_eq!(answer.header("connection"), Some("close"));
}
