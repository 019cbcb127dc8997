//! `POST /messages`: valid and invalid messages.

use serde_json::{Value, json};

use crate::support::{
    client::{JSON, TestClient as _, cursor},
    each_store,
    server::Server,
};

each_store!(a_publish_answers_201_with_the_message, |server| {
    let response = server.publish(&json!({"room": "den", "author": "mina", "text": "hello"}));
    assert_eq!(response.status(), 201);
    assert_eq!(response.header("content-type"), Some("application/json"));
    let message = response.json();
    let fields: Vec<&String> = message.as_object().expect("an object").keys().collect();
    assert_eq!(
        fields,
        ["id", "cursor", "room", "author", "text", "sent_at"],
        "in the contract's order"
    );
    assert_eq!(message["room"], "den");
    assert_eq!(message["author"], "mina");
    assert_eq!(message["text"], "hello");
    let (log, id) = cursor(&message).rsplit_once('-').expect("log-id");
    assert!(!log.is_empty());
    assert_eq!(
        Value::from(id.parse::<u64>().expect("a number")),
        message["id"]
    );
});

each_store!(the_location_leads_to_the_message, |server| {
    server.publish_text("den", "before");
    let response = server.publish(&json!({"room": "den", "author": "mina", "text": "this"}));
    server.publish_text("den", "after");
    let location = response.header("location").expect("a location");
    // Relative, so that it also works behind a proxy with a path prefix.
    assert!(location.starts_with("poll?"), "{location}");
    let found = server.get(&format!("/{location}")).ok();
    assert_eq!(found["messages"], json!([response.json()]));
});

each_store!(
    sent_at_is_utc_with_microseconds_and_rises_with_the_id,
    |server| {
        let messages = server.publish_many("lobby", 5);
        for pair in messages.windows(2) {
            assert!(pair[0]["id"].as_u64() < pair[1]["id"].as_u64());
            // All times have the same length and zone, so sorting them as text sorts them by time.
            assert!(pair[0]["sent_at"].as_str() <= pair[1]["sent_at"].as_str());
        }
        for message in messages {
            let sent_at = message["sent_at"].as_str().expect("text").to_owned();
            let shape: String = sent_at
                .chars()
                .map(|c| if c.is_ascii_digit() { '9' } else { c })
                .collect();
            assert_eq!(shape, "9999-99-99T99:99:99.999999Z", "{sent_at}");
        }
    }
);

each_store!(ids_rise_through_the_whole_log_across_rooms, |server| {
    let ids: Vec<u64> = ["a", "b", "a", "c"]
        .map(|room| {
            server.publish_text(room, "x")["id"]
                .as_u64()
                .expect("an id")
        })
        .to_vec();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
});

each_store!(no_room_means_the_lobby_and_fields_are_trimmed, |server| {
    let response = server.publish(&json!({"author": " mina\u{3000}", "text": "\n hi\n\tyou \n"}));
    let message = response.json();
    assert_eq!(response.status(), 201);
    assert_eq!(message["room"], "lobby");
    assert_eq!(message["author"], "mina");
    assert_eq!(message["text"], "hi\n\tyou");
    assert_eq!(server.poll("room=lobby")["messages"], json!([message]));
});

each_store!(lengths_count_unicode_characters, |server| {
    let draft = json!({
        "room": "r".repeat(64), "author": "é".repeat(64), "text": "😀".repeat(4096)
    });
    let response = server.publish(&draft);
    assert_eq!(response.status(), 201);
    assert_eq!(response.json()["text"], draft["text"]);
    let long_after_trimming = json!({"author": "m", "text": format!("  {}  ", "語".repeat(4096))});
    assert_eq!(server.publish(&long_after_trimming).status(), 201);
});

each_store!(any_text_is_returned_unchanged, |server| {
    let text = "\"quotes\" \\ </script> \u{2028}\u{2029} \u{feff} 🏳️‍🌈 e\u{301} \u{202e}rtl data: id: \n\ndata: x\n\nevent: y";
    let message = server.publish_text("lobby", text);
    assert_eq!(message["text"], text);
    assert_eq!(server.poll("")["messages"][0], message);
    assert_eq!(server.stream("").message(), message);
});

each_store!(a_field_out_of_range_is_422_with_its_name, |server| {
    let with = |field: &str, value: Value| {
        let mut draft = json!({"room": "lobby", "author": "mina", "text": "hello"});
        draft[field] = value;
        draft
    };
    let bad = [
        ("room", json!("")),
        ("room", json!("a b")),
        ("room", json!("å")),
        ("room", json!("a/b")),
        ("room", json!("r".repeat(65))),
        ("room", json!(null)),
        ("room", json!(7)),
        ("author", json!("")),
        ("author", json!(" \t\n")),
        ("author", json!("a".repeat(65))),
        ("author", json!("a\nb")),
        ("author", json!("a\tb")),
        ("author", json!("a\u{0}b")),
        ("author", json!("a\u{9f}b")),
        ("author", json!(["mina"])),
        ("author", json!(null)),
        ("text", json!("")),
        ("text", json!("\u{2003}\n")),
        ("text", json!("語".repeat(4097))),
        ("text", json!("a\rb")),
        ("text", json!("a\u{0}b")),
        ("text", json!("a\u{1b}[31mb")),
        ("text", json!("a\u{7f}b")),
        ("text", json!("a\u{85}b")),
        ("text", json!({"a": 1})),
        ("text", json!(true)),
        ("extra", json!(1)),
        ("id", json!(1)),
        ("sent_at", json!("2020-01-01T00:00:00Z")),
    ];
    for (field, value) in bad {
        server
            .publish(&with(field, value))
            .assert_problem_field(422, field);
    }
    server
        .publish(&json!({"text": "x"}))
        .assert_problem_field(422, "author");
    server
        .publish(&json!({"author": "x"}))
        .assert_problem_field(422, "text");
    for whole in [json!([]), json!("text"), json!(1), json!(null)] {
        server.publish(&whole).problem(422);
    }
    assert_eq!(
        server.poll("")["messages"],
        json!([]),
        "nothing was appended"
    );
});

#[test]
fn a_body_that_is_not_json_is_400() {
    let server = Server::memory();
    let bad: [&[u8]; 10] = [
        b"",
        b"hello",
        b"{\"author\":\"mina\",\"text\":\"hi\"",
        b"{\"author\":\"mina\",\"text\":\"hi\"} x",
        b"{'author':'mina','text':'hi'}",
        b"{\"author\":\"mina\",\"text\":\"\xff\xfe\"}",
        b"{\"author\":\"mina\",\"text\":\"\\ud800\"}",
        b"{\"author\":\"mina\",\"text\":\"a\nb\"}",
        b"{\"author\":\"mina\",\"text\":1e999}",
        b"\0\0\0\0",
    ];
    for body in bad {
        server.post(body, &[JSON]).problem(400);
    }
    server.post("[".repeat(60_000), &[JSON]).problem(400);
}

#[test]
fn another_content_type_is_415() {
    let server = Server::memory();
    let body = r#"{"author":"mina","text":"hi"}"#;
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "x",
        "",
    ] {
        server
            .post(body, &[("Content-Type", kind)])
            .assert_problem_field(415, "Content-Type");
    }
    server.post(body, &[]).problem(415);
    for charset in ["utf-8", "UTF-8", "\"utf-8\"", "utf8", "us-ascii"] {
        let kind = format!("application/json; charset={charset}");
        let published = server.post(body, &[("Content-Type", kind.as_str())]);
        assert_eq!(published.status(), 201, "{charset}");
    }
}
