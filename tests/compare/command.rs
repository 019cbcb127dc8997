//! The command `compare`: what it prints and writes.

use boon::{Compiler, Schemas};
use poll_vs_sse_instrument::Report;
use serde_json::Value;

use crate::support::program::{Program, command, compare};

/// A short run for every transport.
const QUICK: [&str; 8] = [
    "--clients",
    "10",
    "--rate",
    "20",
    "--interval",
    "200ms",
    "--duration",
    "1s",
];

fn quick(more: &[&str]) -> Vec<&'static str> {
    // Leaking these few words is fine in a test.
    let words = QUICK.iter().chain(more).map(|word| word.to_string());
    words.map(|word| &*word.leak()).collect()
}

/// The documented schema, in which no undocumented fields are allowed.
fn schema() -> Value {
    fn close(part: &mut Value) {
        if let Some(object) = part.as_object_mut() {
            if object.contains_key("properties") {
                object.insert("additionalProperties".to_owned(), false.into());
            }
            object.values_mut().for_each(close);
        }
    }
    let text = include_str!("../../docs/compare.schema.json");
    let mut schema = serde_json::from_str(text).expect("JSON");
    close(&mut schema);
    schema
}

fn assert_documented(document: &Value) {
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    compiler
        .add_resource("schema.json", schema())
        .expect("a schema");
    let index = compiler
        .compile("schema.json", &mut schemas)
        .expect("a schema");
    if let Err(error) = schemas.validate(document, index) {
        panic!("{error:#}");
    }
}

#[test]
fn all_three_transports_are_compared_and_every_field_is_documented() {
    let ended = compare(&quick(&["--json", "-", "--repeat", "2"]));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let document: Value = serde_json::from_str(&ended.stdout).expect("nothing but JSON");
    assert_documented(&document);

    let transports = document["transports"].as_array().expect("a list");
    let names: Vec<&Value> = transports.iter().map(|one| &one["transport"]).collect();
    assert_eq!(names, ["poll", "long-poll", "stream"]);
    for one in transports {
        assert_eq!(one["expected"], 2 * 20 * 10, "{one}");
        assert_eq!(one["deliveries"], one["expected"]);
        assert!(one["server_cpu_s"].as_f64() > Some(0.0), "{one}");
        assert!(one["server_memory_bytes"].as_u64() > Some(1 << 20), "{one}");
        assert!(one["wire_bytes_out"].as_u64() > Some(10_000), "{one}");
        assert!(one["connections"].as_u64() >= Some(20), "{one}");
    }
    assert_eq!(document["runs"].as_array().map(Vec::len), Some(6));
    assert_eq!(document["valid"], true);
    assert_eq!(document["command"][0], "poll-vs-sse");

    // With JSON on standard output, the table is on standard error.
    let verdict = document["verdict"].as_str().expect("a verdict");
    for words in [
        "poll  ",
        "long-poll",
        "stream",
        "range over the runs",
        verdict,
    ] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
    let back = Report::from_json(&ended.stdout).expect("read back");
    assert_eq!(back.to_json().expect("written"), ended.stdout);
}

#[test]
fn the_example_in_the_documentation_has_the_documented_form() {
    let example = include_str!("../../docs/examples/compare.json");
    assert_documented(&serde_json::from_str(example).expect("JSON"));
}

#[test]
fn files_are_written_and_the_page_needs_no_network() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (json, report) = (path("out.json"), path("out.html"));
    let ended = compare(&quick(&[
        "--transports",
        "stream,poll",
        "--json",
        &json,
        "--report",
        &report,
    ]));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let document: Value =
        serde_json::from_str(&std::fs::read_to_string(&json).expect("there")).expect("JSON");
    assert_documented(&document);
    let verdict = document["verdict"].as_str().expect("a verdict");
    assert!(ended.stdout.contains(verdict), "{}", ended.stdout);
    let is_heading = |line: &str| line.contains("stream  ") && line.ends_with("poll");
    assert!(ended.stdout.lines().any(is_heading), "{}", ended.stdout);

    let page = std::fs::read_to_string(&report).expect("there");
    assert!(
        page.contains("<svg class=\"plot\"") && page.contains(verdict),
        "{page}"
    );
    for foreign in ["src=", "href=", "@import", "url(", "<script"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let others = std::fs::read_dir(directory.path()).expect("a directory");
    assert_eq!(others.count(), 2, "there are no other files");
}

#[test]
fn environment_variables_set_flags_and_flags_override_them() {
    let mut command = command(&["compare", "--json", "-", "--clients", "3"]);
    for (name, value) in [
        ("CLIENTS", "7"),
        ("RATE", "20"),
        ("DURATION", "1s"),
        ("INTERVAL", "100ms"),
        ("TRANSPORTS", "stream"),
        ("SIZE", "200"),
        ("WAIT", "9s"),
        ("HEAD", "firefox"),
        ("COOKIE", "64"),
        ("PACE", "after-answer"),
        ("YES_LOAD_TEST_THIS", "yes"),
    ] {
        command.env(format!("POLL_VS_SSE_{name}"), value);
    }
    let ended = Program::start(command).wait();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let document = Report::from_json(&ended.stdout).expect("a document");
    let workload = serde_json::to_value(&document.workload).expect("JSON");
    let expected = serde_json::json!({
        "transports": ["stream"], "repeat": 1, "clients": 3, "rate": 20.0, "interval_s": 0.1,
        "pace": "after-answer", "wait_s": 9.0, "duration_s": 1.0, "size_bytes": 200,
        "head": "firefox", "cookie_bytes": 64, "protocol": null, "new_connections": false,
        "rooms": 1, "stalled": 0, "vanish": 0, "scenario": "steady",
    });
    assert_eq!(workload, expected);
}

#[test]
fn help_reads_as_documentation() {
    let ended = compare(&["--help"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let flags = [
        "target",
        "profile",
        "pid",
        "yes-load-test-this",
        "transports",
        "clients",
        "rate",
        "interval",
        "pace",
        "wait",
        "duration",
        "size",
        "head",
        "cookie",
        "repeat",
        "json",
        "report",
    ];
    for flag in flags {
        assert!(ended.stdout.contains(&format!("--{flag}")), "{flag}");
        let variable = flag.replace('-', "_").to_uppercase();
        assert!(
            ended.stdout.contains(&format!("POLL_VS_SSE_{variable}")),
            "{variable}"
        );
    }
    assert!(ended.stdout.contains("Exit code"), "{}", ended.stdout);
}
