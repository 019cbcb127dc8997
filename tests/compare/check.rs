//! `check` without a proxy, and through proxies with one fault each.

use std::{net::TcpListener, time::Duration};

use poll_vs_sse_instrument::check::findings::{Finding, FindingName, Severity};

use crate::support::{
    check::{finding, findings, run_check},
    program::Program,
    proxy::{FaultyProxy, ProxyFault},
};

const SILENCE: Duration = Duration::from_secs(3);
const AGE: Duration = Duration::from_secs(5);

/// Runs `check` through a proxy with `fault`, and asserts that `name` is the only bad finding.
fn bad_finding_through(fault: ProxyFault, name: FindingName, more: &[&str]) -> Finding {
    let (_server, addr) = Program::serve();
    let proxy = FaultyProxy::start(addr, fault);
    let (code, report) = findings(&proxy.url(), more);
    assert_eq!(code, Some(1), "{report:?}");
    assert!(!report.works);
    let bad = report
        .findings
        .iter()
        .filter(|it| it.result == Severity::Bad);
    let bad: Vec<FindingName> = bad.map(|it| it.name).collect();
    assert_eq!(bad, [name], "{report:?}");
    let found = finding(&report, name).clone();
    assert!(found.advice.is_some(), "{found:?}");
    found
}

/// The warning `name` through a proxy with `fault`, through which SSE works.
fn warning_through(fault: ProxyFault, name: FindingName) -> Finding {
    let (_server, addr) = Program::serve();
    let proxy = FaultyProxy::start(addr, fault);
    let (code, report) = findings(&proxy.url(), &[]);
    assert_eq!((code, report.works), (Some(0), true), "{report:?}");
    let found = finding(&report, name).clone();
    assert_eq!(found.result, Severity::Warning, "{found:?}");
    assert!(found.advice.is_some(), "{found:?}");
    found
}

#[test]
fn no_finding_is_bad_without_a_proxy_or_through_one_without_faults() {
    let (_server, addr) = Program::serve();
    let proxy = FaultyProxy::start(addr, ProxyFault::None);
    for url in [format!("http://{addr}"), proxy.url()] {
        let (code, report) = findings(&url, &[]);
        assert_eq!(code, Some(0), "{report:?}");
        assert!(report.works && report.proxy.is_none());
        assert_eq!(report.findings.len(), 10);
        for one in &report.findings {
            assert_eq!(one.result, Severity::Good, "{one:?}");
        }
        let endured = finding(&report, FindingName::Age).value.expect("seconds");
        assert_eq!(endured, 9.0);
    }
}

