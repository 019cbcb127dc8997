//! `GET /ledger`: what is counted, and for which client.

use serde_json::{Value, json};

use crate::support::{
    client::{JSON, TestClient as _, cursor},
    each_store, eventually,
    raw_connection::request,
    server::Server,
};

const TRANSPORTS: [&str; 4] = ["poll", "long-poll", "stream", "publish"];

/// Some figures of a transport, by name.
fn figures<const N: usize>(of: &Value, names: [&str; N]) -> [u64; N] {
    names.map(|name| {
        of[name]
            .as_u64()
            .unwrap_or_else(|| panic!("no {name}: {of}"))
    })
}

const SHORT: [&str; 4] = ["requests", "empty", "messages", "connections"];

each_store!(the_ledger_has_the_contracts_form, |server| {
    let response = server.get("/ledger");
    let ledger = response.ok();
    let fields: Vec<&String> = ledger.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["since", "now", "transports", "scope"]);
    assert!(
        ledger["since"]
            .as_str()
            .is_some_and(|since| since.ends_with('Z'))
    );
    let transports = ledger["transports"].as_object().expect("an object");
    assert_eq!(transports.keys().collect::<Vec<_>>(), TRANSPORTS);
    for figures in transports.values() {
        let names: Vec<&String> = figures.as_object().expect("an object").keys().collect();
        let expected = [
            "requests",
            "empty",
            "messages",
            "wire_bytes_in",
            "wire_bytes_out",
            "connection_bytes_in",
            "connection_bytes_out",
            "connections",
            "open",
            "protocols",
        ];
        assert_eq!(names, expected);
        assert!(
            figures
                .as_object()
                .expect("an object")
                .values()
                .all(|n| *n == 0 || *n == json!({}))
        );
    }
});

#[test]
fn figures_are_split_by_protocol() {
    let server = Server::memory();
    server.publish_text("lobby", "hello");
    server.poll("client=ada");
    for ledger in [
        server.get("/ledger").ok(),
        server.get("/ledger?client=ada").ok(),
    ] {
        let mut poll = ledger["transports"]["poll"].clone();
        let protocols = poll["protocols"].take();
        assert_eq!(protocols["http/1.1"]["requests"], 1);
        for (name, figure) in protocols["http/1.1"].as_object().expect("an object") {
            assert_eq!(poll[name], *figure, "{name} is the sum over all protocols");
        }
        assert_eq!(protocols.as_object().map(serde_json::Map::len), Some(1));
    }
}

each_store!(
    each_transport_counts_its_requests_answers_and_messages,
    |server| {
        let mut publisher = server.raw();
        for i in 0..5 {
            crate::support::client::publish_text(&mut publisher, "lobby", &i.to_string());
        }
        publisher
            .ask("POST", "/messages", &[JSON], b"{}")
            .problem(422);
        assert_eq!(figures(&server.cost("publish"), SHORT), [6, 1, 5, 1]);

        let mut poller = server.raw();
        let place = cursor(&poller.get("/poll?last=3").ok()).to_owned();
        poller.get(&format!("/poll?cursor={place}")).ok();
        let tag = format!("\"{place}\"");
        let target = format!("/poll?cursor={place}");
        poller.ask("GET", &target, &[("If-None-Match", &tag)], b"");
        poller.get("/poll?cursor=x").problem(400);
        assert_eq!(figures(&server.cost("poll"), SHORT), [4, 3, 3, 1]);

        let mut waiter = server.raw();
        waiter.get("/poll?last=2&wait=5").ok();
        waiter.get(&format!("/poll?cursor={place}&wait=0.01")).ok();
        assert_eq!(figures(&server.cost("long-poll"), SHORT), [2, 1, 2, 1]);

        let mut stream = server.stream("last=4");
        stream.messages(4);
        let quiet = server.stream("room=quiet");
        assert_eq!(figures(&server.cost("stream"), SHORT), [2, 0, 4, 2]);
        drop((stream, quiet));
        eventually("the streams are closed", || {
            server.cost("stream")["open"] == 0
        });
        assert_eq!(figures(&server.cost("stream"), SHORT), [2, 1, 4, 2]);
    }
);

