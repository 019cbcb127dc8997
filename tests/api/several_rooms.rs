//! Several rooms on one connection: one cursor, and every message of each room exactly once.

use std::{fs, thread, time::Duration};

use poll_vs_sse_server::access::{JwtRules, keys::KeySource};
use serde_json::{Value, json};

use crate::support::{
    client::{TestClient as _, cursor, publish_text, texts},
    each_store, eventually,
    raw_connection::request,
    server::{Server, StoreKind},
    signer::Signer,
};

/// `room=r0&room=r1…`
fn rooms(n: usize) -> String {
    let rooms: Vec<String> = (0..n).map(|i| format!("room=r{i}")).collect();
    rooms.join("&")
}

each_store!(
    messages_of_all_rooms_come_in_the_order_of_the_log,
    |server| {
        let start = cursor(&server.poll("room=a&room=b&last=0")).to_owned();
        let mut said = Vec::new();
        for (i, room) in ["a", "b", "c", "b", "a", "c", "a"].into_iter().enumerate() {
            let message = server.publish_text(room, &i.to_string());
            if room != "c" {
                said.push(message);
            }
        }
        let answer = server.poll(&format!("room=a&room=b&cursor={start}"));
        assert_eq!(answer["messages"], json!(said));
        assert_eq!(answer["cursor"], said[4]["cursor"]);
        assert_eq!(
            (&answer["more"], &answer["reset"]),
            (&json!(false), &json!(null))
        );
        assert_eq!(
            server.poll("room=b&room=a&last=3")["messages"],
            json!(said[2..])
        );

        // Reading in pages and by a stream brings the same messages.
        let (mut paged, mut place) = (Vec::new(), start.clone());
        loop {
            let page = server.poll(&format!("room=a&room=b&limit=2&cursor={place}"));
            paged.extend(page["messages"].as_array().expect("a list").clone());
            place = cursor(&page).to_owned();
            if page["more"] == false {
                break;
            }
        }
        assert_eq!(paged, said);
        let mut stream = server.stream(&format!("room=a&room=b&cursor={start}"));
        assert_eq!(stream.messages(5), said);
        let resumed = [("Last-Event-ID", cursor(&said[2]))];
        let target = format!("/stream?room=a&room=b&cursor={start}");
        let mut stream = crate::support::events::Events::open(server.raw(), &target, &resumed);
        assert_eq!(stream.messages(2), said[3..]);
        server.publish_text("c", "not for this reader");
        let next = server.publish_text("b", "next");
        assert_eq!(stream.message(), next);
    }
);

each_store!(
    a_long_poll_of_several_rooms_waits_for_any_of_them,
    |server| {
        let place = cursor(&server.poll("room=a&room=b&last=0")).to_owned();
        let target = format!("/poll?room=a&room=b&wait=30&cursor={place}");
        let mut connection = server.raw();
        connection.send(request("GET", &target, &[], b""));
        eventually("the long-poll waits", || {
            server.cost("long-poll")["open"] == 1
        });
        server.publish_text("c", "elsewhere");
        let message = server.publish_text("b", "here");
        let answer = connection.answer("GET").expect("an answer").ok();
        assert_eq!(answer["messages"], json!([message]));
        // After the wait without a message, the answer is empty.
        let empty = server.poll(&format!(
            "room=a&room=b&wait=0.1&cursor={}",
            cursor(&answer)
        ));
        assert_eq!(
            (&empty["messages"], cursor(&empty)),
            (&json!([]), cursor(&answer))
        );
    }
);

each_store!(an_answer_that_the_client_has_is_a_304, |server| {
    server.publish_text("a", "one");
    let message = server.publish_text("b", "two");
    let tag = format!("\"{}\"", cursor(&message));
    let held = [("If-None-Match", tag.as_str())];
    for wait in ["0", "0.1"] {
        let target = format!(
            "/poll?room=a&room=b&wait={wait}&cursor={}",
            cursor(&message)
        );
        let answer = server.get_with(&target, &held);
        assert_eq!(
            (answer.status(), answer.header("etag")),
            (304, Some(tag.as_str()))
        );
    }
    server.publish_text("a", "three");
    let target = format!("/poll?room=a&room=b&cursor={}", cursor(&message));
    assert_eq!(texts(&server.get_with(&target, &held).ok()), ["three"]);
});

