//! HTTP/1.1 and HTTP/2, cleartext and TLS: readers get the same answers, and streams end for the same reasons.

use std::{io::Write as _, time::Duration};

use serde_json::Value;

use crate::support::{
    TEST_TIMEOUT,
    client::TestClient as _,
    protocol_client::{ProtocolClient, ProtocolForm, read_until, run, whole},
    server::Server,
};

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn every_form_gives_a_reader_the_same_bytes() {
    let server = Server::on_every_form();
    run(async {
        let mut first = ProtocolClient::connect(&server, ProtocolForm::Http1).await;
        assert_eq!(first.publish("hello").await.0, 201);
        let (_, polled) = first.get("/poll?last=1").await;
        let refused = first.get("/poll?limit=0").await;
        let mut streams = Vec::new();
        for form in ProtocolForm::ALL {
            let mut client = ProtocolClient::connect(&server, form).await;
            assert_eq!(
                client.get("/poll?last=1").await,
                (200, polled.clone()),
                "{form:?}"
            );
            assert_eq!(client.get("/poll?limit=0").await, refused, "{form:?}");
            assert_eq!(client.get("/nowhere").await.0, 404, "{form:?}");
            let response = client.send("GET", "/stream?last=1", "").await;
            assert_eq!(response.status(), 200, "{form:?}");
            let kind = &response.headers()["content-type"];
            assert_eq!(kind, "text/event-stream", "{form:?}");
            streams.push(read_until(&mut response.into_body(), "}\n\n").await);
        }
        assert!(
            streams.iter().all(|stream| *stream == streams[0]),
            "{streams:#?}"
        );
    });
}

#[test]
fn a_message_published_over_one_form_reaches_the_others_at_once() {
    let server = Server::on_every_form();
    run(async {
        let mut bodies = Vec::new();
        for form in ProtocolForm::ALL {
            let mut client = ProtocolClient::connect(&server, form).await;
            let mut body = client.send("GET", "/stream?last=0", "").await.into_body();
            read_until(&mut body, "\n\n").await;
            bodies.push((client, body));
        }
        for form in ProtocolForm::ALL {
            let mut publisher = ProtocolClient::connect(&server, form).await;
            let (status, _) = publisher.publish(form.key()).await;
            assert_eq!(status, 201, "{form:?}");
            for (_, body) in &mut bodies {
                let event = read_until(body, "}\n\n").await;
                assert!(event.contains(form.key()), "{event}");
            }
        }
    });
}

#[test]
fn eight_streams_and_a_poll_share_an_http_2_connection() {
    for form in ProtocolForm::HTTP_2 {
        let server = Server::on_every_form();
        run(async {
            let mut client = ProtocolClient::connect(&server, form).await;
            let mut bodies = Vec::new();
            for _ in 0..8 {
                let mut body = client.send("GET", "/stream?last=0", "").await.into_body();
                read_until(&mut body, "\n\n").await;
                bodies.push(body);
            }
            assert_eq!(client.publish("to all").await.0, 201);
            for body in &mut bodies {
                read_until(body, "}\n\n").await;
            }
            let (_, ledger) = client.get("/ledger").await;
            let stream = &json(&ledger)["transports"]["stream"];
            assert_eq!(stream["messages"], 8, "{form:?}");
        });
    }
}

