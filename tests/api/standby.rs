//! A server that waits for its store: it answers at both of its addresses, over every protocol.

use std::{fs, net::SocketAddr};

use crate::support::{
    client::TestClient as _,
    nats::free_port,
    process::{StartingProcess, command},
    protocol_client::{ProtocolClient, ProtocolForm, run, whole},
    raw_connection::request,
};

#[test]
fn a_server_that_waits_for_its_store_answers_over_every_protocol() {
    let directory = tempfile::tempdir().expect("a directory");
    let later = directory.path().join("later");
    let store = format!("sqlite:{}", later.join("chat.db").display());
    let https = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let bind_tls = https.to_string();
    let waiting = StartingProcess::new(command(&[
        "--store",
        &store,
        "--wait-for-store",
        "--tls",
        "self-signed",
        "--bind-tls",
        &bind_tls,
    ]));
    let http = waiting.wait_until_standby();
    run(async {
        for form in ProtocolForm::ALL {
            for (method, target, expected) in [
                ("GET", "/healthz", (200, "ok\n")),
                ("HEAD", "/healthz", (200, "")),
                ("GET", "/readyz", (503, "store")),
                ("HEAD", "/readyz", (503, "")),
                ("POST", "/messages", (503, "store")),
            ] {
                let what = format!("{form:?} {method} {target}");
                let addr = if form.is_tls() { https } else { http };
                let mut client = ProtocolClient::connect_to(addr, form).await;
                let answer = client.send(method, target, "").await;
                let header = |name| answer.headers().get(name).cloned();
                assert_eq!(header("cache-control").expect(&what), "no-store", "{what}");
                let is_refusal = expected.0 == 503;
                assert_eq!(header("retry-after").is_some(), is_refusal, "{what}");
                let (status, body) = whole(answer).await;
                assert_eq!(status, expected.0, "{what}");
                assert!(body.contains(expected.1), "{what}: {body}");
            }
        }
    });
    for (bytes, status) in [
        ("garbage\r\n\r\n".to_owned(), 400),
        (format!("GET /{} HTTP/1.1\r\n", "x".repeat(200_000)), 431),
    ] {
        let mut connection = http.raw();
        // The server may close before it has read everything.
        let _ = connection.try_send(bytes);
        let answer = connection.answer("GET").expect("an answer");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answer.problem(status);
    }
    // A client that sends a large body nevertheless sees the refusal.
    let mut connection = http.raw();
    let body = vec![b'x'; 1_000_000];
    let _ = connection.try_send(request("POST", "/messages", &[], &body));
    connection.answer("POST").expect("an answer").problem(503);
    fs::create_dir(&later).expect("created");
    let server = waiting.wait_until_listening();
    assert_eq!(server.addr(), http);
    server.publish_text("lobby", "hello");
    run(async {
        let mut client = ProtocolClient::connect_to(https, ProtocolForm::H2Tls).await;
        assert_eq!(client.get("/readyz").await.0, 200);
    });
    assert_eq!(server.stop().status.code(), Some(0));
}
