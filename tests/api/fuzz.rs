//! Requests made of random bytes and of pieces of real ones: refused or answered, never a 5xx.

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::bad_http::{answers, assert_unimpressed, server};

const CASES: u32 = 400;

/// What requests are made of, good and bad.
const PIECES: [&[u8]; 40] = [
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"OPTIONS ",
    b"/poll",
    b"/stream",
    b"/messages",
    b"/ledger",
    b"/metrics",
    b"/",
    b"?",
    b"&",
    b"=",
    b"room=",
    b"cursor=",
    b"last=",
    b"wait=0.01",
    b"limit=",
    b"client=",
    b"a-1",
    b"%ff",
    b"%00",
    b" HTTP/1.1",
    b" HTTP/1.0",
    b"\r\n",
    b"\r\n\r\n",
    b"Host: x",
    b"Content-Length: 5",
    b"Content-Length: ",
    b"Transfer-Encoding: chunked",
    b"5\r\n",
    b"0\r\n\r\n",
    b"Content-Type: application/json",
    b"{\"author\":\"m\",\"text\":\"x\"}",
    b"\"",
    b"Idempotency-Key: k",
    b"If-None-Match: *",
    b"Last-Event-ID: ",
    b"Expect: 100-continue",
    b":",
];

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => proptest::sample::select(PIECES.as_slice()).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 1..12),
    ];
    let pieces = vec(piece, 1..25).prop_map(|pieces| pieces.concat());
    prop_oneof![4 => pieces, 1 => vec(any::<u8>(), 0..400)]
}

/// A request with one byte changed, left out or doubled.
fn almost() -> impl Strategy<Value = Vec<u8>> {
    let body = r#"{"author":"m","text":"x"}"#;
    let publish = format!(
        "POST /messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let poll = "GET /poll?room=a&cursor=abc-1&limit=5&client=me HTTP/1.1\r\nHost: x\r\n\
                If-None-Match: \"abc-1\"\r\n\r\n";
    let whole = proptest::sample::select(vec![publish.into_bytes(), poll.as_bytes().to_vec()]);
    (whole, any::<proptest::sample::Index>(), any::<u8>(), 0..3).prop_map(
        |(mut bytes, at, byte, change)| {
            let at = at.index(bytes.len());
            match change {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
            bytes
        },
    )
}

#[test]
fn no_bytes_make_the_server_fail() {
    let server = server();
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    });
    let strategy = prop_oneof![bytes(), almost()];
    let result = runner.run(&strategy, |bytes| {
        let answers = answers(&server, &bytes);
        prop_assert!(answers.iter().all(|status| *status < 500), "{answers:?}");
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert_unimpressed(server);
}