#[test]
fn the_json_is_as_documented() {
    let (_server, addr) = Program::serve();
    let ended = run_check(&format!("http://{addr}"), &["--json"]);
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
fn buffering_is_reported_with_the_size_of_the_buffer() {
    let (_server, addr) = Program::serve();
    let proxy = FaultyProxy::start(addr, ProxyFault::Buffer(8000));
    let (code, report) = findings(&proxy.url(), &[]);
    assert_eq!(code, Some(1), "{report:?}");
    let event = finding(&report, FindingName::FirstEvent);
    assert_eq!(event.result, Severity::Bad, "{event:?}");
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
fn compression_is_reported_and_does_not_fail_the_check() {
    let (_server, addr) = Program::serve();
    let proxy = FaultyProxy::start(addr, ProxyFault::Compress);
    let (code, report) = findings(&proxy.url(), &[]);
    assert_eq!(code, Some(0), "{report:?}");
    let found = finding(&report, FindingName::Compression);
    assert_eq!(found.result, Severity::Warning);
    assert!(found.text.starts_with("gzip"), "{found:?}");
}

#[test]
fn a_cut_of_an_idle_stream_is_reported_with_the_idle_time() {
    let found = warning_through(ProxyFault::CutSilence(SILENCE), FindingName::Silence);
    let seconds = found.value.expect("seconds");
    assert!((2.5..4.5).contains(&seconds), "{found:?}");
}

#[test]
fn a_cut_by_age_is_reported_and_not_taken_for_an_idle_timeout() {
    let found = warning_through(ProxyFault::CutAge(AGE), FindingName::Age);
    let seconds = found.value.expect("seconds");
    assert!((4.5..7.0).contains(&seconds), "{found:?}");
    assert!(found.text.ends_with("loses nothing"), "{found:?}");
}

#[test]
fn a_cut_is_bad_if_it_is_not_known_that_streams_resume() {
    let fault = ProxyFault::CutSilence(SILENCE);
    let found = bad_finding_through(fault, FindingName::Silence, &["--read-only"]);
    assert!(found.text.ends_with("without a byte"), "{found:?}");
}

#[test]
fn events_without_ids_are_a_warning() {
    let found = warning_through(ProxyFault::DropIds, FindingName::Resume);
    assert!(found.text.contains("events have no id"), "{found:?}");
}

#[test]
fn redirects_within_the_origin_are_followed() {
    let (_server, addr) = Program::serve();
    let proxy = FaultyProxy::start(addr, ProxyFault::Redirect);
    let (code, report) = findings(&proxy.url(), &["--patience", "1s"]);
    assert_eq!(code, Some(0), "{report:?}");
    for one in &report.findings {
        assert_eq!(one.result, Severity::Good, "{one:?}");
    }
}

#[test]
fn a_last_event_id_that_does_not_arrive_is_reported() {
    let found = bad_finding_through(ProxyFault::DropLastEventId, FindingName::Resume, &[]);
    assert!(found.text.contains("lost"), "{found:?}");
}

#[test]
fn cached_polls_are_reported_and_do_not_affect_streams() {
    let (_server, addr) = Program::serve();
    let proxy = FaultyProxy::start(addr, ProxyFault::CachePolls);
    let (code, report) = findings(&proxy.url(), &[]);
    assert_eq!(code, Some(0), "{report:?}");
    let found = finding(&report, FindingName::PollCache);
    assert_eq!(found.result, Severity::Warning, "{found:?}");
    assert!(found.advice.is_some());
}

const FAILED: &str = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";

#[test]
fn without_an_event_stream_nothing_else_is_said_about_streams() {
    let (_server, addr) = Program::serve();
    let json = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    let untyped = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    let moved = "HTTP/1.1 302 Found\r\nLocation: https://b.example/\r\nContent-Length: 0\r\n\r\n";
    for (answer, words) in [
        (FAILED, "the server answered 500"),
        (
            json,
            "the answer is application/json instead of text/event-stream",
        ),
        (
            untyped,
            "the answer has no Content-Type instead of text/event-stream",
        ),
        (
            moved,
            "the server answered 302, a redirect to https://b.example/",
        ),
    ] {
        let proxy = FaultyProxy::start(addr, ProxyFault::Answer("GET /stream", answer));
        let (code, report) = findings(&proxy.url(), &["--patience", "1s"]);
        assert_eq!((code, report.works), (Some(1), false), "{report:?}");
        assert_eq!(report.findings.len(), 10, "{report:?}");
        let head = finding(&report, FindingName::Head);
        assert_eq!((head.text.as_str(), head.result), (words, Severity::Bad));
        for name in FindingName::OF_STREAMS {
            assert_eq!(
                finding(&report, name).result,
                Severity::Unknown,
                "{report:?}"
            );
        }
    }
}

#[test]
fn a_server_that_fails_altogether_is_reported_by_its_stream() {
    let (_server, addr) = Program::serve();
    let proxy = FaultyProxy::start(addr, ProxyFault::Answer("", FAILED));
    let (code, report) = findings(&proxy.url(), &["--patience", "1s"]);
    assert_eq!(code, Some(1), "{report:?}");
    let head = finding(&report, FindingName::Head);
    assert_eq!(head.text, "the server answered 500");
    let cors = finding(&report, FindingName::Cors);
    assert_eq!(cors.result, Severity::Unknown, "{cors:?}");
}

#[test]
fn polls_that_fail_are_reported_and_do_not_fail_the_check() {
    let (_server, addr) = Program::serve();
    for (fault, words) in [
        (
            ProxyFault::Answer("GET /poll", FAILED),
            "failed: the server answered 500",
        ),
        (
            ProxyFault::Answer(
                "GET /poll",
                "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            ),
            "failed: the server answered 404: correct [",
        ),
        (
            ProxyFault::Close("GET /poll"),
            "failed: the server closed the connection",
        ),
    ] {
        let proxy = FaultyProxy::start(addr, fault);
        let (code, report) = findings(&proxy.url(), &["--patience", "1s"]);
        assert_eq!((code, report.works), (Some(0), true), "{report:?}");
        for name in [FindingName::LongPoll, FindingName::PollCache] {
            let found = finding(&report, name);
            assert_eq!(found.result, Severity::Warning, "{found:?}");
            assert!(found.text.starts_with(words), "{found:?}");
            assert_eq!(found.advice, None, "{found:?}");
        }
    }
}

#[test]
fn a_stream_that_comes_late_is_reported_with_its_delay() {
    let (_server, addr) = Program::serve();
    let proxy = FaultyProxy::start(addr, ProxyFault::SlowStream(Duration::from_secs(1)));
    let (code, report) = findings(&proxy.url(), &["--patience", "1s"]);
    assert_eq!(code, Some(0), "{report:?}");
    for name in [FindingName::Head, FindingName::FirstEvent] {
        let found = finding(&report, name);
        assert_eq!(found.result, Severity::Warning, "{found:?}");
        assert!(found.text.starts_with("late: "), "{found:?}");
        assert!(found.value >= Some(0.9), "{found:?}");
        assert!(found.advice.is_some(), "{found:?}");
    }
}

#[test]
fn the_time_of_a_first_event_does_not_include_a_slow_publish() {
    let (_server, addr) = Program::serve();
    let proxy = FaultyProxy::start(addr, ProxyFault::SlowPublish(Duration::from_secs(4)));
    let (code, report) = findings(&proxy.url(), &["--patience", "1s"]);
    assert_eq!(code, Some(0), "{report:?}");
    let found = finding(&report, FindingName::FirstEvent);
    assert_eq!(found.text, "at once (before its publish was acknowledged)");
    assert_eq!(found.value, Some(0.0));
}

#[test]
fn read_only_publishes_nothing() {
    let (server, addr) = Program::serve();
    let url = format!("http://{addr}");
    let (code, report) = findings(&url, &["--read-only"]);
    assert_eq!(code, Some(0), "{report:?}");
    assert_eq!(
        finding(&report, FindingName::Resume).result,
        Severity::Unknown
    );
    assert!(!server.stdout.text().contains("POST /messages"));
    let proxy = FaultyProxy::start(addr, ProxyFault::Buffer(8000));
    let (code, _) = findings(&proxy.url(), &["--read-only"]);
    assert_eq!(code, Some(1), "the head is held back");
}

#[test]
fn invalid_input_of_check_prints_one_line_and_exits_with_2() {
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
        let ended = run_check(&url, &[]);
        assert_eq!(ended.code, Some(2), "{url}: {ended:?}");
        assert!(ended.stderr.contains(words), "{url}: {}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn the_text_report_begins_with_the_answer() {
    let (_server, addr) = Program::serve();
    let ended = run_check(&format!("http://{addr}"), &["--patience", "1s"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines[0].starts_with("SSE works at http://"), "{lines:?}");
    assert_eq!(lines.len(), 2 + 10, "one line each: {lines:?}");
}
