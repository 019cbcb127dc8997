//! `check` through nothing, and through proxies each of which does one thing wrong.

use std::{net::TcpListener, time::Duration};

use poll_vs_sse_instrument::check::findings::{Finding, Name, Verdict};

use crate::support::{
    check::{check, findings, of},
    program::Program,
    proxy::{Fault, Proxy},
};

const SILENCE: Duration = Duration::from_secs(3);
const AGE: Duration = Duration::from_secs(5);

/// Checks through a proxy with `fault`, and that `name` and nothing else is bad.
fn bad_through(fault: Fault, name: Name) -> Finding {
    let (_server, addr) = Program::serve();
    let proxy = Proxy::start(addr, fault);
    let (code, report) = findings(&proxy.url(), &[]);
    assert_eq!(code, Some(1), "{report:?}");
    assert!(!report.works);
    let bad = report
        .findings
        .iter()
        .filter(|it| it.result == Verdict::Bad);
    let bad: Vec<Name> = bad.map(|it| it.name).collect();
    assert_eq!(bad, [name], "{report:?}");
    let found = of(&report, name).clone();
    assert!(found.advice.is_some(), "{found:?}");
    found
}

#[test]
fn nothing_is_wrong_without_a_proxy_or_through_one_that_passes_on() {
    let (_server, addr) = Program::serve();
    let proxy = Proxy::start(addr, Fault::None);
    for url in [format!("http://{addr}"), proxy.url()] {
        let (code, report) = findings(&url, &[]);
        assert_eq!(code, Some(0), "{report:?}");
        assert!(report.works && report.proxy.is_none());
        assert_eq!(report.findings.len(), 10);
        for one in &report.findings {
            assert_eq!(one.result, Verdict::Good, "{one:?}");
        }
        let endured = of(&report, Name::Age).value.expect("seconds");
        assert_eq!(endured, 9.0);
    }
}

#[test]
fn the_json_is_as_documented() {
    let (_server, addr) = Program::serve();
    let ended = check(&format!("http://{addr}"), &["--json"]);
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    let schema = include_str!("../../docs/check.schema.json");
    let schema = serde_json::from_str(schema).expect("JSON");
    compiler
        .add_resource("schema.json", schema)
        .expect("a schema");
    let index = compiler
        .compile("schema.json", &mut schemas)
        .expect("a schema");
    let value = serde_json::from_str(&ended.stdout).expect("JSON");
    if let Err(error) = schemas.validate(&value, index) {
        panic!("{error}");
    }
}

#[test]
fn buffering_is_named_with_the_bytes_it_takes() {
    let (_server, addr) = Program::serve();
    let proxy = Proxy::start(addr, Fault::Buffer(8000));
    let (code, report) = findings(&proxy.url(), &[]);
    assert_eq!(code, Some(1), "{report:?}");
    let event = of(&report, Name::FirstEvent);
    assert_eq!(event.result, Verdict::Bad, "{event:?}");
    let bytes = event.value.expect("bytes");
    assert!((6000.0..14_000.0).contains(&bytes), "{event:?}");
    assert!(event.text.contains("held back until"), "{event:?}");
    assert!(
        event
            .advice
            .as_deref()
            .is_some_and(|it| it.contains("buffering"))
    );
}

#[test]
fn compression_is_named_and_does_not_hinder() {
    let (_server, addr) = Program::serve();
    let proxy = Proxy::start(addr, Fault::Compress);
    let (code, report) = findings(&proxy.url(), &[]);
    assert_eq!(code, Some(0), "{report:?}");
    let found = of(&report, Name::Compression);
    assert_eq!(found.result, Verdict::Warning);
    assert!(found.text.starts_with("gzip"), "{found:?}");
}

#[test]
fn silence_that_is_cut_is_named_with_its_length() {
    let found = bad_through(Fault::CutSilence(SILENCE), Name::Silence);
    let seconds = found.value.expect("seconds");
    assert!((2.5..4.5).contains(&seconds), "{found:?}");
}

#[test]
fn an_age_that_is_cut_is_named_and_not_taken_for_silence() {
    let found = bad_through(Fault::CutAge(AGE), Name::Age);
    let seconds = found.value.expect("seconds");
    assert!((4.5..7.0).contains(&seconds), "{found:?}");
}

#[test]
fn a_last_event_id_that_does_not_arrive_is_named() {
    let found = bad_through(Fault::DropLastEventId, Name::Resume);
    assert!(found.text.contains("lost"), "{found:?}");
}

#[test]
fn polls_from_a_cache_are_named_and_do_not_hinder_streams() {
    let (_server, addr) = Program::serve();
    let proxy = Proxy::start(addr, Fault::CachePolls);
    let (code, report) = findings(&proxy.url(), &[]);
    assert_eq!(code, Some(0), "{report:?}");
    let found = of(&report, Name::PollCache);
    assert_eq!(found.result, Verdict::Warning, "{found:?}");
    assert!(found.advice.is_some());
}

#[test]
fn nothing_is_published_if_it_is_only_to_read() {
    let (server, addr) = Program::serve();
    let url = format!("http://{addr}");
    let (code, report) = findings(&url, &["--read-only"]);
    assert_eq!(code, Some(0), "{report:?}");
    assert_eq!(of(&report, Name::Resume).result, Verdict::Unknown);
    assert!(!server.stdout.text().contains("POST /messages"));
    let proxy = Proxy::start(addr, Fault::Buffer(8000));
    let (code, _) = findings(&proxy.url(), &["--read-only"]);
    assert_eq!(code, Some(1), "the head is held back");
}

#[test]
fn what_cannot_be_asked_is_one_line_and_exit_code_2() {
    let closed = {
        let gone = TcpListener::bind("127.0.0.1:0").expect("a port");
        gone.local_addr().expect("an address")
    };
    let (_server, addr) = Program::serve();
    for (url, words) in [
        (format!("http://{closed}"), "cannot reach"),
        ("chat.example".to_owned(), "http:// or https://"),
        (format!("http://{addr}/nowhere"), "404"),
        (format!("https://{addr}"), "TLS"),
    ] {
        let ended = check(&url, &[]);
        assert_eq!(ended.code, Some(2), "{url}: {ended:?}");
        assert!(ended.stderr.contains(words), "{url}: {}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn lines_for_people_say_the_answer_first() {
    let (_server, addr) = Program::serve();
    let ended = check(&format!("http://{addr}"), &["--patience", "1s"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines[0].starts_with("SSE works at http://"), "{lines:?}");
    assert_eq!(lines.len(), 2 + 10, "one line each: {lines:?}");
}
