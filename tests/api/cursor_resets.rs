//! Gaps: all three transports report a gap in the same way, and never skip messages silently.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    client::{TestClient as _, cursor, texts},
    each_store, eventually,
    server::Server,
};

/// The reset and the messages that each transport sends to a reader with the cursor `place`.
fn resets_after(server: &Server, place: &str) -> Vec<(String, Value)> {
    let mut resets = Vec::new();
    for wait in ["0", "30"] {
        let answer = server.poll(&format!("cursor={place}&wait={wait}"));
        let reset = answer["reset"].as_str().unwrap_or("none").to_owned();
        let next = server.poll(&format!("cursor={}", cursor(&answer)));
        assert_eq!(
            (&next["messages"], &next["reset"]),
            (&json!([]), &Value::Null),
            "goes on"
        );
        resets.push((reset, answer["messages"].clone()));
    }
    let mut stream = server.stream(&format!("cursor={place}"));
    assert_eq!(stream.frame(), "retry: 1000\n\n");
    let reset = stream.frame();
    let reason = reset
        .strip_prefix("event: reset\ndata: {\"reason\": \"")
        .and_then(|rest| rest.strip_suffix("\"}\n\n"));
    let reason = reason
        .unwrap_or_else(|| panic!("no reset: {reset}"))
        .to_owned();
    let n = resets[0].1.as_array().map_or(0, Vec::len);
    resets.push((reason, json!(stream.messages(n))));
    resets
}

fn assert_resets(server: &Server, place: &str, reason: &str, messages: &[Value]) {
    for (reset, got) in resets_after(server, place) {
        assert_eq!(
            (reset.as_str(), &got),
            (reason, &json!(messages)),
            "{place}"
        );
    }
}

each_store!(
    a_cursor_before_what_is_retained_is_expired,
    |config| config.retention.messages = Some(5),
    |server| {
        let messages = server.publish_many("lobby", 12);
        for behind in [0, 3, 5] {
            assert_resets(server, cursor(&messages[behind]), "expired", &messages[7..]);
        }
        // The first retained message comes right after this one, so nothing is missing.
        let answer = server.poll(&format!("cursor={}", cursor(&messages[6])));
        assert_eq!(answer["reset"], Value::Null);
        assert_eq!(answer["messages"], json!(messages[7..]));
        let answer = server.poll("last=1000");
        assert_eq!(
            (&answer["reset"], &answer["messages"]),
            (&Value::Null, &json!(messages[7..]))
        );
    }
);

each_store!(
    a_room_whose_messages_were_all_retired_is_expired_and_continues,
    |config| config.retention.messages = Some(3),
    |server| {
        let start = cursor(&server.poll("room=quiet")).to_owned();
        let only = server.publish_text("quiet", "only");
        server.publish_many("lobby", 5);
        let answer = server.poll(&format!("room=quiet&cursor={start}"));
        assert_eq!(
            (&answer["reset"], &answer["messages"]),
            (&json!("expired"), &json!([]))
        );
        let seen = server.poll(&format!("room=quiet&cursor={}", cursor(&only)));
        assert_eq!(seen["reset"], Value::Null, "this reader missed nothing");
        let mut stream = server.stream(&format!("room=quiet&cursor={start}"));
        stream.frame();
        assert!(stream.frame().starts_with("event: reset\n"));
        let next = server.publish_text("quiet", "next");
        assert_eq!(stream.message(), next);
        let on = server.poll(&format!("room=quiet&cursor={}", cursor(&answer)));
        assert_eq!(
            (&on["reset"], &on["messages"]),
            (&Value::Null, &json!([next]))
        );
    }
);

each_store!(
    retiring_messages_of_other_rooms_is_not_a_gap,
    |config| config.retention.messages = Some(3),
    |server| {
        server.publish_text("noise", "x");
        let start = cursor(&server.poll("room=quiet")).to_owned();
        server.publish_many("noise", 2);
        server.publish_text("quiet", "kept");
        server.publish_many("noise", 2);
        let answer = server.poll(&format!("room=quiet&cursor={start}"));
        assert_eq!(
            (&answer["reset"], texts(&answer)),
            (&Value::Null, vec!["kept".to_owned()])
        );
    }
);

each_store!(a_cursor_of_another_log_is_unknown, |server| {
    let messages = server.publish_many("lobby", 3);
    let (log, id) = cursor(&messages[2]).split_once('-').expect("log-id");
    let ahead = format!("{log}-{}", id.parse::<u64>().expect("a number") + 1);
    let far_ahead = format!("{log}-{}", u64::MAX);
    let other_case = format!("{}-{id}", log.to_uppercase());
    for place in [
        "other-0",
        "other-2",
        "a-18446744073709551615",
        &ahead,
        &far_ahead,
        &other_case,
    ] {
        assert_resets(server, place, "unknown", &messages);
    }
});