#[test]
fn a_client_that_resets_its_stream_is_gone_at_once() {
    let server = Server::on_every_form();
    run(async {
        let mut client = ProtocolClient::connect(&server, ProtocolForm::H2).await;
        let target = "/stream?last=0&client=reader";
        let mut body = client.send("GET", target, "").await.into_body();
        read_until(&mut body, "\n\n").await;
        let (_, presence) = client.get("/presence").await;
        assert_eq!(json(&presence)["count"], 1, "{presence}");
        drop(body);
        loop {
            let (_, presence) = client.get("/presence").await;
            if json(&presence)["count"] == 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn a_stop_ends_streams_rather_than_resetting_them() {
    for form in ProtocolForm::ALL {
        let mut server = Server::on_every_form();
        run(async {
            let mut client = ProtocolClient::connect(&server, form).await;
            let mut body = client.send("GET", "/stream?last=0", "").await.into_body();
            read_until(&mut body, "\n\n").await;
            let stopping = tokio::task::spawn_blocking(move || server.stop());
            let rest = http_body_util::BodyExt::collect(body).await;
            assert!(rest.is_ok(), "{form:?}: {rest:?}");
            stopping.await.expect("stops");
        });
    }
}

#[test]
fn plain_http_to_the_tls_port_is_answered_with_400() {
    let server = Server::on_every_form();
    let mut socket =
        std::net::TcpStream::connect(server.protocol_addr(ProtocolForm::H2Tls)).expect("connects");
    socket.set_read_timeout(Some(TEST_TIMEOUT)).expect("set");
    socket
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .expect("sent");
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut socket, &mut answer).expect("an answer and the end");
    assert!(
        answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
        "{answer}"
    );
    assert!(answer.contains("https://"), "{answer}");
}

#[test]
fn a_cut_resets_the_stream_and_a_restart_ends_the_connection() {
    let server = Server::on_every_form();
    run(async {
        let mut client = ProtocolClient::connect(&server, ProtocolForm::H2).await;
        let target = "/stream?last=0&fault_key=mine";
        let mut body = client.send("GET", target, "").await.into_body();
        read_until(&mut body, "\n\n").await;
        let cut = client.send("GET", "/stream?last=0&fault=cut", "").await;
        let cut = http_body_util::BodyExt::collect(cut.into_body()).await;
        assert!(cut.is_err(), "a cut stream must not end normally");
        assert_eq!(
            client.get("/healthz").await.0,
            200,
            "the connection still works"
        );
        let restart = client
            .try_send("GET", "/poll?fault=restart&fault_key=mine", "")
            .await;
        assert!(restart.is_err());
        let rest = http_body_util::BodyExt::collect(body).await;
        assert!(rest.is_err(), "every stream of the connection is gone");
    });
}

#[test]
fn connection_close_is_refused_on_http_2() {
    let server = Server::on_every_form();
    run(async {
        for form in ProtocolForm::HTTP_2 {
            let mut client = ProtocolClient::connect(&server, form).await;
            let (status, problem) = client.get("/poll?connection=close").await;
            assert_eq!(status, 400, "{form:?}");
            assert_eq!(json(&problem)["field"], "connection", "{problem}");
        }
    });
}

#[test]
fn a_header_list_over_16_kib_is_431() {
    let server = Server::on_every_form();
    run(async {
        let client = ProtocolClient::connect(&server, ProtocolForm::H2).await;
        let mut sender = client.share().expect("HTTP/2");
        let request = hyper::Request::get(format!("http://{}/healthz", server.addr()))
            .header("cookie", "x".repeat(17 * 1024))
            .body(http_body_util::Full::new(bytes::Bytes::new()))
            .expect("valid");
        match sender.send_request(request).await {
            Ok(response) => assert_eq!(whole(response).await.0, 431),
            // The client knows the server's limit, and does not send the request.
            Err(error) => assert!(error.to_string().contains("header"), "{error}"),
        }
    });
}

#[test]
fn log_lines_and_the_trace_name_protocol_and_tls() {
    let server = Server::on_every_form_with(|config| config.request_log = true);
    run(async {
        for form in ProtocolForm::ALL {
            let mut client = ProtocolClient::connect(&server, form).await;
            let label = format!("c{}", form as u8);
            let poll = format!("/poll?client={label}&trace=1");
            assert_eq!(client.get(&poll).await.0, 200);
            let (_, trace) = client.get(&format!("/trace?client={label}")).await;
            let trace = json(&trace);
            let events = trace["events"].as_array().expect("events");
            assert!(!events.is_empty());
            for event in events {
                let protocol = if form.is_h2() { "h2" } else { "http/1.1" };
                assert_eq!(event["protocol"], protocol, "{event}");
                assert_eq!(event["tls"], form.is_tls(), "{event}");
                let version = form.is_tls().then_some("1.3");
                assert_eq!(event["tls_version"].as_str(), version, "{event}");
            }
        }
    });
    for (protocol, tls) in [
        ("http/1.1", false),
        ("http/1.1", true),
        ("h2", false),
        ("h2", true),
    ] {
        let (protocol, tls) = (format!("protocol={protocol}"), format!("tls={tls}"));
        server
            .lines
            .with(1, &["request transport=poll", &protocol, &tls]);
    }
}

#[test]
fn the_hundred_and_first_stream_of_a_connection_waits() {
    let server = Server::on_every_form();
    run(async {
        let mut client = ProtocolClient::connect(&server, ProtocolForm::H2).await;
        let mut bodies = Vec::new();
        for _ in 0..100 {
            let mut body = client.send("GET", "/stream?last=0", "").await.into_body();
            read_until(&mut body, "\n\n").await;
            bodies.push(body);
        }
        let more = tokio::time::timeout(Duration::from_millis(200), client.get("/healthz"));
        assert!(
            more.await.is_err(),
            "the client keeps to the limit that the server named"
        );
        bodies.pop();
        assert_eq!(client.get("/healthz").await.0, 200);
    });
}
