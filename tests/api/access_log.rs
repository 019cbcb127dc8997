//! The log lines, one for each request, as text and as JSON; and the closing table.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use poll_vs_sse_server::ledger::access_log::Format;
use serde_json::{Value, json};

use crate::support::{
    client::{JSON, TestClient as _, cursor},
    eventually,
    server::{Server, StoreKind},
};

/// A read and its log line: a target, headers, and the status and number of messages of the answer.
type LoggedRead<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);

/// A text line's fields, with its time and event as `time` and `event`.
fn fields(line: &str) -> BTreeMap<&str, &str> {
    let mut words = line.split(' ');
    let mut fields = BTreeMap::new();
    fields.insert("time", words.next().expect("a time"));
    fields.insert("event", words.next().expect("an event"));
    for word in words {
        let (name, value) = word.split_once('=').expect("name=value");
        fields.insert(name, value);
    }
    fields
}

/// The names of the events that `source` logs.
fn events_in(source: &str) -> BTreeSet<String> {
    let calls = source.split(".event(").skip(1);
    let names = calls.filter_map(|call| call.trim_start().strip_prefix('"')?.split('"').next());
    names.map(str::to_owned).collect()
}

#[test]
fn every_event_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut logged = BTreeSet::from(["log-incomplete".to_owned()]);
    let mut folders = vec![root.join("src/server")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                logged.extend(events_in(&fs::read_to_string(path).expect("a source")));
            }
        }
    }
    let api = fs::read_to_string(root.join("docs/api.md")).expect("the document");
    let row = api.lines().find(|line| line.starts_with("| `started`"));
    let names = row.expect("the row").split('|').nth(1).expect("a cell");
    let documented: BTreeSet<String> = names
        .split(',')
        .map(|name| name.trim().trim_matches('`').to_owned())
        .collect();
    assert_eq!(logged, documented);
}

fn logging_server(format: Format) -> Server {
    Server::with(StoreKind::Memory, |config| {
        config.request_log = true;
        config.log_format = format;
    })
}

#[test]
fn each_request_is_one_line_of_text() {
    let server = logging_server(Format::Text);
    let mut connection = server.raw();
    let draft = r#"{"room":"den","author":"m","text":"hello"}"#;
    let message = connection
        .ask("POST", "/messages", &[JSON], draft.as_bytes())
        .json();
    let line = server.lines.with(1, &["transport=publish"]).remove(0);
    let line = fields(&line);
    assert_eq!(line["event"], "request");
    assert!(line["time"].ends_with('Z'));
    let expected = [
        ("room", "den"),
        ("client", "-"),
        ("status", "201"),
        ("messages", "1"),
    ];
    for (name, value) in expected {
        assert_eq!(line[name], value, "{name}");
    }
    assert_eq!(line["wire_bytes_in"], connection.sent.to_string());
    assert_eq!(line["wire_bytes_out"], connection.received.to_string());
    assert!(line["duration_ms"].parse::<f64>().expect("a number") >= 0.0);

    let place = cursor(&message);
    let tag = format!("\"{place}\"");
    let asked: [LoggedRead<'_>; 5] = [
        ("/poll?room=den&client=c0", &[], "200", "1"),
        (
            &format!("/poll?room=den&client=c1&cursor={place}"),
            &[],
            "200",
            "0",
        ),
        (
            &format!("/poll?room=den&client=c2&cursor={place}"),
            &[("If-None-Match", &tag)],
            "304",
            "0",
        ),
        ("/poll?room=den&client=c3&wait=5", &[], "200", "1"),
        (
            &format!("/poll?room=den&client=c4&wait=0.01&cursor={place}"),
            &[],
            "200",
            "0",
        ),
    ];
    for (i, (target, headers, status, messages)) in asked.into_iter().enumerate() {
        let mut connection = server.raw();
        connection.ask("GET", target, headers, b"");
        let line = server.lines.with(1, &[&format!("client=c{i} ")]).remove(0);
        let line = fields(&line);
        let transport = if target.contains("wait") {
            "long-poll"
        } else {
            "poll"
        };
        assert_eq!((line["transport"], line["room"]), (transport, "den"));
        assert_eq!(
            (line["status"], line["messages"]),
            (status, messages),
            "{target}"
        );
        assert_eq!(line["wire_bytes_in"], connection.sent.to_string());
        assert_eq!(line["wire_bytes_out"], connection.received.to_string());
    }
    server.get("/poll?cursor=x").problem(400);
    let refused = server.lines.with(1, &["transport=poll", "status=400"]);
    assert!(refused[0].contains(" room=- client=- "), "{refused:?}");
    server.get("/ledger");
    server.get("/nope");
    assert_eq!(
        server.lines.with(7, &[" request "]).len(),
        7,
        "other requests have no lines"
    );
}

#[test]
fn on_a_terminal_each_request_is_one_short_line() {
    let server = logging_server(Format::Terminal);
    server.publish_text("den", "hello");
    server.poll("room=den&client=ada");
    server.get("/poll?limit=0").problem(400);
    let lines = server.lines.with(3, &[" msg "]);
    let words = |line: &str| -> Vec<String> {
        let words = line.split_whitespace().skip(1);
        words.map(str::to_owned).collect()
    };
    assert_eq!(words(&lines[0])[..4], ["publish", "201", "1", "msg"]);
    assert_eq!(words(&lines[1])[..4], ["poll", "200", "1", "msg"]);
    assert!(lines[1].ends_with(" den ada"), "{}", lines[1]);
    assert_eq!(words(&lines[2])[..2], ["poll", "400"]);
    assert!(lines.iter().all(|line| line.chars().count() <= 80));
}

