//! `plan`: its answers and its errors.

use std::fs;

use serde_json::Value;

use crate::{
    cli::assert_refused,
    support::{
        client::TestClient as _,
        process::{Exit, run},
        server::Server,
    },
};

fn plan(flags: &[&str]) -> Exit {
    let words: Vec<&str> = ["plan"].iter().chain(flags).copied().collect();
    run(&words)
}

fn json(flags: &[&str]) -> Value {
    let ended = plan(&[flags, &["--json"]].concat());
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    serde_json::from_str(&ended.stdout).expect("JSON")
}

const MILLION: [&str; 8] = [
    "--clients",
    "1000000",
    "--rate",
    "0.05",
    "--size",
    "200",
    "--max-delay",
    "2s",
];

#[test]
fn a_million_clients_are_planned_in_a_table_and_sentences() {
    let ended = plan(&MILLION);
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    for words in [
        "1,000,000 clients",
        "asks every",
        "requests/s",
        "wire bytes out/s",
        "cores busy",
        "memory",
        "servers",
        "times the CPU",
        "polling takes less CPU than SSE if the acceptable delay is",
        "On points it was not fitted to",
        "Beyond what was measured",
    ] {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
}

#[test]
fn json_has_each_transport_and_the_break_even() {
    let plan = json(&MILLION);
    let poll = &plan["transports"]["poll"];
    let stream = &plan["transports"]["stream"];
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{value}"));
    // Every client sends a request every two seconds, plus the time of an answer.
    let requests = number(&poll["requests_per_s"]);
    assert!((500_000.0..505_000.0).contains(&requests), "{requests}");
    assert_eq!(number(&stream["requests_per_s"]), 0.0);
    for transport in ["poll", "long-poll", "stream"] {
        let one = &plan["transports"][transport];
        assert_eq!(number(&one["deliveries_per_s"]), 50_000.0, "{transport}");
        assert_eq!(number(&one["connections"]), 1e6, "{transport}");
        for name in ["wire_bytes_out_per_s", "cores", "memory_bytes", "servers"] {
            assert!(number(&one[name]) > 0.0, "{transport} {name}");
        }
    }
    let turns = &plan["break_even"]["max_delay_s"]["cpu"][0]["from"];
    assert!(
        number(turns) > 2.0,
        "so few messages are no work for polls: {turns}"
    );
    assert!(
        plan["sentences"]
            .as_array()
            .is_some_and(|all| all.len() >= 2)
    );
}

#[test]
fn get_plan_answers_what_plan_json_prints() {
    let server = Server::memory();
    let answer = server
        .get("/plan?clients=1000000&rate=0.05&size=200&max_delay=2s")
        .ok();
    assert_eq!(answer, json(&MILLION));
    assert_eq!(server.get("/plan").ok(), json(&[]), "the same defaults");
}

#[test]
fn get_plan_computes_the_curves_that_are_asked_for() {
    let server = Server::memory();
    let plan = server.get("/plan?curves=max_delay,clients,rate").ok();
    let curves = plan["curves"].as_array().expect("curves");
    let over: Vec<&Value> = curves.iter().map(|curve| &curve["over"]).collect();
    assert_eq!(over, ["max_delay_s", "clients", "rate"]);
    for curve in curves {
        let points = curve["at"].as_array().expect("points").len();
        for transport in ["poll", "long-poll", "stream"] {
            let cores = curve["cores"][transport].as_array().expect("cores");
            assert_eq!(cores.len(), points, "{transport}");
            assert!(cores.iter().any(Value::is_number), "{transport}");
        }
    }
    let plain = server.get("/plan").ok();
    assert_eq!(plain["curves"], Value::Null);
}

#[test]
fn get_plan_names_the_parameter_it_refuses() {
    let server = Server::memory();
    for (query, field) in [
        ("clients=0", "clients"),
        ("rate=many", "rate"),
        ("max_delay=30d", "max_delay"),
        ("spacing=odd", "spacing"),
        ("wait=2m", "wait"),
        ("curves=bend", "curves"),
        ("size=1&size=2", "size"),
        ("klients=1", "klients"),
    ] {
        let problem = server.get(&format!("/plan?{query}")).problem(400);
        assert_eq!(problem["field"], field, "{problem}");
    }
}

#[test]
fn polling_is_cheaper_with_a_longer_acceptable_delay() {
    let cores = |max_delay: &str| {
        let plan = json(&["--max-delay", max_delay, "--rate", "5"]);
        let of = |transport: &str| plan["transports"][transport]["cores"].as_f64();
        (
            of("poll").expect("a number"),
            of("stream").expect("a number"),
        )
    };
    let (poll, stream) = cores("100ms");
    assert!(poll > stream, "{poll} {stream}");
    let (poll, stream) = cores("60s");
    assert!(poll < stream, "{poll} {stream}");
}

#[test]
fn a_poll_is_more_expensive_with_few_clients_than_with_many() {
    let excess = |clients: &str| {
        let plan = json(&["--clients", clients, "--rate", "1", "--max-delay", "5s"]);
        let cores = |transport: &str| plan["transports"][transport]["cores"].as_f64();
        cores("poll").expect("cores") / cores("stream").expect("cores")
    };
    let (few, many, full) = (excess("100"), excess("10000"), excess("10000000"));
    assert!(few > many && many > full, "{few} {many} {full}");
    // The sentences include the break-even, too.
    let plan = json(&["--clients", "100", "--rate", "1", "--max-delay", "5s"]);
    let turn = plan["break_even"]["clients"]["cpu"][0]["from"].as_f64();
    assert!(turn.is_some_and(|turn| turn > 100.0), "{plan}");
}

#[test]
fn the_plan_says_if_each_poll_opens_a_connection() {
    let ended = plan(&["--max-delay", "90s"]);
    assert!(ended.stdout.contains("each opens one"), "{}", ended.stdout);
    let ended = plan(&["--max-delay", "60s"]);
    assert!(!ended.stdout.contains("each opens one"), "{}", ended.stdout);
}

#[test]
fn another_model_gives_another_answer() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("model.json");
    let default_model = include_str!("../../src/model/default_model.json");
    let mut model: Value = serde_json::from_str(default_model).expect("JSON");
    for name in ["message_us", "cold_us", "kib_us"] {
        let cost = &mut model["transports"]["stream"][name];
        *cost = (cost.as_f64().expect("a number") * 10.0).into();
    }
    fs::write(&path, model.to_string()).expect("written");
    let path = path.to_str().expect("UTF-8");
    let messages = |flags: &[&str]| {
        json(flags)["transports"]["stream"]["cores_by"]["messages"]
            .as_f64()
            .expect("a number")
    };
    let (usual, dear) = (messages(&[]), messages(&["--model", path]));
    assert!((dear / usual - 10.0).abs() < 1e-6, "{usual} {dear}");
}

