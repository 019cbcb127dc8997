//! `ETag` and `If-None-Match`: a poll with nothing new is a 304.

use crate::support::{
    client::{TestClient as _, cursor, texts},
    each_store,
    process::Process,
    server::Server,
};

each_store!(poll_answers_304_when_nothing_is_new, |server| {
    let message = server.publish_text("lobby", "hello");
    let place = cursor(&message);
    let tag = format!("\"{place}\"");
    let target = format!("/poll?cursor={place}");
    let first = server.get(&target);
    assert_eq!(
        (first.status(), first.header("etag")),
        (200, Some(tag.as_str()))
    );
    let again = server.get_with(&target, &[("If-None-Match", &tag)]);
    assert_eq!(again.status(), 304);
    assert_eq!(again.header("etag"), Some(tag.as_str()));
    assert_eq!(again.header("cache-control"), Some("no-store"));
    assert!(again.body.is_empty());
    server.publish_text("lobby", "news");
    let news = server.get_with(&target, &[("If-None-Match", &tag)]);
    assert_eq!(texts(&news.ok()), ["news"]);
});

each_store!(an_empty_room_is_304_too, |server| {
    let empty = server.get("/poll?room=den");
    let tag = empty.header("etag").expect("a tag").to_owned();
    let target = format!("/poll?room=den&cursor={}", cursor(&empty.ok()));
    server.publish_text("elsewhere", "noise");
    assert_eq!(
        server
            .get_with(&target, &[("If-None-Match", &tag)])
            .status(),
        304
    );
});

each_store!(weak_tags_lists_and_the_asterisk_match, |server| {
    let place = cursor(&server.publish_text("lobby", "hello")).to_owned();
    let target = format!("/poll?cursor={place}");
    let known = [
        format!("W/\"{place}\""),
        format!("\"other\", \"{place}\""),
        format!("\"a\",W/\"{place}\" , \"b\""),
        "*".to_owned(),
    ];
    for tags in known {
        let answer = server.get_with(&target, &[("If-None-Match", &tags)]);
        assert_eq!(answer.status(), 304, "{tags}");
    }
    // It must not hide messages.
    let older = server.get_with("/poll?last=5", &[("If-None-Match", "*")]);
    assert_eq!(texts(&older.ok()), ["hello"]);
    let unknown = [
        place.clone(),
        "\"\"".into(),
        "\"other-1\"".into(),
        ",,".into(),
        "\"".into(),
    ];
    for tags in unknown {
        let answer = server.get_with(&target, &[("If-None-Match", &tags)]);
        assert_eq!(answer.status(), 200, "{tags}");
    }
});

#[test]
fn a_connection_can_be_used_after_a_304() {
    let server = Server::memory();
    let place = cursor(&server.publish_text("lobby", "hello")).to_owned();
    let tag = format!("\"{place}\"");
    let target = format!("/poll?cursor={place}");
    let mut connection = server.raw();
    for _ in 0..3 {
        let answer = connection.ask("GET", &target, &[("If-None-Match", &tag)], b"");
        assert_eq!(answer.status(), 304);
    }
    assert_eq!(texts(&connection.get("/poll").ok()), ["hello"]);
}

each_store!(
    a_long_poll_with_a_known_tag_waits_and_is_304_at_the_end,
    |server| {
        let place = cursor(&server.publish_text("lobby", "hello")).to_owned();
        let tag = format!("\"{place}\"");
        let target = format!("/poll?wait=0.2&cursor={place}");
        let answer = server.get_with(&target, &[("If-None-Match", &tag)]);
        assert_eq!(answer.status(), 304);
        // The client knows the whole room, so there is nothing new either.
        let answer = server.get_with("/poll?wait=0.2", &[("If-None-Match", &tag)]);
        assert_eq!(answer.status(), 304);
    }
);

/// The server is a separate process, because a thread that loops forever could not be stopped.
#[test]
fn the_tag_of_an_answer_with_more_after_it_does_not_hide_new_messages() {
    let server = Process::start(&["--store", "memory", "--workers", "1"]);
    let messages = server.publish_many("lobby", 3);
    let (first, second) = (cursor(&messages[0]), cursor(&messages[1]));
    let tag = format!("\"{second}\"");
    for wait in ["0", "0.2", "60"] {
        let target = format!("/poll?cursor={first}&limit=1&wait={wait}");
        let answer = server.get_with(&target, &[("If-None-Match", &tag)]);
        assert_eq!(
            texts(&answer.ok()),
            ["2"],
            "an answer with more after it is new (wait={wait})"
        );
    }
}