#[test]
fn each_request_is_one_line_of_json() {
    let server = logging_server(Format::Json);
    server.publish_text("den", "hello");
    server.poll("room=den&client=ada");
    server.get("/poll?limit=0").problem(400);
    server.lines.with(3, &[r#""event":"request""#]);
    let lines: Vec<Value> = server
        .lines
        .all()
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let poll = lines
        .iter()
        .find(|line| line["client"] == "ada")
        .expect("the poll");
    assert_eq!(poll["transport"], "poll");
    assert_eq!(
        (&poll["room"], &poll["status"]),
        (&json!("den"), &json!(200))
    );
    assert_eq!(poll["messages"], 1);
    let figures = server.client_cost("ada", "poll");
    assert_eq!(poll["wire_bytes_in"], figures["wire_bytes_in"]);
    assert_eq!(poll["wire_bytes_out"], figures["wire_bytes_out"]);
    assert!(poll["duration_ms"].is_number());
    let refused = lines
        .iter()
        .find(|line| line["status"] == 400)
        .expect("the refused poll");
    assert_eq!(
        (&refused["room"], &refused["client"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn a_stream_has_a_line_when_it_opens_and_one_when_it_closes() {
    let server = logging_server(Format::Text);
    server.publish_many("den", 3);
    let mut stream = server.stream("room=den&client=ada&presence=0");
    stream.messages(3);
    let opened = server.lines.with(1, &["transport=stream"]).remove(0);
    let opened = fields(&opened);
    assert_eq!((opened["event"], opened["status"]), ("opened", "200"));
    assert_eq!(
        (opened["room"], opened["client"], opened["messages"]),
        ("den", "ada", "0")
    );
    server.publish_text("den", "live");
    stream.message();
    let (sent, received) = (stream.connection.sent, stream.connection.received);
    drop(stream);
    let closed = server.lines.with(1, &["closed transport=stream"]).remove(0);
    let closed = fields(&closed);
    assert_eq!((closed["event"], closed["status"]), ("closed", "200"));
    assert_eq!(
        (closed["room"], closed["client"], closed["messages"]),
        ("den", "ada", "4")
    );
    assert_eq!(closed["wire_bytes_in"], sent.to_string());
    // The server has also sent an empty comment, in a chunk; that write showed that the client is gone.
    let probe = "3\r\n:\n\n\r\n".len() as u64;
    assert_eq!(closed["wire_bytes_out"], (received + probe).to_string());
}

#[test]
fn a_refused_stream_is_an_ordinary_request_line() {
    let server = logging_server(Format::Text);
    server.get("/stream?cursor=x").problem(400);
    let line = server.lines.with(1, &["transport=stream"]).remove(0);
    assert!(
        line.contains(" request ") && line.contains(" status=400 "),
        "{line}"
    );
}

#[test]
fn without_the_request_log_there_are_no_request_lines() {
    let server = Server::memory();
    server.publish_text("lobby", "hello");
    server.poll("");
    drop(server.stream(""));
    eventually("the stream is closed", || {
        server.cost("stream")["open"] == 0
    });
    let mut server = server;
    server.stop();
    let lines = server.lines.text();
    assert!(!lines.contains(" transport="), "{lines}");
}

/// Numbers of a row of the closing table.
fn row<'a>(table: &'a str, transport: &str) -> Vec<&'a str> {
    let row = table
        .lines()
        .find(|line| line.split_whitespace().next() == Some(transport));
    row.expect("a row").split_whitespace().skip(1).collect()
}

#[test]
fn the_closing_table_has_the_ledgers_totals() {
    let mut server = Server::memory();
    let mut connection = server.raw();
    for _ in 0..1100 {
        connection.get("/poll?last=0");
    }
    server.publish_text("lobby", "hello");
    let mut stream = server.stream("");
    stream.message();
    let ledger = server.get("/ledger").ok();
    server.stop();
    assert_eq!(stream.next(), None, "the stream ends");
    let text = server.lines.text();
    let (_, table) = text
        .split_once("what each transport cost:")
        .expect("a table");
    let poll = row(table, "poll");
    assert_eq!(&poll[..3], ["1,100", "1,100", "0"]);
    let plain: Vec<String> = poll.iter().map(|cell| cell.replace(',', "")).collect();
    let figures = &ledger["transports"]["poll"];
    assert_eq!(plain[3], figures["wire_bytes_in"].to_string());
    assert_eq!(plain[4], figures["wire_bytes_out"].to_string());
    assert_eq!(plain[5], "-", "no message, no bytes per message");
    assert_eq!(plain[6], figures["connections"].to_string());
    assert_eq!(&row(table, "stream")[..3], ["1", "0", "1"]);
    assert_eq!(&row(table, "publish")[..3], ["1", "0", "1"]);
}

#[test]
fn no_log_line_contains_text_that_a_client_wrote() {
    let server = logging_server(Format::Text);
    server.publish_text("lobby", "secret\nrequest forged=1");
    server.get("/poll?room=%0Arequest+forged").problem(400);
    server.get("/poll?client=%0Arequest+forged").problem(400);
    server.lines.with(3, &[" request "]);
    let lines = server.lines.text();
    assert!(
        !lines.contains("secret") && !lines.contains("forged"),
        "{lines}"
    );
}