#[test]
fn bad_flags_of_plan_print_one_line_and_exit_with_2() {
    for (flag, value) in [
        ("--clients", "0"),
        ("--clients", "many"),
        ("--clients", "1e12"),
        ("--rate", "0"),
        ("--rate", "nan"),
        ("--rate", "-1"),
        ("--size", "0"),
        ("--size", "100000"),
        ("--max-delay", "0s"),
        ("--max-delay", "2"),
        ("--max-delay", "30d"),
        ("--spacing", "odd"),
        ("--wait", "2m"),
        ("--round-trip", "2m"),
        ("--server-cores", "0"),
        ("--server-memory-gib", "0"),
        ("--server-network-gbit", "0"),
        ("--utilization", "1"),
        ("--utilization", "inf"),
    ] {
        let flag_and_value = format!("{flag}={value}");
        assert_refused(&plan(&[&flag_and_value]), &[flag]);
    }
}

#[test]
fn shares_and_sizes_may_have_their_units() {
    let flags = [
        "--utilization=50%",
        "--hidden-share=25 %",
        "--server-cores=1k",
        "--server-memory-gib=512MiB",
        "--server-network-gbit=100Mbit/s",
    ];
    let question = &json(&flags)["question"];
    let server = &question["server"];
    assert_eq!(question["hidden_share"], 0.25, "{question}");
    assert_eq!(
        (&server["utilization"], &server["cores"]),
        (&0.5.into(), &1000.0.into())
    );
    assert_eq!(server["memory_bytes"], 536_870_912.0, "{server}");
    assert_eq!(server["network_bits_per_s"], 1e8, "{server}");
    assert_refused(&plan(&["--utilization=most"]), &["--utilization", "`60%`"]);
    assert_refused(&plan(&["--server-memory-gib=8GB"]), &["`8GiB`"]);
}

