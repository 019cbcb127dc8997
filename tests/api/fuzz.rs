//! Random input of every kind: the server refuses or answers it, without a 5xx, a panic or growing memory.
//!
//! `POLL_VS_SSE_FUZZ_CASES` is the number of cases of each kind, and `POLL_VS_SSE_FUZZ_SEED` repeats a run.

use std::{collections::BTreeMap, env, fs, net::Shutdown};

use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    bad_http::answers,
    fuzz_input::{self, SECRET},
    http2_attacks::Attacker,
    support::{
        client::TestClient as _,
        process::Process,
        raw_connection::{RawConnection, request},
        signer::Signer,
    },
};

const CASES: usize = 200;
/// Cases before the server's memory is compared, in which it allocates buffers, caches and threads.
const WARM_UP: usize = 100;
/// More than the allocator of a busy server keeps for later.
const MAX_GROWTH_MB: usize = 24;

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    let value = env::var(name).ok()?;
    Some(
        value
            .parse()
            .ok()
            .unwrap_or_else(|| panic!("{name}={value}")),
    )
}

/// A server with little retention, as a separate process.
fn server(flags: &[&str]) -> Process {
    let small = [
        "--store",
        "memory",
        "--workers",
        "1",
        "--request-log",
        "off",
        "--retain-messages",
        "100",
    ];
    Process::start(&[&small, flags].concat())
}

/// Sends the values of `strategy`, one case after another. `send` returns the status codes of the answers.
fn fuzz<S: Strategy>(
    what: &str,
    server: Process,
    strategy: S,
    mut send: impl FnMut(&Process, &S::Value) -> Vec<u16>,
) {
    let cases = setting("POLL_VS_SSE_FUZZ_CASES").unwrap_or(CASES);
    let seed: u64 = setting("POLL_VS_SSE_FUZZ_SEED").unwrap_or_else(rand_seed);
    println!("{what}: {cases} cases, POLL_VS_SSE_FUZZ_SEED={seed}");
    let bytes: Vec<u8> = seed.to_le_bytes().repeat(4);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (mut before, mut counts) = (None, BTreeMap::<u16, usize>::new());
    for case in 0..WARM_UP + cases {
        if case == WARM_UP {
            before = Some(server.resident_megabytes());
        }
        let value = strategy.new_tree(&mut runner).expect("a value").current();
        let answers = send(&server, &value);
        for status in &answers {
            *counts.entry(*status).or_default() += 1;
        }
        let is_right = answers.iter().all(|status| *status < 500);
        assert!(
            is_right,
            "{what}, seed {seed}, case {case}: {answers:?} to {value:?}"
        );
    }
    let grown = server
        .resident_megabytes()
        .saturating_sub(before.expect("more cases than warm up"));
    assert!(
        grown < MAX_GROWTH_MB,
        "{what}, seed {seed}: {grown} MB more"
    );
    println!("{what}: {grown} MB more; answers by status: {counts:?}");
    assert_eq!(server.get("/healthz").status(), 200);
    let ended = server.stop();
    assert_eq!(ended.status.code(), Some(0), "{what}, seed {seed}");
    assert_eq!(ended.stderr, "", "{what}, seed {seed}");
    let log = ended.stdout.to_lowercase();
    for word in ["error", "panic", "fail", "warn"] {
        assert!(!log.contains(word), "{what}, seed {seed}: {word} in {log}");
    }
}

fn rand_seed() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("entropy");
    u64::from_le_bytes(bytes)
}

/// A connection that is reused until the server closes it.
#[derive(Default)]
struct KeptConnection(Option<RawConnection>);

impl KeptConnection {
    /// The status of the answer to `bytes`; empty if the connection ended without one.
    fn ask(&mut self, server: &Process, method: &str, bytes: &[u8]) -> Vec<u16> {
        let mut connection = self.0.take().unwrap_or_else(|| server.raw());
        if connection.try_send(bytes).is_err() {
            return Vec::new();
        }
        let Ok(head) = connection.head() else {
            return Vec::new();
        };
        let status = head.status;
        // A connection cannot be reused after a stream or after `Connection: close`.
        if head.header("content-type") == Some("text/event-stream") {
            connection.abort();
        } else {
            let framing = head.framing(method);
            let mut body = Vec::new();
            while !connection.take_body(framing, &mut body) {
                if connection.read_more().is_ok_and(|read| read > 0) {
                    continue;
                }
                return vec![status];
            }
            if head.header("connection") != Some("close") {
                self.0 = Some(connection);
            }
        }
        vec![status]
    }
}

#[test]
fn no_bytes_make_the_server_fail() {
    let strategy = prop_oneof![fuzz_input::bytes(), fuzz_input::almost_requests()];
    fuzz("bytes", server(&[]), strategy, |server, bytes| {
        answers(server, bytes)
    });
}

