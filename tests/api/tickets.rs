//! Tickets: used once in a URL in place of a token.

use std::{collections::HashSet, fs};

use poll_vs_sse_server::{
    access::{JwtRules, keys::KeySource},
    config::Config,
};
use serde_json::{Value, json};

use crate::limits::rate;
use crate::support::{
    client::TestClient as _,
    events::Events,
    eventually,
    server::{Server, StoreKind},
    signer::{Signer, now},
};

const SECRET: &str = "a secret of more than thirty-two bytes";

fn server() -> Server {
    server_with(|_| {})
}

fn server_with(configure: impl FnOnce(&mut Config)) -> Server {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("secret");
    fs::write(&path, SECRET).expect("written");
    Server::with(StoreKind::Memory, |config| {
        config.request_log = true;
        config.access.jwt = Some(JwtRules {
            keys: KeySource::Secret(path),
            audience: None,
            issuer: None,
        });
        configure(config);
    })
}

fn token(rooms: &Value) -> String {
    Signer::secret(SECRET).token(rooms)
}

fn ticket(server: &Server, token: &str) -> String {
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str())];
    let answer = server.raw().ask("POST", "/tickets", &headers, b"").ok();
    assert_eq!(answer["expires_in"], 30);
    answer["ticket"].as_str().expect("a ticket").to_owned()
}

#[test]
fn a_ticket_works_once_with_the_permissions_of_its_token() {
    let server = server();
    let token = token(&json!({"read": ["lobby"]}));
    let first = ticket(&server, &token);
    let mut events = Events::open(server.raw(), &format!("/stream?ticket={first}"), &[]);
    assert_eq!(events.frame(), "retry: 1000\n\n");
    for target in ["/stream", "/poll"] {
        let refused = server.get(&format!("{target}?ticket={first}"));
        refused.assert_problem_field(401, "ticket");
        assert!(refused.header("www-authenticate").is_some());
    }
    let second = ticket(&server, &token);
    server
        .get(&format!("/poll?room=secret&ticket={second}"))
        .assert_problem_field(403, "room");
    let third = ticket(&server, &token);
    server.get(&format!("/poll?ticket={third}")).ok();
    let lines = server.lines.text();
    for ticket in [first, second, third] {
        assert!(!lines.contains(&ticket), "{lines}");
    }
}

#[test]
fn a_request_that_is_refused_for_its_rate_does_not_spend_its_ticket() {
    let server = server_with(|config| {
        config.limits.rates.read = rate(1);
    });
    let ticket = ticket(&server, &token(&json!({"read": ["lobby"]})));
    let poll = || server.get(&format!("/poll?ticket={ticket}")).status();
    // Asking for the ticket was the one request of this second.
    assert_eq!(poll(), 429);
    eventually("its turn comes", || match poll() {
        429 => false,
        status => {
            assert_eq!(status, 200);
            true
        }
    });
}

#[test]
fn an_invalid_ticket_is_401() {
    let server = server();
    for bad in [
        "",
        "x",
        "%00",
        "%ff",
        "0123456789abcdef0123456789abcdef0123456789abcdef",
    ] {
        server
            .get(&format!("/poll?ticket={bad}"))
            .assert_problem_field(401, "ticket");
    }
    let long = "x".repeat(6000);
    server
        .get(&format!("/poll?ticket={long}"))
        .assert_problem_field(401, "ticket");
}

#[test]
fn a_repeated_ticket_is_400_and_is_not_used_up() {
    let server = server();
    let token = token(&json!({"read": ["lobby"]}));
    let ticket = ticket(&server, &token);
    for target in [
        format!("/poll?ticket={ticket}&ticket=x"),
        format!("/stream?ticket=x&ticket={ticket}"),
        format!("/poll?ticket={ticket}&%74icket={ticket}"),
    ] {
        server.get(&target).assert_problem_field(400, "ticket");
    }
    server.get(&format!("/poll?ticket={ticket}")).ok();
}

#[test]
fn a_ticket_is_not_given_for_a_ticket() {
    let server = server();
    let token = token(&json!({"read": ["lobby"]}));
    let ticket = ticket(&server, &token);
    let target = format!("/tickets?ticket={ticket}");
    server
        .raw()
        .ask("POST", &target, &[], b"")
        .assert_problem_field(400, "ticket");
    // That did not spend the ticket.
    server.get(&format!("/poll?ticket={ticket}")).ok();
}

#[test]
fn a_tickets_stream_ends_when_the_token_behind_it_expires() {
    let server = server();
    let claims = json!({"exp": now() - 26, "rooms": {"read": ["lobby"]}});
    let token = Signer::secret(SECRET).sign(&claims, &json!({}));
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str())];
    let answer = server.raw().ask("POST", "/tickets", &headers, b"").ok();
    assert!(
        answer["expires_in"].as_u64().is_some_and(|it| it <= 4),
        "{answer}"
    );
    let ticket = answer["ticket"].as_str().expect("a ticket");
    let mut events = Events::open(server.raw(), &format!("/stream?ticket={ticket}"), &[]);
    while events.next().is_some() {}
}

#[test]
fn the_unspent_tickets_of_a_subject_are_bounded() {
    let server = server();
    let authorization = format!("Bearer {}", token(&json!({"read": ["lobby"]})));
    let headers = [("Authorization", authorization.as_str())];
    let mut connection = server.raw();
    let mut given = HashSet::new();
    loop {
        let answer = connection.ask("POST", "/tickets", &headers, b"");
        if answer.status() != 200 {
            assert_eq!(answer.problem(429)["limit"], "tickets");
            assert!(answer.header("retry-after").is_some());
            break;
        }
        let ticket = answer.json()["ticket"]
            .as_str()
            .expect("a ticket")
            .to_owned();
        assert!(given.insert(ticket), "given twice");
        assert!(given.len() <= 100, "the number of tickets is not limited");
    }
}

#[test]
fn without_tokens_there_are_no_tickets() {
    let server = Server::memory();
    server.raw().ask("POST", "/tickets", &[], b"").problem(404);
    let refused = server.raw().ask("GET", "/tickets", &[], b"");
    refused.problem(405);
    assert_eq!(refused.header("allow"), Some("POST"));
}
