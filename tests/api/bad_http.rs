//! Invalid HTTP on raw sockets: the request is refused or the connection closed, and the server is unaffected.

use crate::support::{
    client::{TestClient as _, texts},
    process::Process,
    raw_connection::{RawConnection, request},
};

/// A server as a separate process, so that its standard error can be checked too.
pub fn server() -> Process {
    Process::start(&["--store", "memory", "--workers", "1"])
}

/// The server still answers, and has logged no error.
pub fn assert_unaffected(server: Process) {
    server.publish_text("lobby", "still here");
    assert!(texts(&server.poll("last=1")).contains(&"still here".to_owned()));
    let ended = server.stop();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(ended.stderr, "", "nothing on standard error");
    let log = ended.stdout.to_lowercase();
    for word in ["error", "panic", "fail", "warn", "status=5"] {
        assert!(!log.contains(word), "{word}: {log}");
    }
}

/// Sends `bytes`, ends the sending side, and returns the status codes of the answers.
pub fn answers(server: &Process, bytes: &[u8]) -> Vec<u16> {
    let mut connection = server.raw();
    // The server may refuse before it has read everything.
    let _ = connection.try_send(bytes);
    connection.finish_sending();
    connection
        .read_until_closed()
        .expect("the server closes the connection");
    statuses(&mut connection)
}

/// The status codes of all pending answers.
fn statuses(connection: &mut RawConnection) -> Vec<u16> {
    let mut statuses = Vec::new();
    while !connection.pending.is_empty() {
        let Ok(response) = connection.answer("GET") else {
            break;
        };
        statuses.push(response.status());
    }
    statuses
}

#[test]
fn bytes_that_are_not_http_are_refused_or_the_connection_closed() {
    let server = server();
    let bad: [&[u8]; 23] = [
        b"\r\n\r\n\r\n",
        b"\0\0\0\0\0\0\0\0",
        b"\xff\xfe\xfd\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /poll\r\n\r\n",
        b"GET /poll HTTP/9.9\r\n\r\n",
        b"GET /poll HTTP/1.1 x\r\n\r\n",
        b"GET  /poll HTTP/1.1\r\n\r\n",
        b"GET /po ll HTTP/1.1\r\n\r\n",
        b"GET /po\0ll HTTP/1.1\r\n\r\n",
        b"GET poll HTTP/1.1\r\n\r\n",
        b"G\0T /poll HTTP/1.1\r\n\r\n",
        b"GET /poll HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /poll HTTP/1.1\r\n: empty\r\n\r\n",
        b"GET /poll HTTP/1.1\r\nA: \0\r\n\r\n",
        b"GET /poll HTTP/1.1\r\nA B: c\r\n\r\n",
        b"GET /poll HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"GET /poll HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET /poll HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"SSH-2.0-OpenSSH_9.9\r\n",
    ];
    for bytes in bad {
        let answers = answers(&server, bytes);
        let text = String::from_utf8_lossy(bytes);
        // Blank lines are no request, and the preface of HTTP/2 gets no status of HTTP/1.1.
        match bytes.starts_with(b"\r\n") || bytes.starts_with(b"PRI ") {
            true => assert!(answers.is_empty(), "{text:?}: {answers:?}"),
            false => assert_eq!(answers, [400], "{text:?}"),
        }
    }
    assert_unaffected(server);
}

#[test]
fn a_body_with_two_lengths_is_never_read_as_two_requests() {
    let server = server();
    let smuggled = "POST /messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                    Content-Length: 33\r\n\r\n{\"author\":\"eve\",\"text\":\"smuggled\"}";
    let chunked = format!("0\r\n\r\n{smuggled}");
    let heads = [
        format!(
            "Content-Length: {}\r\nTransfer-Encoding: chunked",
            chunked.len()
        ),
        format!(
            "Transfer-Encoding: chunked\r\nContent-Length: {}",
            chunked.len()
        ),
        format!("Content-Length: 5\r\nContent-Length: {}", chunked.len()),
        "Transfer-Encoding: chunked, identity".to_owned(),
        "Transfer-Encoding: xchunked".to_owned(),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity".to_owned(),
    ];
    for head in heads {
        let bytes = format!("POST /messages HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n{chunked}");
        let answers = answers(&server, bytes.as_bytes());
        assert!(!answers.contains(&201), "{head}: {answers:?}");
    }
    assert_eq!(server.poll("")["messages"], serde_json::json!([]));
    assert_unaffected(server);
}

#[test]
fn invalid_chunks_append_nothing() {
    let server = server();
    let bodies = [
        "ffffffffffffffff\r\n{}",
        "fffffffffffffffffffffffff\r\n{}",
        "-1\r\n{}\r\n0\r\n\r\n",
        "zz\r\n{}\r\n0\r\n\r\n",
        "2\r\n{}xx\r\n0\r\n\r\n",
        "\r\n\r\n",
        "7fffffff\r\n{\"author\":\"m\",\"text\":\"x\"}",
    ];
    for body in bodies {
        let bytes = format!(
            "POST /messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: chunked\r\n\r\n{body}"
        );
        let answers = answers(&server, bytes.as_bytes());
        assert_eq!(answers, [400], "{body:?}");
    }
    assert_eq!(server.poll("")["messages"], serde_json::json!([]));
    assert_unaffected(server);
}

