//! Who is in a room: `GET /presence`, `event: presence`, `presence=1`.

use serde_json::{Value, json};

use crate::support::{
    client::{JSON, TestClient, cursor},
    events::Events,
    eventually,
    response::Response,
    server::{Server, StoreKind},
};

fn present(server: &Server, room: &str) -> Vec<(String, String)> {
    let answer = server.get(&format!("/presence?room={room}")).ok();
    assert_eq!(answer["room"], room);
    let present = answer["present"].as_array().expect("a list");
    assert_eq!(answer["count"], present.len());
    assert_eq!(answer["scope"], "server");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let who = present.iter().map(|reader| {
        assert!(text(&reader["since"]).ends_with('Z'));
        (text(&reader["client"]), text(&reader["transport"]))
    });
    who.collect()
}

fn member(client: &str, transport: &str) -> (String, String) {
    (client.to_owned(), transport.to_owned())
}

/// The next presence event's data.
fn next_presence(stream: &mut Events) -> Value {
    loop {
        let frame = stream.frame();
        if let Some(data) = frame.strip_prefix("event: presence\ndata: ") {
            return serde_json::from_str(data).expect("JSON");
        }
    }
}

/// Reads until an event names exactly these clients.
fn wait_for_presence(stream: &mut Events, clients: &[&str]) -> Value {
    loop {
        let event = next_presence(stream);
        let present = event["present"].as_array().expect("a list");
        let names = present.iter().map(|reader| reader["client"].as_str());
        if names.collect::<Option<Vec<_>>>().as_deref() == Some(clients) {
            return event;
        }
    }
}

#[test]
fn a_poll_of_several_rooms_lists_as_many_readers_as_one_room() {
    let server = Server::memory();
    let mut connection = server.raw();
    for number in 0..150 {
        let query = format!("room=den&room=hall&client=reader-{number}&last=0");
        connection.get(&format!("/poll?{query}")).ok();
    }
    let answer = connection.get("/poll?room=den&room=hall&presence=1&last=0");
    let answer = answer.ok();
    for room in answer["presence"].as_array().expect("two rooms") {
        assert_eq!(room["count"], 150);
        assert_eq!(room["present"].as_array().map(Vec::len), Some(100));
    }
}

#[test]
fn a_stream_is_present_as_long_as_its_connection() {
    let server = Server::memory();
    assert_eq!(present(&server, "den"), []);
    let mut first = server.stream("room=den&client=a&author=Mina&presence=1");
    let event = wait_for_presence(&mut first, &["a"]);
    assert_eq!(event["present"][0]["author"], "Mina");
    assert_eq!(event["present"][0]["transport"], "stream");
    let second = server.stream("room=den&client=b");
    wait_for_presence(&mut first, &["a", "b"]);
    assert_eq!(
        present(&server, "den"),
        [member("a", "stream"), member("b", "stream")]
    );
    drop(second);
    wait_for_presence(&mut first, &["a"]);
    assert_eq!(present(&server, "den"), [member("a", "stream")]);
    assert_eq!(present(&server, "lobby"), []);
}

#[test]
fn a_poller_has_left_when_it_missed_two_of_its_intervals() {
    let server = Server::memory();
    let mut watching = server.stream("client=w&presence=1");
    server.poll("client=p&interval=0.1&author=%ED%95%9C");
    let event = wait_for_presence(&mut watching, &["w", "p"]);
    assert_eq!(event["present"][1]["author"], "한");
    assert_eq!(event["present"][1]["transport"], "poll");
    wait_for_presence(&mut watching, &["w"]);
    eventually("the client is gone", || {
        present(&server, "lobby").len() == 1
    });
}

#[test]
fn a_long_poller_is_present_while_it_waits_and_between_its_requests() {
    let server = Server::memory();
    let mut connection = server.raw();
    connection.get("/poll?client=l&wait=0.01&last=0").ok();
    assert_eq!(present(&server, "lobby"), [member("l", "long-poll")]);
    drop(connection);
    eventually("the client is gone", || {
        present(&server, "lobby").is_empty()
    });
}

