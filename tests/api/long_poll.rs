//! `GET /poll?wait=…`: an answer as soon as there is a message.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{
    client::{TestClient, cursor, texts},
    each_store, eventually,
    raw_connection::{RawConnection, request},
    server::Server,
};

/// Sends a long-poll and returns once the server counts it as waiting.
fn waiting_long_poll(server: &Server, query: &str) -> RawConnection {
    let open = |server: &Server| server.cost("long-poll")["open"].as_u64().expect("a count");
    let before = open(server);
    let mut connection = server.raw();
    connection.send(request("GET", &format!("/poll?{query}"), &[], b""));
    eventually("the long-poll waits", || open(server) == before + 1);
    connection
}

each_store!(
    a_long_poll_answers_at_once_if_there_is_a_message,
    |server| {
        server.publish_text("lobby", "here");
        let began = Instant::now();
        assert_eq!(texts(&server.poll("wait=60")), ["here"]);
        assert!(began.elapsed() < Duration::from_secs(5));
    }
);

each_store!(
    a_long_poll_answers_as_soon_as_a_message_is_published,
    |server| {
        let place = cursor(&server.publish_text("lobby", "old")).to_owned();
        let mut connection = waiting_long_poll(server, &format!("wait=60&cursor={place}"));
        server.publish_text("elsewhere", "noise");
        let news = server.publish_text("lobby", "news");
        let answer = connection.answer("GET").expect("an answer").ok();
        assert_eq!(
            answer,
            json!({"messages": [news], "cursor": news["cursor"], "more": false, "reset": null})
        );
    }
);

each_store!(a_long_poll_is_empty_after_its_wait, |server| {
    let place = cursor(&server.publish_text("lobby", "old")).to_owned();
    for (wait, least) in [("0.3", 300), (".05", 50), ("1", 1000)] {
        let began = Instant::now();
        let answer = server.poll(&format!("wait={wait}&cursor={place}"));
        let took = began.elapsed();
        assert_eq!(answer["messages"], json!([]));
        assert_eq!(answer["cursor"], place);
        assert!(took >= Duration::from_millis(least), "{wait}: {took:?}");
        assert!(took < Duration::from_secs(5), "{wait}: {took:?}");
    }
});

each_store!(
    a_long_poll_without_a_cursor_waits_for_the_first_message,
    |server| {
        let mut connection = waiting_long_poll(server, "wait=60&room=new");
        server.publish_text("new", "first");
        assert_eq!(
            texts(&connection.answer("GET").expect("an answer").ok()),
            ["first"]
        );
        let mut connection = waiting_long_poll(server, "wait=60&room=new&last=0");
        server.publish_text("new", "second");
        assert_eq!(
            texts(&connection.answer("GET").expect("an answer").ok()),
            ["second"]
        );
    }
);

each_store!(a_message_wakes_every_long_poll_of_its_room, |server| {
    let place = cursor(&server.poll("room=den")).to_owned();
    let mut wires: Vec<RawConnection> = (0..20)
        .map(|_| waiting_long_poll(server, &format!("room=den&wait=60&cursor={place}")))
        .collect();
    server.publish_text("den", "all");
    for connection in &mut wires {
        assert_eq!(
            texts(&connection.answer("GET").expect("an answer").ok()),
            ["all"]
        );
    }
});

each_store!(long_polls_in_a_row_miss_nothing, |server| {
    let start = cursor(&server.poll("last=0")).to_owned();
    thread::scope(|scope| {
        scope.spawn(|| server.publish_many("lobby", 200));
        let mut connection = server.raw();
        let (mut place, mut got) = (start, Vec::new());
        while got.len() < 200 {
            let answer = connection
                .get(&format!("/poll?wait=10&limit=7&cursor={place}"))
                .ok();
            assert_ne!(answer["messages"], json!([]), "no messages after {place}");
            got.extend(texts(&answer));
            place = cursor(&answer).to_owned();
        }
        let all: Vec<String> = (1..=200).map(|n| n.to_string()).collect();
        assert_eq!(got, all);
    });
});

/// The contract allows one second for a closed tab; the test allows more, for a busy machine.
#[test]
fn a_client_that_leaves_frees_its_long_poll() {
    let server = Server::with(crate::support::server::StoreKind::Memory, |config| {
        config.request_log = true;
    });
    let closed = waiting_long_poll(&server, "wait=60&client=closed");
    let aborted = waiting_long_poll(&server, "wait=60&client=aborted");
    drop(closed);
    aborted.abort();
    eventually("both are gone", || server.cost("long-poll")["open"] == 0);
    for client in ["closed", "aborted"] {
        let line = server
            .lines
            .with(1, &["transport=long-poll", &format!("client={client}")]);
        assert!(line[0].contains("status=499"), "{line:?}");
    }
}

#[test]
fn requests_sent_while_a_long_poll_waits_are_answered_after_it() {
    let server = Server::memory();
    let mut connection = waiting_long_poll(&server, "wait=60");
    connection.send(request("GET", "/healthz", &[], b""));
    server.publish_text("lobby", "now");
    assert_eq!(
        texts(&connection.answer("GET").expect("the first").ok()),
        ["now"]
    );
    assert_eq!(connection.answer("GET").expect("the second").text(), "ok\n");
}