#[test]
fn no_frames_make_the_server_fail() {
    fuzz(
        "frames",
        server(&[]),
        fuzz_input::http2_bytes(),
        |server, bytes| {
            let mut attacker = Attacker::bare(server);
            // The server may refuse before it has read everything.
            let _ = attacker.try_send(bytes);
            let mut received = attacker.settle();
            let _ = attacker.socket().shutdown(Shutdown::Write);
            received.extend(attacker.read_to_end());
            http2_statuses(&received)
        },
    );
}

/// The statuses in the server's HEADERS frames. Only those are found that are not references to HPACK's dynamic table.
/// A status that is not in the static table is a literal, of which only the first digit is decoded.
fn http2_statuses(bytes: &[u8]) -> Vec<u16> {
    let mut statuses = Vec::new();
    let mut rest = bytes;
    while let [l0, l1, l2, kind, _, _, _, _, _, payload @ ..] = rest {
        let length = u32::from_be_bytes([0, *l0, *l1, *l2]) as usize;
        let payload = &payload[..length.min(payload.len())];
        match (*kind, payload) {
            // In HPACK's static table (RFC 7541, appendix A).
            (1, [0x88, ..]) => statuses.push(200),
            (1, [0x8c, ..]) => statuses.push(400),
            (1, [0x8d, ..]) => statuses.push(404),
            (1, [0x8e, ..]) => statuses.push(500),
            // The Huffman code (appendix B) of a literal's first digit.
            (1, [0x48, _, first, ..]) if first >> 2 == 0b01_1010 => statuses.push(400),
            (1, [0x48, _, first, ..]) if first >> 2 == 0b01_1011 => statuses.push(500),
            _ => {}
        }
        rest = &rest[(9 + length).min(rest.len())..];
    }
    statuses
}

#[test]
fn no_query_makes_the_server_fail() {
    let mut kept = KeptConnection::default();
    let server = server(&["--fault-injection", "off"]);
    server.publish_many("lobby", 5);
    fuzz(
        "queries",
        server,
        fuzz_input::targets(),
        |server, target| kept.ask(server, "GET", &request("GET", target, &[], b"")),
    );
}

#[test]
fn no_field_makes_the_server_fail() {
    let flags = [
        "--trusted-proxy",
        "127.0.0.0/8",
        "--cors-origin",
        "https://chat.example",
        "--max-connections-per-client",
        "1000",
        "--read-rate",
        "1000000/s",
    ];
    let mut kept = KeptConnection::default();
    fuzz(
        "fields",
        server(&flags),
        fuzz_input::fields(),
        |server, fields| {
            let end = b"Connection: keep-alive\r\n\r\n";
            let bytes = [
                b"GET /poll?last=1 HTTP/1.1\r\nHost: test\r\n",
                &fields[..],
                end,
            ]
            .concat();
            kept.ask(server, "GET", &bytes)
        },
    );
}

#[test]
fn no_invalid_token_or_ticket_is_accepted_or_makes_the_server_fail() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("secret");
    fs::write(&path, SECRET).expect("written");
    let secret = path.to_str().expect("UTF-8");
    let server = server(&["--auth", "jwt", "--jwt-secret-file", secret]);
    let mut kept = KeptConnection::default();
    let mut way = 0;
    fuzz("tokens", server, fuzz_input::tokens(), |server, token| {
        way += 1;
        let (bearer, cookie) = (
            format!("Bearer {token}"),
            format!("poll_vs_sse_token={token}"),
        );
        let ticket: String = form_urlencoded(token);
        let request = match way % 3 {
            0 => request("GET", "/poll?last=1", &[("Authorization", &bearer)], b""),
            1 => request("GET", "/poll?last=1", &[("Cookie", &cookie)], b""),
            _ => request("GET", &format!("/poll?last=1&ticket={ticket}"), &[], b""),
        };
        let answers = kept.ask(server, "GET", &request);
        assert!(
            !answers.contains(&200) || is_genuine(token),
            "{token} was accepted"
        );
        answers
    });
}

fn form_urlencoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Whether the token is signed with the secret.
fn is_genuine(token: &str) -> bool {
    Signer::secret(SECRET).has_signed(token)
}

#[test]
fn no_body_makes_the_server_fail() {
    let mut kept = KeptConnection::default();
    let mut route = 0;
    fuzz(
        "bodies",
        server(&[]),
        fuzz_input::bodies(),
        |server, body| {
            route += 1;
            let (method, target) = match route % 3 {
                0 => ("PUT", "/presence/along?leader=a"),
                _ => ("POST", "/messages"),
            };
            let headers = [("Content-Type", "application/json")];
            let mut bytes = request(method, target, &headers, body);
            if method == "PUT" && body.is_empty() {
                bytes = request(method, target, &[headers[0], ("Content-Length", "0")], body);
            }
            kept.ask(server, method, &bytes)
        },
    );
}
