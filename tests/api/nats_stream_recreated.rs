//! The JetStream stream is deleted: its log is gone, and a new log replaces it.

use std::{thread, time::Duration};

use serde_json::{Value, json};

use crate::support::{
    client::{TestClient as _, cursor},
    events::Events,
    eventually,
    nats_nodes::NatsServer,
    server::Server,
};

const UNKNOWN: &str = "event: reset\ndata: {\"reason\": \"unknown\"}\n\n";

/// Publishes `text`, and retries until a new log accepts it.
fn publish_to_new_log(server: &Server, old: &Value, text: &str) -> Value {
    let (log, _) = cursor(old).split_once('-').expect("log-id");
    let mut said = Value::Null;
    eventually("another log takes messages", || {
        let answer = server.publish(&json!({"author": "mina", "text": text}));
        if answer.status() != 201 {
            return false;
        }
        said = answer.json();
        !cursor(&said).starts_with(log)
    });
    said
}

/// Checks what readers of two servers see when `replace` replaces the stream.
fn check(nats: &mut NatsServer, replace: impl FnOnce(&mut NatsServer)) {
    let servers = [(); 2].map(|()| Server::on_nats(&nats.options()));
    let [server, other] = &servers;
    let old = server.publish_many("lobby", 5);
    let newest = old.last().expect("a message");
    let mut stream = server.stream("last=1");
    assert_eq!(stream.message(), *newest);
    let target = format!("/poll?wait=30&cursor={}", cursor(newest));
    let new = thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let mut connection = server.raw();
            connection.read_timeout(Duration::from_secs(30));
            connection.get(&target).ok()
        });
        // The long-poll must be waiting when the log is replaced.
        eventually("the long-poll waits", || {
            server.cost("long-poll")["open"] == 1
        });
        replace(nats);
        let new = publish_to_new_log(server, newest, "new");
        assert_eq!(waits.join().expect("an answer")["reset"], "unknown");
        new
    });
    let log = |message| cursor(message).split_once('-').expect("log-id").0;
    for server in [server, other] {
        server
            .lines
            .with(1, &["log-replaced", log(newest), log(&new)]);
    }
    assert_eq!(stream.frame(), UNKNOWN, "also on an open stream");
    assert_eq!(stream.message(), new);
    for server in [server, other] {
        let wait = format!("cursor={}&wait=10", cursor(newest));
        let answer = server.poll(&wait);
        assert_eq!(answer["reset"], "unknown");
        let answer = server.poll(&format!("cursor={}", cursor(newest)));
        assert_eq!(
            (&answer["reset"], &answer["messages"]),
            (&json!("unknown"), &json!([new]))
        );
        let header = [("Last-Event-ID", cursor(newest))];
        let mut stream = Events::open(server.raw(), "/stream", &header);
        stream.frame();
        assert_eq!(stream.frame(), UNKNOWN);
        assert_eq!(stream.message(), new);
    }
    let next = other.publish_text("lobby", "next");
    assert_eq!(stream.message(), next);
    let on = server.poll(&format!("cursor={}&wait=10", cursor(&new)));
    assert_eq!(
        (&on["reset"], &on["messages"]),
        (&Value::Null, &json!([next]))
    );
}

#[test]
fn a_deleted_stream_is_recreated_and_readers_get_a_reset() {
    let mut nats = NatsServer::start();
    check(&mut nats, |nats| nats.publish("$JS.API.STREAM.DELETE.chat"));
}

#[test]
fn a_nats_that_lost_its_data_is_another_log() {
    let mut nats = NatsServer::start();
    check(&mut nats, |nats| {
        nats.wipe();
        nats.resume();
    });
}

#[test]
fn a_cursor_of_the_new_log_is_known_to_a_server_that_has_not_noticed() {
    let nats = NatsServer::start();
    let servers = [(); 2].map(|()| Server::on_nats(&nats.options()));
    let [server, other] = &servers;
    let old = server.publish_text("lobby", "old");
    eventually("the other server is there", || {
        other.poll("last=1")["messages"] == json!([old])
    });
    nats.publish("$JS.API.STREAM.DELETE.chat");
    let new = publish_to_new_log(server, &old, "new");
    let answer = other.poll(&format!("cursor={}", cursor(&new)));
    assert_eq!(answer["reset"], Value::Null);
}
