//! A group of servers on one NATS: a reader can move between them at any time, and idempotency keys apply to the group.

use std::thread;

use serde_json::{Value, json};

use crate::support::{
    client::{JSON, TestClient as _, cursor, texts},
    events::Events,
    eventually, nats,
    server::Server,
};

/// Two servers of a group.
fn pair() -> [Server; 2] {
    let options = nats::shared();
    [(); 2].map(|()| Server::on_nats(&options))
}

fn whole_log(server: &Server) -> Value {
    server.poll("last=1000&limit=1000")["messages"].clone()
}

#[test]
fn servers_of_a_group_have_the_same_messages() {
    let servers = pair();
    let mut streams = servers.each_ref().map(|server| server.stream("last=0"));
    for stream in &mut streams {
        stream.frame();
    }
    thread::scope(|scope| {
        for server in &servers {
            for _ in 0..2 {
                scope.spawn(|| server.publish_many("lobby", 50));
            }
        }
    });
    let [a, b] = streams.each_mut().map(|stream| stream.messages(200));
    assert_eq!(a, b);
    for server in &servers {
        assert_eq!(whole_log(server), json!(a));
    }
    let times: Vec<&str> = a
        .iter()
        .map(|message| message["sent_at"].as_str().expect("a time"))
        .collect();
    assert!(times.is_sorted(), "times rise with the ids");
}

#[test]
fn a_cursor_is_valid_at_every_server_of_the_group() {
    let [here, there] = pair();
    let mut place = cursor(&here.poll("last=0")).to_owned();
    for i in 0..100 {
        let message = here.publish_text("lobby", &i.to_string());
        // The other server may not have the message yet, but it knows the cursor.
        let answer = there.poll(&format!("cursor={}", cursor(&message)));
        assert_eq!(
            (&answer["reset"], &answer["messages"]),
            (&Value::Null, &json!([]))
        );
        let answer = there.poll(&format!("cursor={place}&wait=10"));
        assert_eq!(
            (&answer["reset"], &answer["messages"]),
            (&Value::Null, &json!([message]))
        );
        place = cursor(&answer).to_owned();
    }
}

#[test]
fn a_stream_is_moved_from_server_to_server_and_misses_nothing() {
    let servers = pair();
    let mut place = cursor(&servers[0].poll("last=0")).to_owned();
    let said = thread::scope(|scope| {
        let publisher = scope.spawn(|| servers[0].publish_many("lobby", 300));
        let mut seen = Vec::new();
        for n in 0.. {
            let server = &servers[n % 2];
            let header = [("Last-Event-ID", place.as_str())];
            let mut stream = Events::open(server.raw(), "/stream", &header);
            let moved_after = (n % 7 + 1).min(300 - seen.len());
            seen.extend(stream.messages(moved_after));
            place = cursor(seen.last().expect("a message")).to_owned();
            if seen.len() == 300 {
                break;
            }
        }
        assert_eq!(seen, publisher.join().expect("publishes"));
        seen
    });
    assert_eq!(said.len(), 300);
}

#[test]
fn an_idempotency_key_applies_to_the_whole_group() {
    let servers = pair();
    let publish = |server: &Server, text: &str| {
        let draft = json!({"author": "mina", "text": text}).to_string();
        server.post(draft, &[JSON, ("Idempotency-Key", "k1")])
    };
    let answers: Vec<_> = thread::scope(|scope| {
        let publishes: Vec<_> = (0..12)
            .map(|n| {
                let server = &servers[n % 2];
                scope.spawn(move || publish(server, "hello"))
            })
            .collect();
        let joined = publishes.into_iter().map(|publish| publish.join());
        joined.map(|answer| answer.expect("an answer")).collect()
    });
    let created = answers.iter().filter(|answer| answer.status() == 201);
    assert_eq!(created.count(), 1);
    for answer in &answers {
        assert!(matches!(answer.status(), 200 | 201), "{}", answer.text());
        assert_eq!(answer.json(), answers[0].json());
    }
    for server in &servers {
        publish(server, "other").assert_problem_field(422, "Idempotency-Key");
        assert_eq!(texts(&whole_log(server)), ["hello"]);
    }
}

