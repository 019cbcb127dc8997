//! The limits on a single client and on all clients together.

use std::{fs, num::NonZeroU32, time::Duration};

use poll_vs_sse_server::{
    access::{JwtRules, keys::KeySource},
    config::Config,
    limits::rates::Rate,
};
use serde_json::json;

use crate::support::{
    client::{JSON, TestClient as _},
    eventually,
    process::Process,
    protocol_client::{ProtocolClient, ProtocolForm, run},
    raw_connection::request,
    response::Response,
    server::{Server, StoreKind},
    signer::Signer,
};

const SECRET: &str = "a secret of more than thirty-two bytes";

fn server(configure: impl FnOnce(&mut Config)) -> Server {
    Server::with(StoreKind::Memory, configure)
}

pub fn rate(per_second: u32) -> Option<Rate> {
    NonZeroU32::new(per_second).and_then(Rate::per_second)
}

fn assert_limited(answer: &Response, status: u16, limit: &str) {
    let problem = answer.problem(status);
    assert_eq!(problem["limit"], limit, "{problem}");
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains(limit), "{detail}");
    let wait = answer.header("retry-after").expect("a time");
    assert!(wait.parse::<u32>().is_ok_and(|it| it >= 1), "{wait}");
}

/// The refusals counted for `reason`. Retries while a connection that has just ended still occupies the place that this
/// request needs.
pub fn refused(server: &Server, reason: &str) -> u64 {
    let mut metrics = None;
    eventually("there is room to ask", || {
        let answer = server.get("/metrics");
        metrics = Some(answer.text());
        answer.status() == 200
    });
    let name = format!("poll_vs_sse_refused_total{{reason=\"{reason}\"}} ");
    let metrics = metrics.expect("metrics");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
    line.and_then(|it| it.parse().ok()).expect("a count")
}

#[test]
fn at_the_limit_new_connections_are_refused_and_existing_ones_still_work() {
    let server = server(|config| config.limits.connections.total = Some(3));
    let mut events = server.stream("last=0");
    events.frame();
    let (mut first, mut second) = (server.raw(), server.raw());
    first.get("/poll").ok();
    second.get("/poll").ok();
    let mut third = server.raw();
    let answer = third.get("/poll");
    assert_limited(&answer, 503, "max-connections");
    assert_eq!(answer.header("connection"), Some("close"));
    third.read_until_closed().expect("closed");
    let message = crate::support::client::publish_text(&mut first, "lobby", "hello");
    assert_eq!(events.message(), message);
    drop(second);
    eventually("there is room again", || {
        server.get("/healthz").status() == 200
    });
    assert!(refused(&server, "max-connections") >= 1);
}

#[test]
fn a_client_at_its_limit_is_refused_over_every_protocol() {
    for form in ProtocolForm::ALL {
        let server = Server::on_every_form_with(|config| {
            config.limits.connections.per_client = Some(2);
        });
        run(async {
            let mut first = ProtocolClient::connect(&server, form).await;
            let mut second = ProtocolClient::connect(&server, form).await;
            assert_eq!(first.get("/poll").await.0, 200, "{form:?}");
            assert_eq!(second.get("/poll").await.0, 200, "{form:?}");
            let mut third = ProtocolClient::connect(&server, form).await;
            let (status, body) = third.get("/poll").await;
            assert_eq!(status, 429, "{form:?}: {body}");
            assert!(body.contains("max-connections-per-client"), "{body}");
            assert_eq!(first.get("/poll").await.0, 200, "{form:?}");
        });
    }
}

