//! NATS is reachable but rejects messages: operators see it, and clients are not told to retry.

use serde_json::json;

use crate::support::{client::TestClient as _, eventually, nats_nodes::NatsServer, server::Server};

#[test]
fn a_stream_that_rejects_messages_is_not_ready_until_it_is_fixed() {
    let nats = NatsServer::start();
    let server = Server::on_nats(&nats.options());
    let short = server.publish_text("lobby", "short");
    let long = json!({"author": "mina", "text": "x".repeat(300)});
    nats.edit_stream("chat", |config| config.max_message_size = 100);
    let refused = server.publish(&long);
    assert!(refused.header("retry-after").is_some());
    let problem = refused.problem(503);
    let detail = problem["detail"].as_str().expect("a text");
    assert!(detail.contains("refuses"), "{detail}");
    assert!(!detail.contains("try again"), "{detail}");
    server.get("/readyz").problem(503);
    assert_eq!(server.get("/healthz").status(), 200);
    let metrics = server.get("/metrics");
    assert!(metrics.text().contains("poll_vs_sse_store_up 0"));
    // Reads still work, also of messages that are not in memory.
    assert_eq!(server.poll("last=1")["messages"], json!([short]));
    server.poll("room=unread");
    server.lines.with(1, &["store-away", "size"]);

    nats.edit_stream("chat", |config| config.max_message_size = -1);
    eventually("it takes messages again", || {
        server.publish(&long).status() == 201 && server.get("/readyz").status() == 200
    });
    server.lines.with(1, &["store-back"]);

    // The rejection does not count against a new stream that replaces this one.
    nats.edit_stream("chat", |config| config.max_message_size = 100);
    server.publish(&long).problem(503);
    nats.publish("$JS.API.STREAM.DELETE.chat");
    eventually("another stream takes messages", || {
        server.get("/readyz").status() == 200
    });
    assert_eq!(server.publish(&long).status(), 201);
}