each_store!(
    an_unknown_cursor_in_an_empty_room_is_reported_at_once,
    |server| {
        let answer = server.poll("cursor=other-7&wait=60");
        assert_eq!(
            (&answer["reset"], &answer["messages"]),
            (&json!("unknown"), &json!([]))
        );
        let mut stream = server.stream("cursor=other-7");
        stream.frame();
        assert!(stream.frame().contains("unknown"));
        let first = server.publish_text("lobby", "first");
        assert_eq!(stream.message(), first);
        let on = server.poll(&format!("cursor={}", cursor(&answer)));
        assert_eq!(
            (&on["reset"], &on["messages"]),
            (&Value::Null, &json!([first]))
        );
    }
);

each_store!(a_reset_is_reported_although_the_tag_matches, |server| {
    let message = server.publish_text("lobby", "hello");
    let tag = format!("\"{}\"", cursor(&message));
    let answer = server.get_with("/poll?cursor=other-1", &[("If-None-Match", &tag)]);
    assert_eq!(answer.ok()["reset"], "unknown");
});

each_store!(
    a_stream_overtaken_by_retention_gets_a_reset,
    |config| {
        config.retention.messages = Some(20);
        // On a busy machine it may take long to publish that much.
        config.stall_timeout = Duration::from_secs(120);
    },
    |server| {
        let mut slow = server.stream("last=0");
        assert_eq!(slow.frame(), "retry: 1000\n\n");
        let text = "x".repeat(4000);
        // More than fits into the buffers of the two sockets.
        std::thread::scope(|scope| {
            for _ in 0..10 {
                scope.spawn(|| {
                    let mut connection = server.raw();
                    for i in 0..250 {
                        crate::support::client::publish_text(
                            &mut connection,
                            "lobby",
                            &format!("{i} {text}"),
                        );
                    }
                });
            }
        });
        slow.connection.read_timeout(Duration::from_secs(60));
        let (mut last, mut resets, mut seen) = (0, 0, 0);
        let head = server.poll("last=1")["messages"][0]["id"]
            .as_u64()
            .expect("an id");
        while last < head {
            let frame = slow.frame();
            if frame == "event: reset\ndata: {\"reason\": \"expired\"}\n\n" {
                resets += 1;
                last = 0;
                continue;
            }
            if frame == ": keep-alive\n\n" {
                // The store was slow to answer, on a busy machine.
                continue;
            }
            let message = crate::support::events::message_of(&frame)
                .unwrap_or_else(|| panic!("a message, not {frame:?}"));
            let id = message["id"].as_u64().expect("an id");
            assert!(
                last == 0 || id == last + 1,
                "a gap from {last} to {id} was not reported"
            );
            last = id;
            seen += 1;
        }
        assert!(
            resets > 0,
            "all {seen} messages fit into the sockets' buffers"
        );
        assert!(seen < 2500);
    }
);

each_store!(
    messages_are_retired_by_age,
    |config| config.retention.age = Some(Duration::from_millis(600)),
    |server| {
        let start = cursor(&server.poll("last=0")).to_owned();
        let mut live = server.stream("last=0");
        let old = server.publish_text("lobby", "old");
        assert_eq!(live.message(), old);
        eventually("the message is retired", || {
            server.poll("last=1000")["messages"] == json!([])
        });
        let answer = server.poll(&format!("cursor={start}"));
        assert_eq!(answer["reset"], "expired");
        let seen = server.poll(&format!("cursor={}", cursor(&old)));
        assert_eq!(seen["reset"], Value::Null);
        let new = server.publish_text("lobby", "new");
        assert_eq!(live.message(), new, "a reader that keeps up misses nothing");
    }
);

#[test]
fn a_restarted_memory_store_is_another_log() {
    let message = Server::memory().publish_text("lobby", "before");
    let server = Server::memory();
    let after = server.publish_text("lobby", "after");
    assert_resets(&server, cursor(&message), "unknown", &[after]);
}

each_store!(
    a_tail_too_small_for_any_message_loses_nothing,
    |config| config.tail_bytes = 1,
    |server| {
        let mut live = server.stream("last=0");
        live.frame();
        let start = cursor(&server.poll("last=0")).to_owned();
        let messages = server.publish_many("lobby", 300);
        assert_eq!(live.messages(300), messages);
        let mut place = start.clone();
        let mut got = Vec::new();
        while got.len() < 300 {
            let answer = server.poll(&format!("cursor={place}&limit=70"));
            assert_eq!(answer["reset"], Value::Null);
            got.extend(answer["messages"].as_array().expect("a list").clone());
            place = cursor(&answer).to_owned();
        }
        assert_eq!(got, messages);
        assert_eq!(
            server.stream(&format!("cursor={start}")).messages(300),
            messages
        );
        assert_eq!(server.poll("last=5")["messages"], json!(messages[295..]));
    }
);