#[test]
fn clients_behind_a_trusted_proxy_are_distinguished_by_its_header() {
    let server = server(|config| {
        config.limits.connections.per_client = Some(1);
        config.limits.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    });
    let open = |client: &str, field| {
        let headers = [(field, client)];
        let mut connection = server.raw();
        connection.send(request("GET", "/stream?last=0", &headers, b""));
        let head = connection.head().expect("a head");
        (head.status, connection)
    };
    let first = open("192.0.2.1", "X-Forwarded-For");
    assert_eq!(first.0, 200);
    assert_eq!(open("192.0.2.1", "X-Forwarded-For").0, 429);
    assert_eq!(open("for=192.0.2.1", "Forwarded").0, 429);
    // The first address comes from the client itself, so it is ignored.
    assert_eq!(open("192.0.2.9, 192.0.2.1", "X-Forwarded-For").0, 429);
    let second = open("192.0.2.2", "X-Forwarded-For");
    assert_eq!(second.0, 200);
    // Clients for whom both fields name an address share the proxy's own address, whatever they claim.
    let both = |claimed: &str| {
        let headers = [("Forwarded", claimed), ("X-Forwarded-For", "192.0.2.1")];
        let mut connection = server.raw();
        connection.send(request("GET", "/stream?last=0", &headers, b""));
        let head = connection.head().expect("a head");
        (head.status, connection)
    };
    let of_proxy = both("for=192.0.2.66");
    assert_eq!(of_proxy.0, 200);
    assert_eq!(both("for=192.0.2.67").0, 429);
    drop(first);
    eventually("the first has left", || {
        open("192.0.2.1", "X-Forwarded-For").0 == 200
    });
}

#[test]
fn the_header_is_ignored_from_untrusted_addresses() {
    let server = server(|config| {
        config.limits.rates.read = rate(2);
        config.limits.trusted_proxies = vec!["10.0.0.0/8".parse().expect("a network")];
    });
    let statuses: Vec<u16> = (0..8)
        .map(|i| {
            let claimed = format!("192.0.2.{i}");
            server
                .get_with("/poll?last=0", &[("X-Forwarded-For", &claimed)])
                .status()
        })
        .collect();
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[test]
fn publishes_and_reads_have_a_rate_each() {
    let server = server(|config| {
        config.limits.rates.publish = rate(1);
        config.limits.rates.read = rate(5);
    });
    let draft = json!({"author": "mina", "text": "hello"});
    let answers: Vec<Response> = (0..10).map(|_| server.publish(&draft)).collect();
    assert_eq!(answers[0].status(), 201);
    let limited = answers.iter().find(|it| it.status() == 429);
    assert_limited(limited.expect("one too many"), 429, "publish-rate");
    let answers: Vec<Response> = (0..40).map(|_| server.get("/%70oll?last=0")).collect();
    assert_eq!(answers[0].status(), 200);
    let limited = answers.iter().find(|it| it.status() == 429);
    assert_limited(limited.expect("one too many"), 429, "read-rate");
    let answers: Vec<Response> = (0..10).map(|_| server.get("/plan")).collect();
    let limited = answers.iter().find(|it| it.status() == 429);
    assert_limited(limited.expect("one too many"), 429, "read-rate");
    // Health checks have no rate limit.
    for _ in 0..20 {
        assert_eq!(server.get("/healthz").status(), 200);
    }
    eventually("a bucket fills again", || {
        server.get("/poll?last=0").status() == 200
    });
    eventually("and is counted", || {
        let metrics = server.get("/metrics");
        metrics.status() == 200
            && !metrics.text().contains("{reason=\"publish-rate\"} 0")
            && !metrics.text().contains("{reason=\"read-rate\"} 0")
    });
}

#[test]
fn a_rate_limits_a_tokens_subject_across_addresses() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("secret");
    fs::write(&path, SECRET).expect("written");
    let server = server(|config| {
        config.limits.rates.publish = rate(1);
        config.access.jwt = Some(JwtRules {
            keys: KeySource::Secret(path),
            audience: None,
            issuer: None,
        });
    });
    let publish = |subject: &str| {
        let claims = json!({
            "sub": subject, "exp": crate::support::signer::now() + 600, "rooms": {"publish": ["*"]},
        });
        let token = Signer::secret(SECRET).sign(&claims, &json!({}));
        let authorization = format!("Bearer {token}");
        let draft = r#"{"author": "mina", "text": "hello"}"#;
        server
            .post(draft, &[JSON, ("Authorization", &authorization)])
            .status()
    };
    let statuses: Vec<u16> = (0..10).map(|_| publish("mina")).collect();
    assert!(
        statuses.contains(&201) && statuses.contains(&429),
        "{statuses:?}"
    );
    // Another subject from the same address has its own rate.
    assert_eq!(publish("joon"), 201);
}