each_store!(
    a_repeated_publish_is_counted_as_one_that_appended_nothing,
    |server| {
        let headers = [JSON, ("Idempotency-Key", "k")];
        for _ in 0..3 {
            server.post(r#"{"author":"m","text":"x"}"#, &headers);
        }
        assert_eq!(figures(&server.cost("publish"), SHORT), [3, 2, 1, 3]);
    }
);

each_store!(a_client_has_its_own_figures, |server| {
    let place = cursor(&server.publish_text("lobby", "hello")).to_owned();
    server
        .get("/ledger?client=ada")
        .assert_problem_field(404, "client");
    server.poll("client=ada");
    server.poll(&format!("client=ada&cursor={place}"));
    server.poll("client=bob");
    let mut stream = server.stream("client=ada");
    stream.message();
    assert_eq!(
        figures(&server.client_cost("ada", "poll"), SHORT),
        [2, 1, 1, 2]
    );
    assert_eq!(
        figures(&server.client_cost("ada", "stream"), SHORT),
        [1, 0, 1, 1]
    );
    assert_eq!(server.client_cost("ada", "stream")["open"], 1);
    assert_eq!(
        figures(&server.client_cost("bob", "poll"), SHORT),
        [1, 0, 1, 1]
    );
    assert_eq!(
        figures(&server.client_cost("bob", "stream"), SHORT),
        [0, 0, 0, 0]
    );
    assert_eq!(figures(&server.cost("poll"), SHORT), [3, 1, 2, 3]);
    drop(stream);
    eventually("open falls", || {
        server.client_cost("ada", "stream")["open"] == 0
    });
});

#[test]
fn an_invalid_client_label_is_400_and_an_unknown_one_is_404() {
    let server = Server::memory();
    for label in ["", "a.b", "%ff", "a+b", &"c".repeat(65)] {
        server
            .get(&format!("/ledger?client={label}"))
            .assert_problem_field(400, "client");
    }
    server
        .get("/ledger?client=nobody")
        .assert_problem_field(404, "client");
    server
        .get("/ledger?client=nobody")
        .assert_problem_field(404, "client");
}

each_store!(
    open_counts_connections_and_falls_when_they_close,
    |server| {
        let mut polling = server.raw();
        polling.get("/poll");
        polling.get("/poll");
        let mut waiting = server.raw();
        waiting.send(request("GET", "/poll?wait=60&room=quiet", &[], b""));
        eventually("the long-poll waits", || {
            server.cost("long-poll")["open"] == 1
        });
        let streams = [server.stream(""), server.stream("")];
        assert_eq!(server.cost("poll")["open"], 1);
        assert_eq!(server.cost("stream")["open"], 2);
        drop((polling, waiting, streams));
        for transport in ["poll", "long-poll", "stream"] {
            eventually("open falls", || server.cost(transport)["open"] == 0);
        }
    }
);

each_store!(
    a_connection_counts_as_open_for_its_last_transport,
    |server| {
        let mut connection = server.raw();
        connection.get("/poll?client=ada");
        connection.get("/poll?client=ada&wait=0.01");
        assert_eq!(server.client_cost("ada", "poll")["open"], 0);
        assert_eq!(server.client_cost("ada", "long-poll")["open"], 1);
        connection.get("/poll?client=bob");
        assert_eq!(server.client_cost("ada", "long-poll")["open"], 0);
        assert_eq!(server.client_cost("bob", "poll")["open"], 1);
        let connections: u64 = ["poll", "long-poll"]
            .map(|transport| {
                server.cost(transport)["connections"]
                    .as_u64()
                    .expect("a count")
            })
            .iter()
            .sum();
        assert_eq!(connections, 1, "one TCP connection was opened");
    }
);

#[test]
fn requests_to_other_routes_are_not_counted() {
    let server = Server::memory();
    for target in ["/", "/ledger", "/metrics", "/healthz", "/readyz", "/nope"] {
        server.get(target);
    }
    let transports = &server.get("/ledger").ok()["transports"];
    for transport in TRANSPORTS {
        assert_eq!(
            figures(&transports[transport], ["requests", "wire_bytes_in"]),
            [0, 0]
        );
    }
}

/// With far more labels than the ledger keeps, the oldest are forgotten and the totals remain.
#[test]
fn the_number_of_labels_is_bounded() {
    const LABELS: usize = 21_000;
    let server = Server::memory();
    server.poll("client=first");
    let mut connection = server.raw();
    for start in (0..LABELS).step_by(500) {
        let requests: Vec<u8> = (start..start + 500)
            .flat_map(|i| request("GET", &format!("/poll?last=0&client=c{i}"), &[], b""))
            .collect();
        connection.send(requests);
        for _ in 0..500 {
            connection.answer("GET").expect("an answer").ok();
        }
    }
    server
        .get("/ledger?client=first")
        .assert_problem_field(404, "client");
    let last = format!("c{}", LABELS - 1);
    assert_eq!(server.client_cost(&last, "poll")["requests"], 1);
    assert_eq!(server.cost("poll")["requests"], json!(LABELS + 1));
}
