//! The ledger's bytes over every protocol form, compared with those of the client's socket: the bytes of the requests
//! and of the connection add up to the socket's exactly.

use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::support::{
    TEST_TIMEOUT,
    client::TestClient as _,
    protocol_client::{ProtocolClient, ProtocolForm, read_until, run},
    server::Server,
};

/// Bytes in and out, of the requests and of the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct ByteCounts {
    wire: (u64, u64),
    connection: (u64, u64),
}

impl ByteCounts {
    fn total(self) -> (u64, u64) {
        (
            self.wire.0 + self.connection.0,
            self.wire.1 + self.connection.1,
        )
    }
}

fn ledger(server: &Server, form: ProtocolForm, transport: &str) -> (ByteCounts, Value) {
    let ledger: Value = serde_json::from_str(&server.get("/ledger").text()).expect("JSON");
    let figures = ledger["transports"][transport]["protocols"][form.key()].clone();
    let of = |name: &str| figures[name].as_u64().unwrap_or(0);
    let bytes = ByteCounts {
        wire: (of("wire_bytes_in"), of("wire_bytes_out")),
        connection: (of("connection_bytes_in"), of("connection_bytes_out")),
    };
    (bytes, figures)
}

/// Waits until the ledger's bytes of a transport equal those of the client's socket. The socket stays open, because
/// bytes that a server sends while a connection closes might not reach the client.
async fn assert_bytes(
    server: &Server,
    form: ProtocolForm,
    transport: &str,
    client: &ProtocolClient,
) -> ByteCounts {
    let deadline = Instant::now() + TEST_TIMEOUT;
    loop {
        // The client may have more to send, such as its acknowledgement of the server's settings.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let socket = client.counted().server_counts();
        let counted = ledger(server, form, transport).0;
        if counted.total() == socket {
            return counted;
        }
        assert!(
            Instant::now() < deadline,
            "{form:?} {transport}: the socket has {socket:?}, the ledger {counted:?}"
        );
    }
}

#[test]
fn polls_of_every_form_are_counted_to_the_byte() {
    for form in ProtocolForm::ALL {
        let server = Server::on_every_form();
        let bytes = run(async {
            let mut client = ProtocolClient::connect(&server, form).await;
            for _ in 0..10 {
                assert_eq!(client.get("/poll").await.0, 200);
            }
            assert_bytes(&server, form, "poll", &client).await
        });
        if form == ProtocolForm::Http1 {
            assert_eq!(bytes.connection, (0, 0));
        } else {
            assert!(
                bytes.connection.0 > 0 && bytes.connection.1 > 0,
                "{bytes:?}"
            );
        }
    }
}

#[test]
fn long_polls_of_every_form_are_counted_to_the_byte() {
    for form in ProtocolForm::ALL {
        let server = Server::on_every_form();
        run(async {
            let mut client = ProtocolClient::connect(&server, form).await;
            for _ in 0..3 {
                assert_eq!(client.get("/poll?wait=0.05").await.0, 200);
            }
            assert_bytes(&server, form, "long-poll", &client).await
        });
    }
}

#[test]
fn publishes_of_every_form_are_counted_to_the_byte() {
    for form in ProtocolForm::ALL {
        let server = Server::on_every_form();
        run(async {
            let mut client = ProtocolClient::connect(&server, form).await;
            for i in 0..5 {
                assert_eq!(client.publish(&format!("message {i}")).await.0, 201);
            }
            assert_bytes(&server, form, "publish", &client).await
        });
    }
}

#[test]
fn streams_of_every_form_are_counted_to_the_byte() {
    for form in ProtocolForm::ALL {
        let server = Server::on_every_form();
        run(async {
            let mut client = ProtocolClient::connect(&server, form).await;
            let mut body = client.send("GET", "/stream?last=0", "").await.into_body();
            read_until(&mut body, "\n\n").await;
            for text in ["one", "two", "three"] {
                server.publish_text("lobby", text);
                read_until(&mut body, "}\n\n").await;
            }
            let bytes = assert_bytes(&server, form, "stream", &client).await;
            drop(body);
            bytes
        });
    }
}

#[test]
fn ten_requests_at_once_on_one_connection_are_counted_to_the_byte() {
    for form in ProtocolForm::HTTP_2 {
        let server = Server::on_every_form();
        let bytes = run(async {
            let client = ProtocolClient::connect(&server, form).await;
            let mut waiting = Vec::new();
            for i in 0..10 {
                let mut sender = client.share().expect("HTTP/2");
                let uri = format!("http://{}/poll?wait=5&client=c{i}", server.addr());
                let request = hyper::Request::get(uri)
                    .body(http_body_util::Full::new(bytes::Bytes::new()))
                    .expect("valid");
                sender.ready().await.expect("ready");
                waiting.push(tokio::task::spawn_local(sender.send_request(request)));
            }
            let has_all = || ledger(&server, form, "long-poll").1["requests"] == 10;
            while !has_all() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            server.publish_text("lobby", "to all of them");
            for answer in waiting {
                let answer = answer.await.expect("runs").expect("an answer");
                answer.into_body().collect().await.expect("whole");
            }
            assert_bytes(&server, form, "long-poll", &client).await
        });
        // Every request has the same number of bytes, because the labels have the same length.
        let each = (0..10).map(|i| {
            let text = server.get(&format!("/ledger?client=c{i}")).text();
            let own: Value = serde_json::from_str(&text).expect("JSON");
            let own = &own["transports"]["long-poll"];
            assert_eq!(own["requests"], 1);
            (
                own["wire_bytes_in"].as_u64().expect("a number"),
                own["wire_bytes_out"].as_u64().expect("a number"),
            )
        });
        let sum = each.fold((0, 0), |sum, own| (sum.0 + own.0, sum.1 + own.1));
        assert_eq!(sum, bytes.wire, "{form:?}");
    }
}