#[test]
fn a_client_that_switches_transport_is_present_once() {
    let server = Server::memory();
    server.poll("client=s");
    assert_eq!(present(&server, "lobby"), [member("s", "poll")]);
    let stream = server.stream("client=s");
    assert_eq!(present(&server, "lobby"), [member("s", "stream")]);
    drop(stream);
    eventually("the client is gone", || {
        present(&server, "lobby").is_empty()
    });
    server.poll("client=s&wait=0.01&last=0");
    assert_eq!(present(&server, "lobby"), [member("s", "long-poll")]);
}

#[test]
fn a_client_that_publishes_with_its_label_is_listed_by_author() {
    let server = Server::memory();
    let mut stream = server.stream("client=a&presence=1");
    assert_eq!(
        wait_for_presence(&mut stream, &["a"])["present"][0]["author"],
        Value::Null
    );
    let draft = json!({"author": "mina", "text": "hello"}).to_string();
    let target = "/messages?client=a";
    let answer = server.raw().ask("POST", target, &[JSON], draft.as_bytes());
    assert_eq!(answer.status(), 201, "{}", answer.text());
    assert_eq!(next_presence(&mut stream)["present"][0]["author"], "mina");
    assert_eq!(server.client_cost("a", "publish")["messages"], 1);
    let refused = server
        .raw()
        .ask("POST", "/messages?client=a.b", &[JSON], draft.as_bytes());
    refused.assert_problem_field(400, "client");
}

#[test]
fn polls_get_presence_if_they_ask_for_it() {
    let server = Server::memory();
    assert_eq!(server.poll("client=p").get("presence"), None);
    let answer = server.poll("client=p&presence=1");
    assert_eq!(answer["presence"]["count"], 1);
    assert_eq!(answer["presence"]["present"][0]["client"], "p");
    let quiet = format!("/poll?cursor={}&presence=1", cursor(&answer));
    let tag = format!("\"{}\"", cursor(&answer));
    let again = server.get_with(&quiet, &[("If-None-Match", &tag)]).ok();
    assert_eq!(again["presence"]["count"], 1);
}

#[test]
fn streams_get_presence_only_if_they_ask_for_it() {
    let server = Server::memory();
    let mut labelled = server.stream("last=0&client=d");
    let mut nameless = server.stream("last=0");
    let mut asking = server.stream("last=0&presence=1");
    let _other = server.stream("client=o");
    wait_for_presence(&mut asking, &["d", "o"]);
    server.publish_text("lobby", "hello");
    for stream in [&mut labelled, &mut nameless] {
        assert_eq!(stream.frame(), "retry: 1000\n\n");
        assert!(stream.frame().starts_with("id: "));
    }
}

fn put_along(server: &Server, report: &Value) -> Response {
    let body = report.to_string();
    server
        .raw()
        .ask("PUT", "/presence/along", &[JSON], body.as_bytes())
}

#[test]
fn clients_that_share_a_stream_are_present_while_it_is_open() {
    let server = Server::memory();
    let along = |of: &str, along: Value| put_along(&server, &json!({"client": of, "along": along}));
    assert_eq!(along("a", json!([])).status(), 404);
    let mut stream = server.stream("client=a&presence=1");
    let other = server.stream("client=o");
    // Its reader has caught up by a poll.
    server.poll("client=b");
    let two = json!([{"client": "b", "author": "mina"}, {"client": "c"}, {"client": "o"}]);
    assert_eq!(along("a", two).status(), 204);
    let event = wait_for_presence(&mut stream, &["a", "o", "b", "c"]);
    let reader = |at: usize| &event["present"][at];
    assert_eq!(reader(2)["transport"], "stream");
    assert_eq!(reader(2)["through"], "a");
    assert_eq!(reader(2)["author"], "mina");
    // A client with its own stream is listed as reading by that.
    assert_eq!(reader(1).get("through"), None);

    assert_eq!(along("a", json!([{"client": "c"}])).status(), 204);
    wait_for_presence(&mut stream, &["a", "o", "c"]);
    // It moves to another client's stream, and does not leave when the former one ends.
    assert_eq!(along("o", json!([{"client": "c"}])).status(), 204);
    drop(stream);
    eventually("its former stream is gone", || {
        present(&server, "lobby") == [member("o", "stream"), member("c", "stream")]
    });
    drop(other);
    eventually("all are gone", || present(&server, "lobby").is_empty());
}

