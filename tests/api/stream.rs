//! `GET /stream`: where a reader starts, and how it resumes.

use serde_json::{Value, json};

use crate::support::{
    TEST_TIMEOUT,
    client::{TestClient as _, cursor},
    each_store,
    events::{Events, message_of},
    eventually,
    raw_connection::request,
    server::{Server, StoreKind},
};

each_store!(a_stream_starts_as_a_poll_does, |server| {
    let messages = server.publish_many("lobby", 60);
    assert_eq!(server.stream("").messages(50), messages[10..]);
    assert_eq!(server.stream("last=2").messages(2), messages[58..]);
    let after = cursor(&messages[56]);
    assert_eq!(
        server.stream(&format!("cursor={after}")).messages(3),
        messages[57..]
    );
    let mut live = server.stream("last=0");
    assert_eq!(live.frame(), "retry: 1000\n\n");
    let next = server.publish_text("lobby", "next");
    assert_eq!(live.message(), next);
});

each_store!(last_event_id_wins_over_the_cursor, |server| {
    let messages = server.publish_many("lobby", 4);
    let target = format!("/stream?cursor={}&last=4", cursor(&messages[0]));
    let header = ("Last-Event-ID", cursor(&messages[2]));
    assert_eq!(
        Events::open(server.raw(), &target, &[header]).message(),
        messages[3]
    );
    let empty = ("Last-Event-ID", "");
    assert_eq!(
        Events::open(server.raw(), &target, &[empty]).messages(3),
        messages[1..]
    );
});

each_store!(a_stream_carries_its_room_only, |server| {
    let mut den = server.stream("room=den");
    let mut lobby = server.stream("");
    den.frame();
    lobby.frame();
    let mut expected = Vec::new();
    for i in 0..20 {
        server.publish_text("lobby", &format!("noise {i}"));
        expected.push(server.publish_text("den", &i.to_string()));
    }
    assert_eq!(den.messages(20), expected);
    assert_eq!(lobby.messages(20).len(), 20);
});

each_store!(a_burst_reaches_every_stream_in_order, |server| {
    let mut streams: Vec<Events> = (0..10).map(|_| server.stream("last=0")).collect();
    for stream in &mut streams {
        stream.frame();
    }
    let expected = server.publish_many("lobby", 300);
    for mut stream in streams {
        assert_eq!(stream.messages(300), expected);
    }
});

each_store!(a_history_longer_than_a_page_arrives_completely, |server| {
    let start = cursor(&server.poll("last=0")).to_owned();
    let text = "語".repeat(3000);
    let expected: Vec<Value> = (0..50)
        .map(|i| server.publish_text("lobby", &format!("{i} {text}")))
        .collect();
    assert_eq!(
        server.stream(&format!("cursor={start}")).messages(50),
        expected
    );
    assert_eq!(server.stream("last=1000").messages(50), expected);
});

/// Reads `cut` bytes of a stream's body, then resumes from the last whole frame, as a browser
/// does.
fn cut_and_resume(server: &Server, cut: usize, start: &str, expected: &[Value]) {
    let mut first = server.stream(&format!("cursor={start}"));
    while first.text.len() < cut {
        first.read_more().expect("frames");
    }
    first.text.truncate(cut);
    first.ended = true;
    let mut got = Vec::new();
    let mut last_id = None;
    while let Some(frame) = first.next_whole() {
        if let Some(message) = message_of(&frame) {
            last_id = Some(cursor(&message).to_owned());
            got.push(message);
        }
    }
    drop(first);
    let target = format!("/stream?cursor={start}");
    let header = last_id.as_ref().map(|id| ("Last-Event-ID", id.as_str()));
    let mut second = Events::open(server.raw(), &target, header.as_slice());
    got.extend(second.messages(expected.len() - got.len()));
    assert_eq!(got, expected, "cut at {cut}");
}