#[test]
fn a_flood_of_bad_tokens_costs_no_further_verifications() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("secret");
    fs::write(&path, SECRET).expect("written");
    let server = server(|config| {
        config.limits.rates.read = Rate::per_second(NonZeroU32::new(20).expect("not zero"));
        config.access.jwt = Some(JwtRules {
            keys: KeySource::Secret(path),
            audience: None,
            issuer: None,
        });
    });
    let expires_at = crate::support::signer::now() + 600;
    let get = |secret: &str, subject: &str| {
        let claims = json!({"sub": subject, "exp": expires_at, "rooms": {"read": ["*"]}});
        let token = Signer::secret(secret).sign(&claims, &json!({}));
        let authorization = format!("Bearer {token}");
        server.get_with("/poll?last=0", &[("Authorization", &authorization)])
    };
    assert_eq!(get(SECRET, "mina").status(), 200);
    let mut forged = 0;
    // A token that the server has not seen is refused before its signature is verified.
    eventually("the address is over its rate", || {
        (0..30).for_each(|_| {
            forged += 1;
            get("another secret", "eve");
        });
        let answer = get(SECRET, &format!("joon-{forged}"));
        answer.status() == 429 && answer.problem(429)["limit"] == "read-rate"
    });
    assert_eq!(
        get(SECRET, "mina").status(),
        200,
        "a token that it has seen"
    );
    // Each request is counted for one reason.
    let [of_token, of_rate] = ["token", "read-rate"].map(|it| refused(&server, it));
    assert!(of_token < forged && of_rate > 0, "{of_token} {of_rate}");
}

#[test]
fn an_old_stream_ends_with_a_reconnect_delay() {
    let server = server(|config| {
        config.limits.max_connection_age = Some(Duration::from_secs(1));
    });
    let mut waits = Vec::new();
    for _ in 0..4 {
        let mut events = server.stream("last=0");
        let mut last = events.frame();
        while let Some(frame) = events.next() {
            last = frame;
        }
        let retry = last.strip_prefix("retry: ").expect("a time").trim();
        waits.push(retry.parse::<u64>().expect("milliseconds"));
    }
    assert!(
        waits.iter().all(|it| (500..=1500).contains(it)),
        "{waits:?}"
    );
    assert!(waits.iter().any(|it| *it != waits[0]), "{waits:?}");
}

#[test]
fn a_stream_in_the_middle_of_traffic_ends_between_events() {
    let server = server(|config| {
        config.limits.max_connection_age = Some(Duration::from_secs(1));
    });
    let mut events = server.stream("last=0");
    let mut publisher = server.raw();
    let mut received = 0;
    let mut published = 0;
    while !events.ended {
        crate::support::client::publish_text(&mut publisher, "lobby", "hello");
        published += 1;
        while let Some(frame) = events.next_whole() {
            received += usize::from(frame.starts_with("id: "));
        }
        events.read_more().expect("more, or the end");
    }
    while let Some(frame) = events.next_whole() {
        received += usize::from(frame.starts_with("id: "));
    }
    assert!(events.text.is_empty(), "whole events");
    assert!(received > 0 && received <= published);
}

#[test]
fn faults_can_be_turned_off() {
    let off = server(|config| config.limits.fault_injection = false);
    off.get("/poll?fault=slow")
        .assert_problem_field(403, "fault");
    off.get("/stream?fault=cut")
        .assert_problem_field(403, "fault");
    off.get("/poll?fault=restart&fault_key=key")
        .assert_problem_field(403, "fault");
    // A key without a fault has no effect, so it is accepted.
    off.get("/poll?fault_key=key").ok();
    off.get("/poll?fault=fire")
        .assert_problem_field(400, "fault");
}

#[test]
fn faults_are_on_by_default_on_loopback() {
    // Other addresses are not tested, because listening on all interfaces could make the server public.
    for (flags, status) in [
        (&[][..], 200),
        (&["--fault-injection", "off"], 403),
        (&["--fault-injection", "on"], 200),
    ] {
        let server = Process::start(&[&["--store", "memory"], flags].concat());
        assert_eq!(
            server.get("/poll?fault=slow&last=0").status(),
            status,
            "{flags:?}"
        );
    }
}
