//! `check` through real proxies with good and bad configurations: it names the problem and the line to change.

use std::net::SocketAddr;

use poll_vs_sse_instrument::check::{
    CheckReport,
    findings::{FindingName, Severity},
};

use crate::support::{
    check::{finding, findings},
    program::Program,
    real_proxy::RealProxy,
};

/// Runs `check` through the proxy that `start` starts in front of a server.
fn check_through(
    name: &str,
    start: impl Fn(SocketAddr) -> RealProxy,
) -> (Option<i32>, CheckReport) {
    let (_server, addr) = Program::serve();
    let proxy = start(addr);
    let (code, report) = findings(&proxy.url(), &[]);
    assert_eq!(report.proxy.as_deref(), Some(name), "{report:?}");
    (code, report)
}

/// Fails unless `check` finds nothing bad.
fn assert_good(name: &str, start: impl Fn(SocketAddr) -> RealProxy) {
    let (code, report) = check_through(name, start);
    assert_eq!(code, Some(0), "{report:?}");
}

/// Fails unless `trouble` is found, with an advice that contains `words`. A cut is a warning, because streams resume.
fn assert_reported(
    name: &str,
    trouble: FindingName,
    words: &str,
    start: impl Fn(SocketAddr) -> RealProxy,
) -> CheckReport {
    let (code, report) = check_through(name, start);
    let (exit, result) = match trouble {
        FindingName::Silence | FindingName::Age => (0, Severity::Warning),
        _ => (1, Severity::Bad),
    };
    assert_eq!(code, Some(exit), "{report:?}");
    let found = finding(&report, trouble);
    assert_eq!(found.result, result, "{report:?}");
    let advice = found.advice.as_deref().unwrap_or_default();
    assert!(advice.contains(words), "{advice}");
    report
}

#[test]
fn nginx_that_lets_streams_through_is_good() {
    assert_good("nginx", |server| RealProxy::nginx(server, ""));
}

#[test]
fn buffering_by_nginx_is_reported() {
    let lines = "proxy_http_version 1.0;\nproxy_ignore_headers X-Accel-Buffering;";
    let start = |server| RealProxy::nginx(server, lines);
    assert_reported(
        "nginx",
        FindingName::FirstEvent,
        "proxy_buffering off;",
        start,
    );
}

#[test]
fn an_idle_timeout_of_nginx_is_reported() {
    let start = |server| RealProxy::nginx(server, "proxy_read_timeout 3s;");
    let report = assert_reported("nginx", FindingName::Silence, "proxy_read_timeout", start);
    let long_poll = finding(&report, FindingName::LongPoll);
    assert_eq!(long_poll.result, Severity::Warning, "{report:?}");
    assert!(long_poll.text.contains("504"), "{long_poll:?}");
}

#[test]
fn nginx_without_last_event_id_is_reported() {
    let start = |server| RealProxy::nginx(server, "proxy_set_header Last-Event-ID \"\";");
    assert_reported(
        "nginx",
        FindingName::Resume,
        "proxy_set_header Last-Event-ID",
        start,
    );
}

#[test]
fn haproxy_that_lets_streams_through_is_good() {
    assert_good("HAProxy", |server| RealProxy::haproxy(server, ""));
}

#[test]
fn an_idle_timeout_of_haproxy_is_reported() {
    let start = |server| RealProxy::haproxy(server, "timeout server 3s");
    assert_reported("HAProxy", FindingName::Silence, "timeout server", start);
}

#[test]
fn caddy_that_lets_streams_through_is_good() {
    assert_good("Caddy", |server| RealProxy::caddy(server, "", ""));
}

#[test]
fn buffering_by_caddy_is_reported() {
    let start = |server| RealProxy::caddy(server, "", "response_buffers 64KiB");
    assert_reported("Caddy", FindingName::FirstEvent, "response_buffers", start);
}