each_store!(a_stream_cut_at_any_byte_resumes_exactly, |server| {
    let start = cursor(&server.poll("last=0")).to_owned();
    let expected = server.publish_many("lobby", 3);
    let frames: usize = expected
        .iter()
        .map(|message| format!("id: {}\ndata: {message}\n\n", cursor(message)).len())
        .sum();
    for cut in 0..="retry: 1000\n\n".len() + frames {
        cut_and_resume(server, cut, &start, &expected);
    }
});

#[test]
fn a_bad_last_event_id_is_400() {
    let server = Server::memory();
    for id in ["x", "17", "abc-", "k\u{e9}-1", "a b-1"] {
        let answer = server.get_with("/stream", &[("Last-Event-ID", id)]);
        answer.assert_problem_field(400, "Last-Event-ID");
    }
}

#[test]
fn many_streams_over_two_workers_all_get_everything() {
    let server = Server::with(StoreKind::Memory, |config| config.workers = 2);
    let mut streams: Vec<Events> = (0..100).map(|_| server.stream("last=0")).collect();
    for stream in &mut streams {
        stream.connection.read_timeout(TEST_TIMEOUT);
        stream.frame();
    }
    std::thread::scope(|scope| {
        for author in 0..4 {
            let server = &server;
            scope.spawn(move || {
                let mut connection = server.raw();
                for i in 0..25 {
                    crate::support::client::publish_text(
                        &mut connection,
                        "lobby",
                        &format!("{author}.{i}"),
                    );
                }
            });
        }
    });
    let expected = server.poll("last=1000&limit=1000")["messages"].clone();
    for mut stream in streams {
        assert_eq!(json!(stream.messages(100)), expected);
    }
}

#[test]
fn answers_before_a_stream_on_its_connection_come_first() {
    let server = Server::memory();
    let message = server.publish_text("lobby", "hello");
    let mut connection = server.raw();
    let poll = request("GET", "/poll", &[], b"");
    let stream = request("GET", "/stream", &[], b"");
    connection.send([poll.clone(), poll, stream].concat());
    for _ in 0..2 {
        let answer = connection.answer("GET").expect("an answer").ok();
        assert_eq!(answer["messages"], json!([message]));
    }
    let mut stream = Events::from_response(connection);
    assert_eq!(stream.message(), message);
}

#[test]
fn a_stream_after_a_long_poll_on_its_connection_waits_for_it() {
    let server = Server::memory();
    let mut connection = server.raw();
    connection.send(request("GET", "/poll?wait=60", &[], b""));
    connection.send(request("GET", "/stream", &[], b""));
    eventually("the long-poll waits", || {
        server.cost("long-poll")["open"] == 1
    });
    let message = server.publish_text("lobby", "hello");
    let answer = connection.answer("GET").expect("an answer").ok();
    assert_eq!(answer["messages"], json!([message]));
    assert_eq!(Events::from_response(connection).message(), message);
}

#[test]
fn bytes_that_a_client_sends_on_an_open_stream_are_ignored() {
    let server = Server::memory();
    let mut stream = server.stream("");
    stream.frame();
    stream
        .connection
        .send(request("GET", "/poll", &[], b"").repeat(5));
    stream.connection.send(vec![b'x'; 100_000]);
    let message = server.publish_text("lobby", "hello");
    assert_eq!(stream.message(), message);
    assert_eq!(server.cost("poll")["requests"], 0);
}

#[test]
fn a_stream_request_may_have_a_body() {
    let server = Server::memory();
    let message = server.publish_text("lobby", "hello");
    let mut stream = Events::open(server.raw(), "/stream", &[("Content-Length", "10")]);
    assert_eq!(stream.message(), message);
    stream.connection.send("0123456789");
    let next = server.publish_text("lobby", "next");
    assert_eq!(stream.message(), next);
    drop(stream);
    eventually("the stream is closed", || {
        server.cost("stream")["open"] == 0
    });
}
