//! The instrument's byte counts match those of the kernel and of the server's ledger.

use poll_vs_sse_instrument::{Profile, RunResult, Target, Traffic, Transport};
use serde_json::Value;

use crate::support::{
    log_server::{self, Behaviour},
    program::Program,
    run, small_workload,
};

/// The tolerance: an answer in flight when a client ends is counted by only one side.
const SHARE: f64 = 0.01;

fn assert_near(what: &str, counted: u64, others: u64) {
    let off = counted.abs_diff(others) as f64 / others.max(1) as f64;
    assert!(
        off <= SHARE,
        "{what}: the instrument counted {counted}, the other side {others}"
    );
}

#[test]
fn bytes_match_those_of_the_kernel() {
    for transport in [Transport::Poll, Transport::Stream] {
        let server = log_server::start(Behaviour::default());
        let outcome = run(&log_server::target(&server), &small_workload(), transport);
        let kernel = server.carried();
        assert!(outcome.whole.wire_bytes_out > 10_000, "{outcome:?}");
        assert_near("in", outcome.whole.wire_bytes_in, kernel.bytes_in);
        assert_near("out", outcome.whole.wire_bytes_out, kernel.bytes_out);
    }
}

#[test]
fn bytes_match_those_of_our_servers_ledger() {
    let (_server, addr) = Program::serve();
    let url = format!("http://{addr}");
    let target = Target::remote(&url, Profile::own(), None).expect("a target");
    for transport in Transport::ALL {
        let outcome = run(&target, &small_workload(), transport);
        assert!(outcome.is_valid(), "{outcome:?}");
        assert_ledger(&url, &outcome);
    }
}

fn assert_ledger(url: &str, outcome: &RunResult) {
    let Traffic {
        requests,
        wire_bytes_in,
        wire_bytes_out,
    } = outcome.whole;
    let ledger = get(url, "/ledger");
    let told = &ledger["transports"][outcome.transport.as_str()];
    // A long-poll client's first request is a plain poll, which gets the cursor at the end of the log.
    let plain = match outcome.transport {
        Transport::LongPoll => outcome.opening,
        _ => Traffic::default(),
    };
    let count = |name: &str| told[name].as_u64().expect("a count");
    assert_near("requests", requests - plain.requests, count("requests"));
    assert_near(
        "in",
        wire_bytes_in - plain.wire_bytes_in,
        count("wire_bytes_in"),
    );
    assert_near(
        "out",
        wire_bytes_out - plain.wire_bytes_out,
        count("wire_bytes_out"),
    );
}

fn get(url: &str, path: &str) -> Value {
    use std::io::{Read as _, Write as _};

    let addr = url.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(addr).expect("connected");
    stream
        .set_read_timeout(Some(crate::support::TEST_TIMEOUT))
        .expect("settable");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("read");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
    serde_json::from_str(body).expect("JSON")
}
