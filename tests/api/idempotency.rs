//! `Idempotency-Key`: a publish that may be repeated.

use serde_json::{Value, json};

use crate::support::{
    client::{JSON, TestClient, texts},
    each_store,
    response::Response,
    server::Server,
};

fn publish(door: &impl TestClient, key: &str, draft: &Value) -> Response {
    door.post(draft.to_string(), &[JSON, ("Idempotency-Key", key)])
}

fn draft(text: &str) -> Value {
    json!({"author": "mina", "text": text})
}

each_store!(the_same_key_and_body_append_once, |server| {
    let first = publish(server, "k1", &draft("hello"));
    assert_eq!(first.status(), 201);
    server.publish_text("lobby", "between");
    for again in [draft("hello"), draft("  hello "), {
        json!({"text": "hello", "author": "mina", "room": "lobby"})
    }] {
        let again = publish(server, "k1", &again);
        assert_eq!(again.status(), 200, "{}", again.text());
        assert_eq!(again.json(), first.json());
        assert_eq!(again.header("location"), first.header("location"));
    }
    assert_eq!(texts(&server.poll("")), ["hello", "between"]);
});

each_store!(the_same_key_with_another_body_is_422, |server| {
    assert_eq!(publish(server, "k1", &draft("hello")).status(), 201);
    let others = [
        draft("other"),
        json!({"author": "ada", "text": "hello"}),
        json!({"author": "mina", "text": "hello", "room": "den"}),
    ];
    for other in others {
        publish(server, "k1", &other).assert_problem_field(422, "Idempotency-Key");
    }
    assert_eq!(publish(server, "k2", &draft("other")).status(), 201);
    assert_eq!(texts(&server.poll("")), ["hello", "other"]);
});

each_store!(a_refused_publish_does_not_use_up_its_key, |server| {
    publish(server, "k1", &draft("")).problem(422);
    assert_eq!(publish(server, "k1", &draft("hello")).status(), 201);
});

each_store!(a_key_used_at_the_same_time_appends_once, |server| {
    let answers: Vec<Response> = std::thread::scope(|scope| {
        let publishes: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| publish(server, "race", &draft("hello"))))
            .collect();
        let joined = publishes.into_iter().map(|publish| publish.join());
        joined.map(|answer| answer.expect("an answer")).collect()
    });
    let created = answers.iter().filter(|answer| answer.status() == 201);
    assert_eq!(created.count(), 1);
    assert!(
        answers
            .iter()
            .all(|answer| answer.json() == answers[0].json())
    );
    assert_eq!(texts(&server.poll("")), ["hello"]);
});

#[test]
fn an_invalid_key_is_400() {
    let server = Server::memory();
    let bad = ["", "a b", "k\u{e9}", &"k".repeat(65), "a\tb"];
    for key in bad {
        publish(&server, key, &draft("hello")).assert_problem_field(400, "Idempotency-Key");
    }
    assert_eq!(server.poll("")["messages"], json!([]));
    let longest = publish(&server, &"~".repeat(64), &draft("hello"));
    assert_eq!(longest.status(), 201);
}

#[test]
fn a_key_survives_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("chat.db");
    let first = publish(&Server::on_file(path.clone()), "k1", &draft("hello"));
    assert_eq!(first.status(), 201);
    let server = Server::on_file(path);
    let again = publish(&server, "k1", &draft("hello"));
    assert_eq!((again.status(), again.json()), (200, first.json()));
    publish(&server, "k1", &draft("other")).assert_problem_field(422, "Idempotency-Key");
}
