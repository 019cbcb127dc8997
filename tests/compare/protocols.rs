//! The same comparison over each version of HTTP, with and without TLS.

use poll_vs_sse_instrument::{OwnServer, Protocol, RunResult, Target, Transport, Workload};

use crate::support::{
    program::{Program, compare},
    run, small_workload,
};

fn own_target(protocol: Option<Protocol>, tls: bool) -> Target {
    Target::Own(OwnServer {
        binary: Some(env!("CARGO_BIN_EXE_poll-vs-sse").into()),
        protocol,
        tls,
        ..OwnServer::default()
    })
}

fn measure_valid(protocol: Option<Protocol>, tls: bool, transport: Transport) -> RunResult {
    let outcome = run(&own_target(protocol, tls), &small_workload(), transport);
    assert!(outcome.is_valid(), "{outcome:?}");
    outcome
}

#[test]
fn every_transport_can_be_measured_over_every_form() {
    for (protocol, tls, spoken) in [
        (Some(Protocol::Http1), false, Protocol::Http1),
        (Some(Protocol::Http1), true, Protocol::Http1),
        (Some(Protocol::Http2), false, Protocol::Http2),
        // Negotiated by ALPN.
        (None, true, Protocol::Http2),
    ] {
        for transport in Transport::ALL {
            let outcome = measure_valid(protocol, tls, transport);
            assert_eq!(outcome.protocol, spoken);
            assert_eq!(outcome.tls.as_deref(), tls.then_some("TLS 1.3"));
            let handshakes = outcome.handshakes;
            assert_eq!(handshakes.count, if tls { outcome.connections } else { 0 });
            assert_eq!(handshakes.wire_bytes_out > 0, tls, "{outcome:?}");
        }
    }
}

#[test]
fn new_connections_for_each_poll_have_a_handshake_each() {
    let workload = Workload {
        new_connections: true,
        ..small_workload()
    };
    let outcome = run(&own_target(None, true), &workload, Transport::Poll);
    assert!(outcome.is_valid(), "{outcome:?}");
    // A client may have been stopped between its handshake and its request.
    let spare = outcome.connections - outcome.whole.requests;
    assert!(spare <= outcome.clients, "{outcome:?}");
    // Each client resumes its own TLS session.
    let handshakes = outcome.handshakes;
    let full = handshakes.count - handshakes.resumed;
    assert_eq!(full, outcome.clients, "{outcome:?}");
}

#[test]
fn a_protocol_that_the_server_does_not_speak_is_reported_in_one_sentence() {
    let server = crate::support::log_server::start(Default::default());
    let directory = tempfile::tempdir().expect("a directory");
    let profile = directory.path().join("profile.toml");
    std::fs::write(&profile, crate::support::log_server::PROFILE).expect("written");
    let (url, profile) = (server.url(), profile.display().to_string());
    let ended = compare(&["--target", &url, "--profile", &profile, "--protocol", "h2"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.stderr.contains("does not speak HTTP/2"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

#[test]
fn an_untrusted_certificate_needs_the_flag_insecure() {
    let (server, addr) = Program::serve_tls();
    let url = format!("https://{addr}");
    let ended = compare(&["--target", &url, "--duration", "1s"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--insecure"), "{}", ended.stderr);
    let flags = "--insecure --protocol h2 --clients 3 --rate 5 --interval 100ms --duration 1s";
    let flags: Vec<&str> = flags.split(' ').collect();
    let ended = compare(&[&["--target", &url], &flags[..]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.contains("HTTP/2 over TLS 1.3"),
        "{}",
        ended.stdout
    );
    drop(server);
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    for (flags, words) in [
        (&["--insecure"][..], "--insecure"),
        (
            &["--target", "http://127.0.0.1:1", "--tls"],
            "--tls is for `self`",
        ),
        (
            &["--target", "http://127.0.0.1:1", "--insecure"],
            "has none",
        ),
        (&["--protocol", "h3"], "--protocol"),
    ] {
        let ended = compare(flags);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}