each_store!(
    a_gap_in_any_of_the_rooms_is_reported,
    |config| config.retention.messages = Some(4),
    |server| {
        let start = cursor(&server.poll("room=quiet&room=noise&last=0")).to_owned();
        let quiet = server.publish_text("quiet", "gone");
        let noise = server.publish_many("noise", 6);
        let of = |query: &str| server.poll(&format!("room=quiet&room=noise&{query}"));
        let answer = of(&format!("cursor={start}"));
        assert_eq!(
            (&answer["reset"], &answer["messages"]),
            (&json!("expired"), &json!(noise[2..]))
        );
        let on = of(&format!("cursor={}", cursor(&answer)));
        assert_eq!((&on["reset"], &on["messages"]), (&Value::Null, &json!([])));
        // When reading in pages, only the first page reports the gap.
        let page = of(&format!("cursor={start}&limit=1"));
        assert_eq!(
            (&page["reset"], &page["messages"]),
            (&json!("expired"), &json!([noise[2]]))
        );
        let page = of(&format!("cursor={}&limit=1", cursor(&page)));
        assert_eq!(
            (&page["reset"], &page["messages"]),
            (&Value::Null, &json!([noise[3]]))
        );
        // A gap in a room that is not read is not reported.
        server.publish_text("quiet", "kept");
        let answer = server.poll(&format!("room=quiet&room=other&cursor={}", cursor(&quiet)));
        assert_eq!(
            (&answer["reset"], texts(&answer)),
            (&Value::Null, vec!["kept".to_owned()])
        );
        let mut stream = server.stream(&format!("room=noise&room=quiet&cursor={start}"));
        stream.frame();
        assert!(
            stream
                .frame()
                .starts_with("event: reset\ndata: {\"reason\": \"expired\"}")
        );
        assert_eq!(stream.message(), noise[3]);
    }
);

each_store!(a_cursor_of_another_log_is_unknown_in_all_rooms, |server| {
    let said = [
        server.publish_text("a", "one"),
        server.publish_text("b", "two"),
    ];
    let answer = server.poll("room=a&room=b&cursor=elsewhere-7");
    assert_eq!(
        (&answer["reset"], &answer["messages"]),
        (&json!("unknown"), &json!(said))
    );
});

each_store!(sixty_four_rooms_are_read_and_no_more, |server| {
    let said: Vec<Value> = [63, 0, 31, 63]
        .map(|i| server.publish_text(&format!("r{i}"), "hello"))
        .into();
    let many = rooms(64);
    assert_eq!(server.poll(&many)["messages"], json!(said));
    let mut stream = server.stream(&many);
    assert_eq!(stream.messages(4), said);
    // A repeated room does not count twice.
    assert_eq!(
        server.poll(&format!("{many}&room=r5"))["messages"],
        json!(said)
    );
    assert_eq!(
        server.poll("room=r63&room=r63")["messages"],
        json!([said[0], said[3]])
    );
    for target in ["/poll", "/stream"] {
        let answer = server.get(&format!("{target}?{}", rooms(65)));
        answer.assert_problem_field(400, "room");
        assert_eq!(answer.json()["limit"], "rooms-per-reader");
        server
            .get(&format!("{target}?room=a&room=b+c"))
            .assert_problem_field(400, "room");
    }
    let metrics = server.get("/metrics").text();
    let counted = "poll_vs_sse_refused_total{reason=\"rooms-per-reader\"} 2";
    assert!(metrics.contains(counted), "{metrics}");
});

each_store!(
    stream_and_polls_bring_the_same_messages_while_many_publish,
    |server| {
        const EACH: usize = 40;
        let addr = server.addr();
        let publishers: Vec<_> = (0..4)
            .map(|i| {
                thread::spawn(move || -> Vec<Value> {
                    let mut connection = addr.raw();
                    let say =
                        |n: usize| publish_text(&mut connection, &format!("r{}", (i + n) % 5), "x");
                    (0..EACH).map(say).collect()
                })
            })
            .collect();
        let all = rooms(5);
        let streaming = thread::spawn({
            let query = format!("{all}&last=1000");
            move || addr.stream(&query).messages(4 * EACH)
        });
        let mut polled: Vec<Value> = Vec::new();
        let mut query = format!("{all}&last=1000");
        while polled.len() < 4 * EACH {
            let answer = server.poll(&format!("{query}&limit=7&wait=5"));
            polled.extend(answer["messages"].as_array().expect("a list").clone());
            query = format!("{all}&cursor={}", cursor(&answer));
        }
        let published = publishers
            .into_iter()
            .flat_map(|it| it.join().expect("published"));
        let mut published: Vec<Value> = published.collect();
        published.sort_by_key(|message| message["id"].as_u64());
        assert_eq!(polled, published);
        assert_eq!(streaming.join().expect("streamed"), published);
    }
);

