//! NATS is unavailable for some time: publishes that were reported as failed stay failed, and readers continue.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    client::{JSON, TestClient, cursor, texts},
    eventually,
    nats_nodes::NatsServer,
    response::Response,
    server::Server,
};

/// The longest time until a publish is answered, even during an outage.
const ANSWER: Duration = Duration::from_secs(5);

fn publish(server: &Server, text: &str, key: Option<&str>) -> Response {
    let draft = json!({"author": "mina", "text": text}).to_string();
    let key = key.map(|key| ("Idempotency-Key", key));
    let headers: Vec<_> = [JSON].into_iter().chain(key).collect();
    server.post(draft, &headers)
}

/// Publishes, and expects the answer that the store is unavailable.
fn assert_publish_unavailable(server: &Server, text: &str, key: Option<&str>) {
    let started = Instant::now();
    let answer = publish(server, text, key);
    assert!(started.elapsed() < ANSWER, "took {:?}", started.elapsed());
    assert_eq!(answer.header("retry-after"), Some("1"));
    answer.problem(503);
}

fn whole_log(server: &impl TestClient) -> Vec<String> {
    texts(&server.poll("last=1000&limit=1000"))
}

/// Publishes `text` as soon as the store is available again.
fn publish_when_available(server: &Server, text: &str) -> Value {
    let mut said = None;
    eventually("the store takes messages again", || {
        let answer = publish(server, text, None);
        said = (answer.status() == 201).then(|| answer.json());
        said.is_some()
    });
    said.expect("said")
}

#[test]
fn publishes_reported_as_failed_while_nats_was_frozen_stay_failed() {
    let nats = NatsServer::start();
    let servers = [(); 2].map(|()| Server::on_nats(&nats.options()));
    let [server, other] = &servers;
    let before = server.publish_text("lobby", "before");
    let unread = server.publish_text("unread", "nobody has read this room here");
    let mut stream = server.stream("last=1");
    assert_eq!(stream.message(), before);

    nats.freeze();
    thread::scope(|scope| {
        scope.spawn(|| assert_publish_unavailable(server, "frozen", None));
        scope.spawn(|| assert_publish_unavailable(server, "frozen, with a key", Some("k1")));
        scope.spawn(|| assert_publish_unavailable(other, "frozen elsewhere", None));
        // Messages in memory can still be read.
        assert_eq!(server.poll("last=1")["messages"], json!([before]));
        eventually("the store is known to be unavailable", || {
            server.get("/readyz").status() == 503
        });
        assert_eq!(server.get("/healthz").status(), 200);
        // Also in a room whose older messages were never read.
        let recent = server.poll("room=unread&last=1");
        assert_eq!(recent["messages"], json!([unread]));
    });
    nats.thaw();

    let after = publish_when_available(server, "after");
    assert_eq!(
        stream.message(),
        after,
        "the stream continued without reconnecting"
    );
    let keyed = publish(server, "frozen, with a key", Some("k1"));
    assert_eq!(keyed.status(), 201, "{}", keyed.text());
    let again = publish(other, "frozen, with a key", Some("k1"));
    assert_eq!((again.status(), again.json()), (200, keyed.json()));
    let expected = ["before", "after", "frozen, with a key"];
    for server in &servers {
        eventually("both servers are there", || whole_log(server).len() >= 3);
        assert_eq!(whole_log(server), expected);
    }
    // A new server, which reads the JetStream stream, sees the same.
    assert_eq!(whole_log(&Server::on_nats(&nats.options())), expected);
}

#[test]
fn nats_is_killed_and_starts_again() {
    let mut nats = NatsServer::start();
    let server = Server::on_nats(&nats.options());
    let before = server.publish_text("lobby", "before");
    let mut stream = server.stream("last=1");
    assert_eq!(stream.message(), before);
    let waiting = format!("cursor={}&wait=30", cursor(&before));
    thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let mut connection = server.raw();
            connection.read_timeout(Duration::from_secs(30));
            connection.get(&format!("/poll?{waiting}")).ok()
        });
        nats.kill();
        assert_publish_unavailable(&server, "while it is dead", Some("k1"));
        server.get("/readyz").problem(503);
        nats.resume();
        let after = publish_when_available(&server, "after");
        assert_eq!(stream.message(), after);
        let answer = waits.join().expect("an answer");
        assert_eq!(
            (&answer["reset"], &answer["messages"]),
            (&Value::Null, &json!([after]))
        );
    });
    eventually("the store is there", || {
        server.get("/readyz").status() == 200
    });
    assert_eq!(
        publish(&server, "while it is dead", Some("k1")).status(),
        201
    );
    assert_eq!(whole_log(&server), ["before", "after", "while it is dead"]);
    server.lines.with(1, &["store-away"]);
    server.lines.with(1, &["store-back"]);
}

#[test]
fn a_short_outage_only_delays_a_publish() {
    let mut nats = NatsServer::start();
    let server = Server::on_nats(&nats.options());
    server.publish_text("lobby", "before");
    nats.kill();
    thread::scope(|scope| {
        let publishes = scope.spawn(|| publish(&server, "through", None));
        nats.resume();
        assert_eq!(publishes.join().expect("an answer").status(), 201);
    });
    assert_eq!(whole_log(&server), ["before", "through"]);
}
