//! Limits on slow or large requests: each close or refusal is counted, whether the accelerator or actix-web serves the
//! connection.

use std::{fs, thread, time::Duration};

use poll_vs_sse_server::{
    access::{JwtRules, keys::KeySource},
    config::Config,
};
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use crate::{
    limits::refused,
    support::{
        client::{JSON, TestClient as _},
        eventually,
        protocol_client::{ProtocolClient, ProtocolForm, run, tls_connect},
        raw_connection::request,
        server::{Server, StoreKind},
        signer::Signer,
    },
};

/// Longer than a head, a body or a handshake may take.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(25);
/// Labels that the ledger keeps.
const LABELS: usize = 20_000;
/// Unspent tickets of one subject.
const TICKETS: usize = 64;

/// Servers with the accelerator and without it.
fn servers_of_both_paths(configure: impl Fn(&mut Config)) -> [Server; 2] {
    [true, false].map(|fast_path| {
        Server::on_every_form_with(|config| {
            config.http_fast_path = fast_path;
            configure(config);
        })
    })
}

/// Sends `bytes` and waits until the server closes the connection.
fn send_until_closed(server: &Server, bytes: &[u8]) {
    let mut connection = server.raw();
    connection.read_timeout(RESPONSE_TIMEOUT);
    // The server may refuse before it has read everything.
    let _ = connection.try_send(bytes);
    connection.read_until_closed().expect("closed");
}

/// Waits until exactly `count` refusals have been counted for `reason`.
fn assert_refused(server: &Server, reason: &str, count: u64) {
    eventually(&format!("{count} refused by {reason}"), || {
        refused(server, reason) >= count
    });
    assert_eq!(refused(server, reason), count, "{reason}");
}

#[test]
fn heads_that_are_too_large_are_counted() {
    for server in servers_of_both_paths(|_| {}) {
        let long_field = format!("GET /poll HTTP/1.1\r\nA: {}\r\n\r\n", "a".repeat(300_000));
        send_until_closed(&server, long_field.as_bytes());
        assert_refused(&server, "head", 1);
        // Bytes that are not HTTP count as something else.
        send_until_closed(&server, b"hello\r\n\r\n");
        assert_refused(&server, "head", 1);
    }
}

#[test]
fn heads_that_do_not_arrive_are_counted() {
    let servers = servers_of_both_paths(|_| {});
    // Nothing, too little to recognise the protocol, and an incomplete head for each of the two paths.
    let parts: [&[u8]; 4] = [
        b"",
        b"P",
        b"GET /poll HTTP/1.1\r\nHost: te",
        b"GET / HTTP/1.1\r\nHost: te",
    ];
    thread::scope(|scope| {
        for server in &servers {
            for part in parts {
                scope.spawn(move || send_until_closed(server, part));
            }
        }
    });
    for server in &servers {
        assert_refused(server, "head", parts.len() as u64);
        assert_refused(server, "idle", 0);
    }
}

