//! `GET /poll`: where a reader starts, and the limits of one answer.

use serde_json::{Value, json};

use crate::support::{
    client::{TestClient as _, cursor, texts},
    each_store,
    server::Server,
};

fn numbers(range: std::ops::RangeInclusive<usize>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

each_store!(an_empty_room_has_a_cursor_to_continue_from, |server| {
    let empty = server.poll("room=den");
    assert_eq!(
        empty,
        json!({"messages": [], "cursor": cursor(&empty), "more": false, "reset": null})
    );
    let message = server.publish_text("den", "first");
    let next = server.poll(&format!("room=den&cursor={}", cursor(&empty)));
    assert_eq!(next["messages"], json!([message]));
    assert_eq!(next["cursor"], message["cursor"]);
});

each_store!(a_poll_answers_in_the_contracts_form, |server| {
    let message = server.publish_text("lobby", "hello");
    let response = server.get("/poll");
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let tag = format!("\"{}\"", cursor(&message));
    assert_eq!(response.header("etag"), Some(tag.as_str()));
    let answer = response.ok();
    let fields: Vec<&String> = answer.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["messages", "cursor", "more", "reset"]);
    assert_eq!(answer["messages"], json!([message]));
    assert!(
        response.text().contains(&message.to_string()),
        "the same bytes"
    );
});

each_store!(without_a_cursor_the_last_50_are_read, |server| {
    server.publish_many("lobby", 60);
    assert_eq!(texts(&server.poll("")), numbers(11..=60));
    assert_eq!(texts(&server.poll("last=3")), numbers(58..=60));
    assert_eq!(texts(&server.poll("last=60")), numbers(1..=60));
    assert_eq!(texts(&server.poll("last=1000")), numbers(1..=60));
    let none = server.poll("last=0");
    assert_eq!(none["messages"], json!([]));
    let next = server.publish_text("lobby", "next");
    let answer = server.poll(&format!("cursor={}", cursor(&none)));
    assert_eq!(answer["messages"], json!([next]));
});

each_store!(last_counts_the_messages_of_the_room, |server| {
    for i in 1..=300 {
        server.publish_text(if i % 3 == 0 { "den" } else { "lobby" }, &i.to_string());
    }
    assert_eq!(texts(&server.poll("room=den&last=2")), ["297", "300"]);
    assert_eq!(
        texts(&server.poll("room=lobby&last=3")),
        ["296", "298", "299"]
    );
    assert_eq!(
        server.poll("room=den&last=1000")["messages"]
            .as_array()
            .map(Vec::len),
        Some(100)
    );
});

each_store!(a_limit_shortens_the_answer_and_sets_more, |server| {
    server.publish_many("lobby", 450);
    let mut answer = server.poll("last=450&limit=1");
    assert_eq!(
        (texts(&answer), &answer["more"]),
        (numbers(1..=1), &json!(true))
    );
    let next =
        |answer: &Value, query: &str| server.poll(&format!("cursor={}{query}", cursor(answer)));
    answer = next(&answer, "");
    assert_eq!(
        (texts(&answer), &answer["more"]),
        (numbers(2..=201), &json!(true)),
        "200 at a time"
    );
    answer = next(&answer, "&limit=249");
    assert_eq!(
        (texts(&answer), &answer["more"]),
        (numbers(202..=450), &json!(false))
    );
    answer = next(&answer, "");
    assert_eq!((texts(&answer), &answer["more"]), (vec![], &json!(false)));
    let all = server.poll("last=1000&limit=1000");
    assert_eq!(
        (texts(&all), &all["more"]),
        (numbers(1..=450), &json!(false))
    );
});

each_store!(
    a_reader_far_behind_gets_large_messages_in_several_answers,
    |server| {
        let text = "😀".repeat(4096);
        let mut expected = Vec::new();
        let start = server.poll("last=0");
        for _ in 0..60 {
            expected.push(server.publish_text("lobby", &text));
        }
        let (mut got, mut place, mut answers) = (Vec::new(), cursor(&start).to_owned(), 0);
        loop {
            let answer = server.poll(&format!("limit=1000&cursor={place}"));
            got.extend(answer["messages"].as_array().expect("a list").clone());
            place = cursor(&answer).to_owned();
            answers += 1;
            if answer["more"] == false {
                break;
            }
        }
        assert_eq!(got, expected);
        assert!(answers < 60, "{answers} answers");
    }
);

