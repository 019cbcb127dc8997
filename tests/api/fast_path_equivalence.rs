//! Polls, also among other requests on one connection: the answers are the same whether the accelerator or actix-web
//! serves them.

use std::{fs, num::NonZeroU32};

use poll_vs_sse_server::{
    access::{JwtRules, keys::KeySource},
    limits::rates::Rate,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{
    client::{JSON, TestClient as _, cursor, texts},
    each_store, eventually,
    raw_connection::{RawConnection, find, request},
    response::Head,
    server::{Server, StoreKind},
    signer::{Signer, now},
};

/// Checks that a poll has the same answer over both paths. An unusual header field makes the accelerator hand the
/// request to actix-web.
fn assert_same_on_both_paths(server: &Server, target: &str, headers: &[(&str, &str)]) {
    let plain = server.get_with(target, headers);
    let unusual = [headers, &[("Content-Length", "0")]].concat();
    let over_http = server.get_with(target, &unusual);
    assert_eq!(plain.status(), over_http.status(), "{target}");
    assert_eq!(plain.text(), over_http.text(), "{target}");
    let mut names = [&plain, &over_http].map(|it| it.head.headers.clone());
    for headers in &mut names {
        headers.retain(|(name, _)| name != "date");
        headers.sort();
    }
    assert_eq!(names[0], names[1], "{target}");
    assert!(
        plain
            .header("date")
            .is_some_and(|date| date.ends_with(" GMT"))
    );
}

each_store!(
    a_poll_has_the_same_answer_with_and_without_the_accelerator,
    |server| {
        let messages = server.publish_many("lobby", 300);
        let newest = cursor(&messages[299]);
        let tag = format!("W/\"{newest}\"");
        for target in [
            "/poll".to_owned(),
            "/poll?".to_owned(),
            "/poll?last=0".to_owned(),
            "/poll?last=300&limit=1000".to_owned(),
            "/poll?room=nobody-is-here".to_owned(),
            format!("/poll?cursor={newest}"),
            format!("/poll?cursor={newest}&wait=0.01"),
            format!("/poll?cursor={}&limit=7", cursor(&messages[10])),
            "/poll?cursor=elsewhere-7&limit=2".to_owned(),
            "/poll?cursor=none".to_owned(),
            "/poll?limit=0&last=1".to_owned(),
            "/poll?room=a%20b".to_owned(),
            "/poll?room=lobb%79&last=1".to_owned(),
            "/poll?room=den&room=lobby&last=9".to_owned(),
            format!("/poll?room=lobby&room=den&cursor={newest}"),
        ] {
            assert_same_on_both_paths(server, &target, &[]);
            assert_same_on_both_paths(server, &target, &[("If-None-Match", &tag)]);
            assert_same_on_both_paths(server, &target, &[("Last-Event-ID", newest)]);
            assert_same_on_both_paths(server, &target, &[("Last-Event-ID", "none")]);
        }
    }
);

#[test]
fn polls_with_tokens_and_rates_have_the_same_answers_on_both_paths() {
    const SECRET: &str = "a secret of more than thirty-two bytes";
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("secret");
    fs::write(&path, SECRET).expect("written");
    let server = Server::with(StoreKind::Memory, |config| {
        config.limits.rates.read = Rate::per_second(NonZeroU32::new(10_000).expect("not zero"));
        config.access.jwt = Some(JwtRules {
            keys: KeySource::Secret(path),
            audience: None,
            issuer: None,
        });
    });
    let signer = Signer::secret(SECRET);
    let token = signer.token(&json!({"read": ["lobby"], "publish": ["lobby"]}));
    let bearer = format!("Bearer {token}");
    let draft = r#"{"author": "mina", "text": "hello"}"#;
    let published = server.post(draft, &[JSON, ("Authorization", &bearer)]);
    assert_eq!(published.status(), 201);
    let cookie = format!("poll_vs_sse_token={token}");
    let other = format!(
        "Bearer {}",
        Signer::secret("x").token(&json!({"read": ["*"]}))
    );
    let expired = signer.sign(
        &json!({"exp": now() - 31, "rooms": {"read": ["*"]}}),
        &json!({}),
    );
    let expired = format!("bearer  {expired}");
    for target in [
        "/poll?last=1",
        "/poll?last=0&wait=0.01",
        "/poll?last=1&client=me",
        "/poll?last=1&room=den",
        "/poll?last=1&room=lobby&room=den",
        "/poll?last=1&ticket=x",
    ] {
        assert_same_on_both_paths(&server, target, &[]);
        for field in [
            ("Authorization", bearer.as_str()),
            ("Authorization", &other),
            ("Authorization", &expired),
            ("Authorization", "Basic bWluYTp4"),
            ("Cookie", &cookie),
        ] {
            assert_same_on_both_paths(&server, target, &[field]);
        }
    }
}

each_store!(polls_and_other_requests_share_a_connection, |server| {
    let mut connection = server.raw();
    for i in 0..3 {
        connection.get("/poll?client=mixed").ok();
        assert_eq!(
            crate::support::client::publish_text(&mut connection, "lobby", "x")["text"],
            "x"
        );
        let answer = connection
            .get(&format!("/poll?client=mixed&last={}", i + 1))
            .ok();
        assert_eq!(texts(&answer).len(), i + 1);
        connection.get("/ledger").ok();
        connection.get("/nowhere").problem(404);
        connection.ask("POST", "/poll", &[], b"").problem(405);
        connection.get("/pollution").problem(404);
    }
    assert_eq!(server.client_cost("mixed", "poll")["requests"], 6);
});

#[test]
fn requests_sent_ahead_are_answered_in_order() {
    let server = Server::memory();
    let draft = json!({"author": "mina", "text": "hello"}).to_string();
    let ahead = [
        request("GET", "/poll?last=0&wait=0.05", &[], b""),
        request("GET", "/poll?last=5", &[], b""),
        request("POST", "/messages", &[JSON], draft.as_bytes()),
        request("GET", "/poll?last=5", &[], b""),
        request("GET", "/healthz", &[], b""),
        request("GET", "/stream?last=5", &[], b""),
    ];
    let mut connection = server.raw();
    connection.send(ahead.concat());
    let statuses: Vec<u16> = (0..5)
        .map(|_| connection.answer("GET").expect("an answer").status())
        .collect();
    assert_eq!(statuses, [200, 200, 201, 200, 200]);
    let mut stream = crate::support::events::Events::from_response(connection);
    assert_eq!(stream.message()["text"], "hello");
}

#[test]
fn a_poll_may_arrive_in_pieces() {
    let server = Server::memory();
    let message = server.publish_text("lobby", "hello");
    let whole = request("GET", "/poll?last=1", &[("Accept", "*/*")], b"");
    let mut connection = server.raw();
    for at in 1..whole.len() {
        connection.send(&whole[..at]);
        // Otherwise both pieces might arrive together.
        connection.wait_until_read();
        connection.send(&whole[at..]);
        let answer = connection.answer("GET").expect("an answer").ok();
        assert_eq!(answer["messages"][0], message);
    }
}

#[test]
fn a_connection_ends_when_the_client_asks_for_it() {
    let server = Server::memory();
    for (target, headers) in [
        ("/poll", &[("Connection", "close")][..]),
        ("/poll?connection=close", &[]),
    ] {
        let mut connection = server.raw();
        connection.get("/poll").ok();
        let answer = connection.ask("GET", target, headers, b"");
        assert_eq!(answer.header("connection"), Some("close"));
        connection.read_until_closed().expect("closes");
    }
    let mut connection = server.raw();
    connection.send("GET /poll HTTP/1.0\r\n\r\n");
    assert_eq!(connection.answer("GET").expect("an answer").status(), 200);
    connection.read_until_closed().expect("closes");
}

#[test]
fn a_long_poll_ends_when_its_client_leaves() {
    let server = Server::memory();
    let mut connection = server.raw();
    connection.send(request("GET", "/poll?wait=60&last=0", &[], b""));
    eventually("the long-poll waits", || {
        server.cost("long-poll")["open"] == 1
    });
    drop(connection);
    eventually("the long-poll is gone", || {
        server.cost("long-poll")["open"] == 0
    });
    let cost: Value = server.cost("long-poll");
    assert_eq!((&cost["requests"], &cost["empty"]), (&1.into(), &0.into()));
}

#[test]
fn an_invalid_request_that_resembles_a_poll_is_refused() {
    let server = Server::memory();
    for (bytes, status) in [
        ("GET /poll?a b HTTP/1.1\r\n\r\n", 400),
        ("GET /poll HTTP/1.1\r\nno colon\r\n\r\n", 400),
        ("GET /poll HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (
            "GET /poll HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
    ] {
        let mut connection: RawConnection = server.raw();
        connection.get("/poll").ok();
        connection.send(bytes);
        assert_eq!(
            connection.head().expect("an answer").status,
            status,
            "{bytes:?}"
        );
    }
}

const METHODS: [&str; 4] = ["GET", "GET", "GET", "HEAD"];
const VERSIONS: [&str; 4] = ["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"];
const TARGETS: [&str; 16] = [
    "/poll",
    "/poll?last=2",
    "/poll?last=3&limit=1",
    "/poll?last=0&wait=0.01",
    "/poll?cursor=none",
    "/poll?cursor=elsewhere-1",
    "/poll?room=a&room=b",
    "/poll?room=a&room=lobby&last=2",
    "/stream?room=a&room=lobby&last=2",
    "/poll?room=lobb%79&last=1",
    "/poll?last=1&connection=close",
    "/stream?last=2",
    "/stream?last=2&heartbeat=60",
    "/stream?cursor=elsewhere-1",
    "/stream?cursor=none",
    "/streams",
];
const FIELDS: [&str; 16] = [
    "Host: test",
    "Host: other",
    "host:",
    "Connection: keep-alive",
    "Connection: close",
    "Connection: upgrade",
    "Connection: Keep-Alive, Upgrade",
    "Upgrade: h2c",
    "If-None-Match: *",
    "If-None-Match: \"none\"",
    "Last-Event-ID:",
    "Last-Event-ID: none",
    "Last-Event-ID: elsewhere-1",
    "Content-Length: 0",
    "Expect: 100-continue",
    "Accept: text/event-stream",
];

/// A request that may be plain, unusual or invalid.
fn any_request() -> impl Strategy<Value = (&'static str, String)> {
    let one_of = proptest::sample::select::<&'static str>;
    let fields = proptest::collection::vec(one_of(&FIELDS[..]), 0..5);
    let line = (
        one_of(&METHODS[..]),
        one_of(&TARGETS[..]),
        one_of(&VERSIONS[..]),
    );
    (line, proptest::bool::weighted(0.8), fields).prop_map(
        |((method, target, version), has_host, fields)| {
            let mut text = format!("{method} {target} {version}\r\n");
            if has_host {
                text += "Host: test\r\n";
            }
            for field in fields {
                text += &format!("{field}\r\n");
            }
            (method, text + "\r\n")
        },
    )
}

/// The parts of an answer that must be equal: the head without its date, with sorted fields, and the bytes after it.
type ComparableAnswer = (String, u16, Vec<(String, String)>, Vec<u8>);

/// Sends a request as the first one of its connection, which the accelerator may serve, or after another one that has
/// moved the connection to actix-web. `end` is in the last frame of a stream.
fn comparable_answer(
    server: &Server,
    after_another: bool,
    method: &str,
    request: &str,
    end: &str,
) -> ComparableAnswer {
    let mut connection = server.raw();
    if after_another {
        assert_eq!(connection.get("/healthz").status(), 200);
    }
    connection.send(request);
    let Head {
        version,
        status,
        mut headers,
    } = connection.head().expect("an answer");
    headers.retain(|(name, _)| name != "date");
    headers.sort();
    let is_stream = headers.contains(&("content-type".to_owned(), "text/event-stream".to_owned()));
    if is_stream {
        let length = loop {
            if let Some(at) = find(&connection.pending, end.as_bytes()) {
                break at + end.len();
            }
            assert_ne!(
                connection.read_more().expect("frames"),
                0,
                "the connection ended"
            );
        };
        connection.pending.truncate(length);
    } else {
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(0, |(_, length)| length.parse().expect("a length"));
        while method != "HEAD" && connection.pending.len() < length {
            assert_ne!(
                connection.read_more().expect("a body"),
                0,
                "the connection ended"
            );
        }
        if headers.contains(&("connection".to_owned(), "close".to_owned())) {
            assert_eq!(connection.read_more().expect("the end"), 0, "more bytes");
        }
    }
    (version, status, headers, connection.pending)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn any_request_is_answered_with_the_same_bytes_on_both_paths((method, request) in any_request()) {
        static SERVER: std::sync::LazyLock<(Server, String)> = std::sync::LazyLock::new(|| {
            let server = Server::memory();
            let messages = server.publish_many("lobby", 3);
            let end = format!("data: {}\n\n", messages[2]);
            (server, end)
        });
        let (server, end) = &*SERVER;
        let first = comparable_answer(server, false, method, &request, end);
        let over_http = comparable_answer(server, true, method, &request, end);
        prop_assert_eq!(first, over_http, "{}", request);
    }
}