#[test]
fn a_connection_ends_with_the_answer_to_a_body_whose_end_is_unknown() {
    let server = server();
    for body in ["zz\r\n{}\r\n0\r\n\r\n", "2\r\n{}xx\r\n0\r\n\r\n", "-1\r\n"] {
        let mut connection = server.raw();
        connection.send(format!(
            "POST /messages HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: chunked\r\n\r\n{body}"
        ));
        let answer = connection.answer("POST").expect("an answer");
        let detail = &answer.problem(400)["detail"];
        assert_eq!(detail, "the body ended early, or its chunks are invalid");
        assert_eq!(answer.header("connection"), Some("close"), "{body:?}");
        connection.read_until_closed().expect("closes");
        assert_eq!(connection.pending, b"", "{body:?}");
    }
    assert_unaffected(server);
}

#[test]
fn an_oversized_head_is_refused() {
    let server = server();
    let long_target = format!("GET /poll?x={} HTTP/1.1\r\n\r\n", "a".repeat(300_000));
    let long_field = format!("GET /poll HTTP/1.1\r\nA: {}\r\n\r\n", "a".repeat(300_000));
    let many_fields = format!("GET /poll HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(5_000));
    let endless = format!("GET /poll HTTP/1.1\r\n{}", "A: b\r\n".repeat(100_000));
    for head in [long_target, long_field, many_fields, endless] {
        let answers = answers(&server, head.as_bytes());
        assert_eq!(answers, [431], "{:?}", &head[..40]);
    }
    assert_unaffected(server);
}

#[test]
fn a_field_name_that_is_too_long_is_refused() {
    let server = server();
    for (length, status) in [(65_535, 200), (65_536, 400), (100_000, 400)] {
        let name = "a".repeat(length);
        let head = format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{name}: 1\r\n\r\n");
        assert_eq!(answers(&server, head.as_bytes()), [status], "{length}");
    }
    assert_unaffected(server);
}

#[test]
fn odd_but_legal_requests_are_answered() {
    let server = server();
    let odd: [(&[u8], u16); 9] = [
        (
            b"GET http://example.org/poll?last=0 HTTP/1.1\r\nHost: x\r\n\r\n",
            200,
        ),
        (
            b"GET /poll?last=0&x=%ff%fe%00 HTTP/1.1\r\nHost: x\r\n\r\n",
            200,
        ),
        (
            b"GET /poll?last=0#fragment HTTP/1.1\r\nHost: x\r\n\r\n",
            200,
        ),
        (b"GET /poll?&&&=&=&last=0 HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (
            b"GET /poll?last=0 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody",
            200,
        ),
        (b"\r\nGET /poll?last=0 HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"GET /poll?last=0 HTTP/1.1\r\nhOsT:\t x \t\r\n\r\n", 200),
        (
            b"GET /poll?last=0 HTTP/1.1\r\nHost: x\r\nA: \xff\xfe\r\n\r\n",
            200,
        ),
        (
            b"GET /poll?last=0 HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            200,
        ),
    ];
    for (bytes, status) in odd {
        // The server may take a half-closed client for one that left, so this one waits for the answer.
        let mut connection = server.raw();
        connection.send(bytes);
        let text = String::from_utf8_lossy(bytes);
        let answer = connection
            .answer("GET")
            .unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(answer.status(), status, "{text:?}");
    }
    let weird: [&[u8]; 6] = [
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /poll?room=\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /stream?room=a|b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"M-SEARCH /poll HTTP/1.1\r\nHost: x\r\n\r\n",
    ];
    for bytes in weird {
        let mut connection = server.raw();
        connection.send(bytes);
        let text = String::from_utf8_lossy(bytes);
        if let Ok(answer) = connection.answer("GET") {
            assert!(
                (400..500).contains(&answer.status()),
                "{text:?}: {answer:?}"
            );
        }
    }
    assert_unaffected(server);
}

#[test]
fn a_thousand_requests_at_once_are_answered_in_order() {
    let server = server();
    server.publish_many("lobby", 10);
    let mut connection = server.raw();
    let requests: Vec<u8> = (0..1000)
        .flat_map(|i| request("GET", &format!("/poll?last={}", i % 10), &[], b""))
        .collect();
    connection.send(requests);
    for i in 0..1000 {
        let answer = connection.answer("GET").expect("an answer").ok();
        assert_eq!(texts(&answer).len(), i % 10);
    }
    assert_unaffected(server);
}

#[test]
fn clients_that_leave_at_any_point_leave_nothing_behind() {
    let server = server();
    let body = r#"{"author":"mina","text":"cut"}"#;
    let publish = request(
        "POST",
        "/messages",
        &[("Content-Type", "application/json")],
        body.as_bytes(),
    );
    for bytes in [
        publish,
        request("GET", "/stream", &[], b""),
        request("GET", "/poll?wait=60&room=no", &[], b""),
    ] {
        for end in (0..=bytes.len()).step_by(9) {
            let mut connection = server.raw();
            connection.send(&bytes[..end]);
            if end % 2 == 0 {
                connection.abort();
            }
        }
    }
    crate::support::eventually("all clients are gone", || {
        ["stream", "long-poll", "publish"]
            .iter()
            .all(|transport| server.cost(transport)["open"] == 0)
    });
    assert_unaffected(server);
}