each_store!(a_poll_reads_only_its_room, |server| {
    let here = server.publish_text("here", "x");
    let start = server.poll("room=there");
    assert_eq!(start["messages"], json!([]));
    server.publish_text("here", "y");
    let there = server.poll(&format!("room=there&cursor={}", cursor(&here)));
    assert_eq!(
        (&there["messages"], &there["reset"]),
        (&json!([]), &json!(null))
    );
    assert_eq!(
        texts(&server.poll(&format!("room=here&cursor={}", cursor(&here)))),
        ["y"]
    );
    assert_eq!(
        server.poll("room=Here")["messages"],
        json!([]),
        "case matters"
    );
});

each_store!(
    repeated_polls_bring_each_message_once_and_in_order,
    |server| {
        let mut place = cursor(&server.poll("last=0")).to_owned();
        let mut got = Vec::new();
        for round in 0..20 {
            for i in 0..round % 4 {
                server.publish_text("lobby", &format!("{round}.{i}"));
                server.publish_text("elsewhere", "noise");
            }
            let answer = server.poll(&format!("cursor={place}&limit=2"));
            got.extend(texts(&answer));
            place = cursor(&answer).to_owned();
        }
        got.extend(texts(&server.poll(&format!("cursor={place}"))));
        let all = (0..20).flat_map(|round| (0..round % 4).map(move |i| format!("{round}.{i}")));
        assert_eq!(got, all.collect::<Vec<_>>());
    }
);

#[test]
fn bad_parameters_are_400_with_their_names() {
    let server = Server::memory();
    let long_room = format!("room={}", "r".repeat(65));
    let long_client = format!("client={}", "c".repeat(65));
    let endless = format!("cursor={}", "9".repeat(5000));
    let bad = [
        "room=",
        "room=a+b",
        "room=a/b",
        "room=%ff",
        "room=%00",
        "room=%F0%9F%98%80",
        &long_room,
        "cursor=",
        "cursor=17",
        "cursor=abc",
        "cursor=abc-",
        "cursor=-1",
        "cursor=abc-x",
        "cursor=abc--1",
        "cursor=abc-1.5",
        "cursor=abc-99999999999999999999",
        "cursor=%ff-1",
        &endless,
        "last=-1",
        "last=1001",
        "last=x",
        "last=",
        "last=1.5",
        "last=%2B1",
        "limit=0",
        "limit=1001",
        "limit=-5",
        "limit=",
        "limit=99999999999999999999",
        "wait=-1",
        "wait=61",
        "wait=60.001",
        "wait=x",
        "wait=",
        "wait=NaN",
        "wait=inf",
        "wait=1e1",
        "client=",
        "client=a.b",
        "client=%ff",
        &long_client,
        "room=a&room=",
        "cursor=a-1&cursor=a-1",
        "last=1&last=1",
        "limit=1&limit=2",
        "wait=0&wait=0",
        "client=a&client=b",
    ];
    for query in bad {
        let field = query.split('=').next().expect("a name");
        server
            .get(&format!("/poll?{query}"))
            .assert_problem_field(400, field);
        if !["limit", "wait"].contains(&field) {
            server
                .get(&format!("/stream?{query}"))
                .assert_problem_field(400, field);
        }
    }
    assert_eq!(
        server.get("/poll?x=%ff&_=1&room=lobby&&=").status(),
        200,
        "unknown parameters are ignored"
    );
}

#[test]
fn the_bounds_of_parameters_are_inclusive() {
    let server = Server::memory();
    let good = [
        "last=0",
        "last=1000",
        "limit=1",
        "limit=1000",
        "wait=0",
        "wait=0.0",
        "room=_-Az09",
    ];
    for query in good {
        server.poll(query);
    }
    server.poll(&format!(
        "room={}&client={}",
        "r".repeat(64),
        "c".repeat(64)
    ));
    server.publish_text("lobby", "so that a long wait ends at once");
    server.poll("wait=60");
}