#[test]
fn a_file_that_is_not_a_model_prints_one_line_and_exits_with_2() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("model.json");
    let named = path.to_str().expect("UTF-8");
    assert_refused(&plan(&["--model", named]), &["cannot read", "model.json"]);
    for (text, why) in [
        ("", "not a model file"),
        ("[]", "not a model file"),
        ("{\"format\": 7}", "calibrate again"),
        ("{\"format\": 2}", "whole model"),
    ] {
        fs::write(&path, text).expect("written");
        assert_refused(&plan(&["--model", named]), &["model.json", why]);
    }
}

#[test]
fn invalid_uses_of_calibrate_print_one_line_and_exit_with_2() {
    let refused = |flags: &[&str], words: &[&str]| {
        let all: Vec<&str> = ["compare"].iter().chain(flags).copied().collect();
        assert_refused(&run(&all), words);
    };
    refused(
        &["--calibrate", "/nowhere/at/all.json"],
        &["--calibrate", "/nowhere/at/all.json"],
    );
    refused(
        &["--calibrate", "m.json", "--target", "http://127.0.0.1:1"],
        &["--calibrate", "--target"],
    );
    refused(
        &["--calibrate", "m.json", "--report", "r.html"],
        &["--calibrate", "--report"],
    );
}

#[test]
fn a_measured_stack_is_planned_with_its_workers() {
    let list = plan(&["--stack", "list"]);
    assert_eq!(list.status.code(), Some(0), "{}", list.stderr);
    let named = |line: &str| line.starts_with("flask-gthread ") && line.contains(" Flask 3");
    assert!(list.stdout.lines().any(named), "{}", list.stdout);
    let php = json(&["--stack", "php", "--clients", "1000", "--rate", "0.1"]);
    assert_eq!(php["transports"]["stream"]["limit"], "workers", "{php}");
    assert_eq!(php["model"]["stack"]["name"], "php");
    assert!(php["model"]["errors"]["requests_worst"].is_null());
    let text = plan(&["--stack", "php", "--clients", "1000", "--rate", "0.1"]).stdout;
    for words in ["(for workers)", "Not measured:", "PHP 8.2-FPM"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(
        json(&[])["model"]["stack"].is_null(),
        "by default it is this server"
    );
}

#[test]
fn an_unknown_stack_or_a_protocol_it_was_not_measured_over_is_refused() {
    assert_refused(&plan(&["--stack", "cobol"]), &["`express`"]);
    assert_refused(&plan(&["--stack", "go", "--tls"]), &["without TLS"]);
    assert_refused(
        &plan(&["--stack", "go", "--protocol", "h2"]),
        &["without TLS"],
    );
}

#[test]
fn the_route_answers_for_a_stack_what_the_command_prints() {
    let server = Server::memory();
    assert_eq!(
        server.get("/plan?stack=express&clients=5000").ok(),
        json(&["--stack", "express", "--clients", "5000"])
    );
    for query in ["stack=cobol", "stack=express&tls=on"] {
        assert_eq!(
            server.get(&format!("/plan?{query}")).problem(400)["field"],
            "stack"
        );
    }
}