#[test]
fn bodies_that_are_too_large_or_do_not_arrive_are_counted() {
    let servers = servers_of_both_paths(|_| {});
    let publish = |body: &str| request("POST", "/messages", &[JSON], body.as_bytes());
    thread::scope(|scope| {
        for server in &servers {
            scope.spawn(move || {
                let large = format!("{{\"text\": \"{}\"}}", "a".repeat(70_000));
                let mut connection = server.raw();
                let _ = connection.try_send(publish(&large));
                connection.answer("POST").expect("an answer").problem(413);
                let mut slow = publish(r#"{"author": "mina", "text": "hello"}"#);
                slow.pop();
                let mut connection = server.raw();
                connection.read_timeout(RESPONSE_TIMEOUT);
                connection.send(slow);
                connection.answer("POST").expect("an answer").problem(408);
            });
        }
    });
    for server in &servers {
        // An invalid message counts as something else.
        server.post("{}", &[JSON]).problem(422);
        assert_refused(server, "body", 2);
    }
}

#[test]
fn idle_connections_that_are_closed_are_counted() {
    for server in servers_of_both_paths(|config| config.keep_alive = Duration::from_secs(1)) {
        let mut connection = server.raw();
        connection.get("/poll").ok();
        connection.read_until_closed().expect("closed");
        assert_refused(&server, "idle", 1);
        assert_refused(&server, "head", 0);
    }
}

#[test]
fn idle_connections_of_http_2_and_tls_are_counted_too() {
    let server = Server::on_every_form_with(|config| config.keep_alive = Duration::from_secs(1));
    for (form, count) in [
        (ProtocolForm::Http1Tls, 1),
        (ProtocolForm::H2, 2),
        (ProtocolForm::H2Tls, 3),
    ] {
        run(async {
            let mut client = ProtocolClient::connect(&server, form).await;
            assert_eq!(client.get("/poll").await.0, 200, "{form:?}");
            // The client must exist until the server closes the connection.
            let counted = async { refused(&server, "idle") };
            let mut idle = counted.await;
            while idle < count {
                tokio::time::sleep(Duration::from_millis(50)).await;
                // Each of these requests opens and closes a connection.
                idle = refused(&server, "idle");
            }
            assert_eq!(idle, count, "{form:?}");
        });
    }
}

#[test]
fn handshakes_that_are_not_finished_are_counted() {
    let server = Server::on_every_form();
    let (http1, http2) = (
        server.protocol_addr(ProtocolForm::Http1Tls),
        server.protocol_addr(ProtocolForm::H2Tls),
    );
    let connect = || tokio::net::TcpStream::connect(http1);
    let until_closed = async |io: &mut (dyn AsyncRead + Unpin)| {
        let mut rest = Vec::new();
        // The server closes or resets the connection.
        let _ = timeout(RESPONSE_TIMEOUT, io.read_to_end(&mut rest))
            .await
            .expect("closed");
    };
    run(async {
        let mut silent = connect().await.expect("connects");
        let mut half = connect().await.expect("connects");
        // A TLS record's header, and the beginning of a ClientHello.
        let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
        half.write_all(hello).await.expect("sends");
        // A finished TLS handshake, but no HTTP/2 preface.
        let tcp = connect().await.expect("connects");
        let mut without_preface = tls_connect(tcp, http2, ProtocolForm::H2Tls).await;
        let (first, second) = (until_closed(&mut silent), until_closed(&mut half));
        tokio::join!(first, second, until_closed(&mut without_preface));
    });
    assert_refused(&server, "handshake", 3);
    // A finished handshake is not counted.
    run(async {
        let tcp = connect().await.expect("connects");
        drop(tls_connect(tcp, http1, ProtocolForm::Http1Tls).await);
    });
    assert_refused(&server, "handshake", 3);
}

#[test]
fn client_labels_and_evicted_ones_are_counted() {
    for server in servers_of_both_paths(|_| {}) {
        let figure = |name: &str| -> u64 {
            let metrics = server.get("/metrics").text();
            let line = metrics.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|it| it.trim().parse().ok()).expect(name)
        };
        let mut connection = server.raw();
        for batch in 0..LABELS / 1000 {
            let polls: Vec<u8> = (0..1000)
                .flat_map(|i| {
                    let target = format!("/poll?last=0&client=c{}", batch * 1000 + i);
                    request("GET", &target, &[], b"")
                })
                .collect();
            connection.send(polls);
            for _ in 0..1000 {
                connection.answer("GET").expect("an answer").ok();
            }
        }
        assert_eq!(figure("poll_vs_sse_client_labels "), LABELS as u64);
        assert_eq!(figure("poll_vs_sse_client_labels_forgotten_total "), 0);
        for label in ["one", "two", "two"] {
            server.poll(&format!("last=0&client={label}"));
        }
        assert_eq!(figure("poll_vs_sse_client_labels "), LABELS as u64);
        assert_eq!(figure("poll_vs_sse_client_labels_forgotten_total "), 2);
    }
}

#[test]
fn tickets_that_are_refused_are_counted() {
    const SECRET: &str = "a secret of more than thirty-two bytes";
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("secret");
    fs::write(&path, SECRET).expect("written");
    let server = Server::with(StoreKind::Memory, |config| {
        config.access.jwt = Some(JwtRules {
            keys: KeySource::Secret(path),
            audience: None,
            issuer: None,
        });
    });
    let token = Signer::secret(SECRET).token(&json!({}));
    let authorization = format!("Bearer {token}");
    let mut connection = server.raw();
    let mut ask = || {
        let headers = [("Authorization", authorization.as_str())];
        connection.ask("POST", "/tickets", &headers, b"")
    };
    for _ in 0..TICKETS {
        ask().ok();
    }
    let refusal = ask();
    assert_eq!(refusal.problem(429)["limit"], "tickets");
    assert_refused(&server, "tickets", 1);
}
