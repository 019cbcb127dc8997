//! `check` through real proxies, well and badly configured: what is wrong is named, with the line to change.

use std::net::SocketAddr;

use poll_vs_sse_instrument::check::{
    CheckReport,
    findings::{Name, Verdict},
};

use crate::support::{
    check::{findings, of},
    program::Program,
    real_proxy::RealProxy,
};

/// Checks through the proxy that `start` puts in front of a server.
fn through(name: &str, start: impl Fn(SocketAddr) -> RealProxy) -> (Option<i32>, CheckReport) {
    let (_server, addr) = Program::serve();
    let proxy = start(addr);
    let (code, report) = findings(&proxy.url(), &[]);
    assert_eq!(report.proxy.as_deref(), Some(name), "{report:?}");
    (code, report)
}

/// Nothing is bad.
fn is_good(name: &str, start: impl Fn(SocketAddr) -> RealProxy) {
    let (code, report) = through(name, start);
    assert_eq!(code, Some(0), "{report:?}");
}

/// `trouble` is what is wrong, and the advice names `words`.
fn is_told(
    name: &str,
    trouble: Name,
    words: &str,
    start: impl Fn(SocketAddr) -> RealProxy,
) -> CheckReport {
    let (code, report) = through(name, start);
    assert_eq!(code, Some(1), "{report:?}");
    let found = of(&report, trouble);
    assert_eq!(found.result, Verdict::Bad, "{report:?}");
    let advice = found.advice.as_deref().unwrap_or_default();
    assert!(advice.contains(words), "{advice}");
    report
}

#[test]
fn nginx_that_lets_streams_through_is_good() {
    is_good("nginx", |server| RealProxy::nginx(server, ""));
}

#[test]
fn nginx_that_buffers() {
    let lines = "proxy_http_version 1.0;\nproxy_ignore_headers X-Accel-Buffering;";
    let start = |server| RealProxy::nginx(server, lines);
    is_told("nginx", Name::FirstEvent, "proxy_buffering off;", start);
}

#[test]
fn nginx_that_cuts_silence() {
    let start = |server| RealProxy::nginx(server, "proxy_read_timeout 3s;");
    let report = is_told("nginx", Name::Silence, "proxy_read_timeout", start);
    let long_poll = of(&report, Name::LongPoll);
    assert_eq!(long_poll.result, Verdict::Warning, "{report:?}");
    assert!(long_poll.text.contains("504"), "{long_poll:?}");
}

#[test]
fn nginx_that_drops_last_event_id() {
    let start = |server| RealProxy::nginx(server, "proxy_set_header Last-Event-ID \"\";");
    is_told(
        "nginx",
        Name::Resume,
        "proxy_set_header Last-Event-ID",
        start,
    );
}

#[test]
fn haproxy_that_lets_streams_through_is_good() {
    is_good("HAProxy", |server| RealProxy::haproxy(server, ""));
}

#[test]
fn haproxy_that_cuts_silence() {
    let start = |server| RealProxy::haproxy(server, "timeout server 3s");
    is_told("HAProxy", Name::Silence, "timeout server", start);
}

#[test]
fn caddy_that_lets_streams_through_is_good() {
    is_good("Caddy", |server| RealProxy::caddy(server, "", ""));
}

#[test]
fn caddy_that_buffers() {
    let start = |server| RealProxy::caddy(server, "", "response_buffers 64KiB");
    is_told("Caddy", Name::FirstEvent, "response_buffers", start);
}

#[test]
fn caddy_that_cuts_silence() {
    let start = |server| RealProxy::caddy(server, "", "transport http {\nread_timeout 3s\n}");
    is_told("Caddy", Name::Silence, "read_timeout", start);
}

#[test]
fn caddy_that_cuts_by_age() {
    let start = |server| RealProxy::caddy(server, "servers {\ntimeouts {\nwrite 5s\n}\n}", "");
    is_told("Caddy", Name::Age, "write", start);
}

#[test]
fn caddy_that_drops_last_event_id() {
    let start = |server| RealProxy::caddy(server, "", "header_up -Last-Event-ID");
    is_told("Caddy", Name::Resume, "header_up -Last-Event-ID", start);
}

const WHOLE: &str = "route: { cluster: server, timeout: 0s }";

#[test]
fn envoy_that_lets_streams_through_is_good() {
    is_good("Envoy", |server| RealProxy::envoy(server, "", WHOLE));
}

#[test]
fn envoy_that_cuts_silence() {
    let start = |server| RealProxy::envoy(server, "stream_idle_timeout: 3s", WHOLE);
    is_told("Envoy", Name::Silence, "stream_idle_timeout", start);
}

/// Its default is 15 s.
#[test]
fn envoy_that_cuts_by_age() {
    let route = "route: { cluster: server, timeout: 5s }";
    let start = |server| RealProxy::envoy(server, "", route);
    is_told("Envoy", Name::Age, "timeout: 0s", start);
}

#[test]
fn envoy_that_drops_last_event_id() {
    let route = "route: { cluster: server, timeout: 0s }\n                request_headers_to_remove: [last-event-id]";
    let start = |server| RealProxy::envoy(server, "", route);
    is_told("Envoy", Name::Resume, "request_headers_to_remove", start);
}

/// Streams are not cached, and polls neither.
const PIPE: &str = "sub vcl_recv { if (req.url ~ \"^/stream\") { return (pipe); } return (pass); }";

#[test]
fn varnish_that_lets_streams_through_is_good() {
    is_good("Varnish", |server| RealProxy::varnish(server, PIPE, &[]));
}

#[test]
fn varnish_that_buffers() {
    let routines = "sub vcl_recv { return (pass); } sub vcl_backend_response { set beresp.do_stream = false; }";
    let start = |server| RealProxy::varnish(server, routines, &["-p", "between_bytes_timeout=600"]);
    is_told("Varnish", Name::FirstEvent, "do_stream", start);
}

#[test]
fn varnish_that_cuts_silence() {
    let start = |server| RealProxy::varnish(server, PIPE, &["-p", "pipe_timeout=3"]);
    is_told("Varnish", Name::Silence, "pipe_timeout", start);
}

#[test]
fn varnish_that_drops_last_event_id() {
    let routines = PIPE.replace("{ if", "{ unset req.http.Last-Event-ID; if");
    let start = |server| RealProxy::varnish(server, &routines, &[]);
    is_told(
        "Varnish",
        Name::Resume,
        "unset req.http.Last-Event-ID",
        start,
    );
}

#[test]
fn varnish_that_caches_polls() {
    let routines = PIPE.replace(
        "return (pass)",
        "if (req.method == \"GET\") { return (hash); } return (pass)",
    ) + " sub vcl_backend_response { set beresp.ttl = 30s; set beresp.uncacheable = false; return (deliver); }";
    let start = |server| RealProxy::varnish(server, &routines, &[]);
    let (_, report) = through("Varnish", start);
    let found = of(&report, Name::PollCache);
    assert_eq!(found.result, Verdict::Warning, "{report:?}");
    assert!(
        found
            .advice
            .as_deref()
            .unwrap_or_default()
            .contains("return (pass)"),
        "{found:?}"
    );
}
