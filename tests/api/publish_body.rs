//! `POST /messages`: bodies of any size and framing.

use serde_json::json;

use crate::support::{
    client::{JSON, TestClient as _, texts},
    server::Server,
};

const LIMIT: usize = 64 * 1024;

/// A body of exactly `size` bytes around a good message.
fn padded(size: usize) -> String {
    let draft = json!({"author": "mina", "text": "hello"}).to_string();
    format!("{draft}{}", " ".repeat(size - draft.len()))
}

#[test]
fn a_body_of_64_kib_is_accepted_and_a_larger_one_is_413() {
    let server = Server::memory();
    assert_eq!(server.post(padded(LIMIT), &[JSON]).status(), 201);
    for size in [LIMIT + 1, 2 * LIMIT, 40 * LIMIT] {
        server.post(padded(size), &[JSON]).problem(413);
    }
    assert_eq!(
        server.poll("")["messages"].as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn an_announced_oversize_is_refused_before_it_is_sent() {
    let server = Server::memory();
    let mut connection = server.raw();
    connection.send(
        "POST /messages HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
         Content-Length: 99999999999\r\n\r\n",
    );
    connection.answer("POST").expect("an answer").problem(413);
}

#[test]
fn a_chunked_body_is_accepted() {
    let server = Server::memory();
    let mut connection = server.raw();
    let body = json!({"author": "mina", "text": "in pieces"}).to_string();
    connection.send(
        "POST /messages HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
    );
    for piece in body.as_bytes().chunks(7) {
        connection.send(format!("{:x}\r\n", piece.len()));
        connection.send(piece);
        connection.send("\r\n");
    }
    connection.send("0\r\n\r\n");
    let response = connection.answer("POST").expect("an answer");
    assert_eq!(response.status(), 201, "{}", response.text());
    assert_eq!(
        texts(&connection.get("/poll").ok()),
        ["in pieces"],
        "the connection still works"
    );
}

#[test]
fn a_chunked_body_without_end_is_413() {
    let server = Server::memory();
    let mut connection = server.raw();
    connection.send(
        "POST /messages HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
    );
    let piece = format!("{:x}\r\n{}\r\n", 8192, " ".repeat(8192));
    for _ in 0..16 {
        if connection.try_send(&piece).is_err() {
            break;
        }
    }
    connection.answer("POST").expect("an answer").problem(413);
}

#[test]
fn a_client_that_waits_for_100_continue_gets_it() {
    let server = Server::memory();
    let mut connection = server.raw();
    let body = json!({"author": "mina", "text": "patient"}).to_string();
    connection.send(format!(
        "POST /messages HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
         Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    ));
    connection.read_more().expect("an interim answer");
    assert!(
        connection.pending.starts_with(b"HTTP/1.1 100 "),
        "{:?}",
        connection.pending
    );
    connection.send(&body);
    assert_eq!(connection.answer("POST").expect("an answer").status(), 201);
}

#[test]
fn a_body_cut_short_appends_nothing() {
    let server = Server::memory();
    let body = json!({"author": "mina", "text": "whole"}).to_string();
    let mut connection = server.raw();
    connection.send(format!(
        "POST /messages HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len() + 1
    ));
    connection.finish_sending();
    if let Ok(response) = connection.answer("POST") {
        assert!((400..500).contains(&response.status()), "{response:?}");
    }
    assert_eq!(server.poll("")["messages"], json!([]));
}

#[test]
fn a_compressed_body_is_refused() {
    let server = Server::memory();
    let headers = [JSON, ("Content-Encoding", "gzip")];
    let response = server.post([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], &headers);
    assert!((400..500).contains(&response.status()), "{response:?}");
    response.problem(response.status());
}

#[test]
fn a_byte_order_mark_before_the_json_is_ignored() {
    let server = Server::memory();
    let body = "\u{feff}{\"author\": \"mina\", \"text\": \"hello\"}";
    assert_eq!(server.post(body, &[JSON]).status(), 201);
    let twice = format!("\u{feff}{body}");
    server.post(twice, &[JSON]).problem(400);
}

#[test]
fn a_compressed_body_is_415_with_the_accepted_encodings() {
    let server = Server::memory();
    let draft = json!({"author": "mina", "text": "small"}).to_string();
    for coding in ["gzip", "br", "gzip, identity", ""] {
        let answer = server.post(draft.clone(), &[JSON, ("Content-Encoding", coding)]);
        assert_eq!(
            answer.header("accept-encoding"),
            Some("identity"),
            "{coding}"
        );
        assert_eq!(answer.problem(415)["field"], "Content-Encoding", "{coding}");
    }
    let answer = server.post(draft, &[JSON, ("Content-Encoding", "Identity")]);
    assert_eq!(answer.status(), 201);
}