#[test]
fn the_reader_is_present_in_each_of_its_rooms() {
    let server = Server::memory();
    let present = |room: &str| {
        let answer = server.get(&format!("/presence?room={room}")).ok();
        answer["present"].as_array().expect("a list").len()
    };
    let mut stream = server.stream("room=a&room=b&client=me&presence=1");
    let mut told = Vec::new();
    while told.len() < 2 {
        if let Some(data) = stream.frame().strip_prefix("event: presence\ndata: ") {
            let event: Value = serde_json::from_str(data).expect("JSON");
            assert_eq!(event["present"][0]["client"], "me");
            told.push(event["room"].as_str().expect("a room").to_owned());
        }
    }
    told.sort();
    assert_eq!(told, ["a", "b"]);
    assert_eq!(["a", "b", "c"].map(present), [1, 1, 0]);
    let polled = server.poll("room=b&room=c&client=you&presence=1");
    let rooms = polled["presence"].as_array().expect("one for each room");
    let of = rooms
        .iter()
        .map(|it| (it["room"].as_str(), it["count"].as_u64()));
    assert_eq!(
        of.collect::<Vec<_>>(),
        [(Some("b"), Some(2)), (Some("c"), Some(1))]
    );
    drop(stream);
    eventually("the reader leaves its rooms", || {
        present("a") == 0 && present("b") == 1
    });
}

#[test]
fn log_lines_and_the_ledger_have_all_rooms_of_a_request() {
    let server = Server::with(StoreKind::Memory, |config| config.request_log = true);
    server.poll("room=b&room=a&room=b&client=me");
    server
        .lines
        .with(1, &["transport=poll", "room=b,a", "client=me"]);
    drop(server.stream("room=a&room=c&client=me"));
    server
        .lines
        .with(1, &["closed", "transport=stream", "room=a,c"]);
    assert_eq!(server.client_cost("me", "poll")["requests"], 1);
    assert_eq!(server.client_cost("me", "stream")["requests"], 1);
    server.poll("room=a&room=c&client=me&trace=1");
    let trace = server.get("/trace?client=me").ok();
    assert!(
        trace["events"].as_array().is_some_and(|it| !it.is_empty()),
        "{trace}"
    );
}

#[test]
fn a_token_must_allow_every_room() {
    let directory = tempfile::tempdir().expect("a directory");
    let secret = "a secret of more than thirty-two bytes";
    let path = directory.path().join("secret");
    fs::write(&path, secret).expect("written");
    let server = Server::with(StoreKind::Memory, |config| {
        config.access.jwt = Some(JwtRules {
            keys: KeySource::Secret(path),
            audience: None,
            issuer: None,
        });
    });
    let signer = Signer::secret(secret);
    let get = |target: &str, rooms: Value| {
        let authorization = format!("Bearer {}", signer.token(&rooms));
        server.get_with(target, &[("Authorization", &authorization)])
    };
    let some = || json!({"read": ["a", "team-*"]});
    for target in [
        "/poll?room=a&room=team-1",
        "/poll?room=team-1&room=team-2&wait=0.05",
    ] {
        assert_eq!(get(target, some()).status(), 200, "{target}");
    }
    for target in [
        "/poll?room=a&room=secret",
        "/stream?room=team-1&room=secret&room=a",
    ] {
        let answer = get(target, some());
        answer.assert_problem_field(403, "room");
        let detail = answer.json()["detail"].to_string();
        assert!(detail.contains("secret"), "{detail}");
    }
    // A client's figures need a token that may read all of its rooms.
    get("/poll?room=a&room=team-1&client=me", some()).ok();
    assert_eq!(
        get("/ledger?client=me", json!({"read": ["a"]})).status(),
        404
    );
    assert_eq!(get("/ledger?client=me", some()).status(), 200);
}

#[test]
fn idle_readers_of_several_rooms_end_with_the_server() {
    let mut server = Server::memory();
    let mut stream = server.stream("room=a&room=b");
    let mut connection = server.raw();
    connection.send(request("GET", "/poll?room=a&room=b&wait=60", &[], b""));
    eventually("the long-poll waits", || {
        server.cost("long-poll")["open"] == 1
    });
    let started = std::time::Instant::now();
    server.stop();
    assert!(started.elapsed() < Duration::from_secs(2));
    while stream.next().is_some() {}
    connection.answer("GET").expect("an answer").ok();
}