#[test]
fn a_restarted_server_has_the_messages_of_the_group() {
    let options = nats::shared();
    let stays = Server::on_nats(&options);
    let mut leaves = Server::on_nats(&options);
    let first = leaves.publish_text("lobby", "first");
    let key = [JSON, ("Idempotency-Key", "k1")];
    let keyed = leaves.post(r#"{"author": "mina", "text": "keyed"}"#, &key);
    leaves.stop();
    stays.publish_text("lobby", "meanwhile");
    let back = Server::on_nats(&options);
    let answer = back.poll(&format!("cursor={}", cursor(&first)));
    assert_eq!(
        (&answer["reset"], texts(&answer)),
        (
            &Value::Null,
            vec!["keyed".to_owned(), "meanwhile".to_owned()]
        )
    );
    let again = back.post(r#"{"author": "mina", "text": "keyed"}"#, &key);
    assert_eq!((again.status(), again.json()), (200, keyed.json()));
}

#[test]
fn every_server_reports_a_gap() {
    let options = nats::shared();
    let servers = [(); 2].map(|()| {
        let mut config = poll_vs_sse_server::config::Config::default();
        config.store = poll_vs_sse_server::config::StoreChoice::Nats(Box::new(options.clone()));
        config.retention.messages = Some(5);
        Server::start(config)
    });
    let messages = servers[0].publish_many("lobby", 12);
    let before = format!("cursor={}&wait=10", cursor(&messages[2]));
    for server in &servers {
        eventually("the server is there", || {
            let newest = format!("cursor={}", cursor(&messages[10]));
            server.poll(&newest)["messages"] == json!(messages[11..])
        });
        let answer = server.poll(&before);
        assert_eq!(
            (&answer["reset"], &answer["messages"]),
            (&json!("expired"), &json!(messages[7..]))
        );
        let answer = server.poll(&format!("cursor={}", cursor(&messages[6])));
        assert_eq!(answer["reset"], Value::Null, "nothing is missing after it");
    }
}

#[test]
fn many_rooms_and_old_messages_are_read_from_the_stream() {
    let options = nats::shared();
    let mut first = Server::on_nats(&options);
    let start = cursor(&first.poll("last=0")).to_owned();
    // A sparse room in a busy log.
    let rare = first.publish_text("rare", "early");
    first.publish_many("busy", 700);
    let late = first.publish_text("rare", "late");
    first.publish_many("busy", 300);
    first.stop();
    let server = Server::on_nats(&options);
    let got = server.poll(&format!("room=rare&cursor={start}"));
    assert_eq!(got["messages"], json!([rare, late]));
    assert_eq!(server.poll("room=rare&last=1")["messages"], json!([late]));
    assert_eq!(
        server.poll("room=rare&last=9")["messages"],
        json!([rare, late])
    );
    let newest = server.poll("room=busy&last=1000&limit=1000");
    let expected: Vec<String> = (1..=700).chain(1..=300).map(|n| n.to_string()).collect();
    assert_eq!(texts(&newest), expected);
    assert_eq!(texts(&server.poll("room=busy&last=3")), expected[997..]);
    assert_eq!(
        texts(&server.poll("room=busy&last=600&limit=1000")),
        expected[400..]
    );
    let mut stream = server.stream(&format!("room=busy&cursor={start}"));
    assert_eq!(texts(&json!(stream.messages(1000))), expected);
    assert_eq!(server.poll("room=none&last=5")["messages"], json!([]));
    let query = format!(
        "room=none&wait=10&cursor={}",
        cursor(&server.poll("room=none"))
    );
    let soon = thread::scope(|scope| {
        let waits = scope.spawn(|| server.poll(&query));
        let said = server.publish_text("none", "first");
        (waits.join().expect("an answer")["messages"].clone(), said)
    });
    assert_eq!(soon.0, json!([soon.1]));
}