#[test]
fn an_idle_timeout_of_caddy_is_reported() {
    let start = |server| RealProxy::caddy(server, "", "transport http {\nread_timeout 3s\n}");
    assert_reported("Caddy", FindingName::Silence, "read_timeout", start);
}

#[test]
fn an_age_limit_of_caddy_is_reported() {
    let start = |server| RealProxy::caddy(server, "servers {\ntimeouts {\nwrite 5s\n}\n}", "");
    assert_reported("Caddy", FindingName::Age, "write", start);
}

#[test]
fn caddy_without_last_event_id_is_reported() {
    let start = |server| RealProxy::caddy(server, "", "header_up -Last-Event-ID");
    assert_reported(
        "Caddy",
        FindingName::Resume,
        "header_up -Last-Event-ID",
        start,
    );
}

const WHOLE: &str = "route: { cluster: server, timeout: 0s }";

#[test]
fn envoy_that_lets_streams_through_is_good() {
    assert_good("Envoy", |server| RealProxy::envoy(server, "", WHOLE));
}

#[test]
fn an_idle_timeout_of_envoy_is_reported() {
    let start = |server| RealProxy::envoy(server, "stream_idle_timeout: 3s", WHOLE);
    assert_reported("Envoy", FindingName::Silence, "stream_idle_timeout", start);
}

/// Envoy's default is 15 s.
#[test]
fn an_age_limit_of_envoy_is_reported() {
    let route = "route: { cluster: server, timeout: 5s }";
    let start = |server| RealProxy::envoy(server, "", route);
    assert_reported("Envoy", FindingName::Age, "timeout: 0s", start);
}

#[test]
fn envoy_without_last_event_id_is_reported() {
    let route = "route: { cluster: server, timeout: 0s }\n                request_headers_to_remove: [last-event-id]";
    let start = |server| RealProxy::envoy(server, "", route);
    assert_reported(
        "Envoy",
        FindingName::Resume,
        "request_headers_to_remove",
        start,
    );
}

/// Neither streams nor polls are cached.
const PIPE: &str = "sub vcl_recv { if (req.url ~ \"^/stream\") { return (pipe); } return (pass); }";

#[test]
fn varnish_that_lets_streams_through_is_good() {
    assert_good("Varnish", |server| RealProxy::varnish(server, PIPE, &[]));
}

#[test]
fn buffering_by_varnish_is_reported() {
    let routines = "sub vcl_recv { return (pass); } sub vcl_backend_response { set beresp.do_stream = false; }";
    let start = |server| RealProxy::varnish(server, routines, &["-p", "between_bytes_timeout=600"]);
    assert_reported("Varnish", FindingName::FirstEvent, "do_stream", start);
}

#[test]
fn an_idle_timeout_of_varnish_is_reported() {
    let start = |server| RealProxy::varnish(server, PIPE, &["-p", "pipe_timeout=3"]);
    assert_reported("Varnish", FindingName::Silence, "pipe_timeout", start);
}

#[test]
fn varnish_without_last_event_id_is_reported() {
    let routines = PIPE.replace("{ if", "{ unset req.http.Last-Event-ID; if");
    let start = |server| RealProxy::varnish(server, &routines, &[]);
    assert_reported(
        "Varnish",
        FindingName::Resume,
        "unset req.http.Last-Event-ID",
        start,
    );
}

#[test]
fn cached_polls_of_varnish_are_reported() {
    let routines = PIPE.replace(
        "return (pass)",
        "if (req.method == \"GET\") { return (hash); } return (pass)",
    ) + " sub vcl_backend_response { set beresp.ttl = 30s; set beresp.uncacheable = false; return (deliver); }";
    let start = |server| RealProxy::varnish(server, &routines, &[]);
    let (_, report) = check_through("Varnish", start);
    let found = finding(&report, FindingName::PollCache);
    assert_eq!(found.result, Severity::Warning, "{report:?}");
    assert!(
        found
            .advice
            .as_deref()
            .unwrap_or_default()
            .contains("return (pass)"),
        "{found:?}"
    );
}