#[test]
fn a_report_of_clients_that_share_a_stream_is_checked() {
    let server = Server::memory();
    let _stream = server.stream("client=a");
    let refused =
        |body: Value, field: &str| put_along(&server, &body).assert_problem_field(422, field);
    refused(json!({"client": "a.b", "along": []}), "client");
    refused(json!({"client": "a", "along": [], "room": "a b"}), "room");
    refused(json!({"client": "a", "along": [{"client": ""}]}), "along");
    refused(
        json!({"client": "a", "along": [{"client": "b", "author": " "}]}),
        "along",
    );
    let many: Vec<_> = (0..33)
        .map(|i| json!({"client": format!("c{i}")}))
        .collect();
    refused(json!({"client": "a", "along": many}), "along");
    refused(json!({"client": "a", "along": [], "more": 1}), "more");
    refused(json!({"client": "a"}), "along");
    refused(json!({"client": "a", "along": "b"}), "along");
    refused(json!({"along": []}), "client");
    refused(json!({"client": 1, "along": []}), "client");
    refused(json!({"client": "a", "along": [{"author": "b"}]}), "along");
    refused(
        json!({"client": "a", "along": [{"client": "b", "more": "c"}]}),
        "along",
    );
    assert_eq!(put_along(&server, &json!([])).status(), 422);
}

#[test]
fn more_readers_than_are_listed_are_counted() {
    let server = Server::memory();
    let mut connection = server.raw();
    for i in 0..250 {
        connection.get(&format!("/poll?client=c{i}")).ok();
    }
    let answer = server.get("/presence").ok();
    assert_eq!(answer["count"], 250);
    assert_eq!(answer["present"].as_array().expect("a list").len(), 200);
    assert_eq!(answer["present"][0]["client"], "c0");
}

#[test]
fn one_client_leaves_places_for_others() {
    let server = Server::with(StoreKind::Memory, |config| {
        config.limits.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    });
    let poll = |address: &str, query: &str| {
        let headers = [("X-Forwarded-For", address)];
        let answer = server.get_with(&format!("/poll?last=0&interval=300&{query}"), &headers);
        assert_eq!(answer.status(), 200);
    };
    let rooms: String = (0..64).map(|room| format!("&room=r{room}")).collect();
    // More than half of all places.
    for reader in 0..160 {
        poll("192.0.2.1", &format!("client=c{reader}{rooms}"));
    }
    poll("192.0.2.1", "room=den&client=late");
    assert_eq!(present(&server, "den"), []);
    poll("192.0.2.2", "room=den&client=other");
    assert_eq!(present(&server, "den"), [member("other", "poll")]);
}

#[test]
fn an_invalid_room_is_refused() {
    let server = Server::memory();
    server
        .get("/presence?room=a+b")
        .assert_problem_field(400, "room");
    server
        .get("/poll?author=%00")
        .assert_problem_field(400, "author");
    server
        .get("/poll?interval=0")
        .assert_problem_field(400, "interval");
    server
        .get("/stream?presence=2")
        .assert_problem_field(400, "presence");
}

#[test]
fn a_poll_may_ask_for_its_connection_to_be_closed() {
    let server = Server::memory();
    let mut connection = server.raw();
    let answer = connection.get("/poll?client=c&connection=close");
    assert_eq!(answer.header("connection"), Some("close"));
    connection.read_until_closed().expect("closes");
    server.get("/poll?client=c&connection=close").ok();
    assert_eq!(server.client_cost("c", "poll")["connections"], 2);
    server
        .get("/poll?connection=open")
        .assert_problem_field(400, "connection");
}
