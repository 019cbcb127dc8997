//! What a token gives access to: rooms, the figures of clients, and publishing from pages.

use std::fs;

use poll_vs_sse_server::{
    access::{JwtRules, keys::KeySource},
    domain::client_label::ClientLabel,
};
use serde_json::json;

use crate::support::{
    client::{JSON, TestClient as _},
    events::Events,
    guarded::{SECRET, TokenServer, everything, signer},
    raw_connection::request,
    server::{Server, StoreKind},
    signer::now,
};

#[test]
fn a_token_opens_the_rooms_that_it_names() {
    let guarded = TokenServer::new();
    let token = signer().token(&json!({"read": ["lobby", "team-*"], "publish": ["lobby"]}));
    for (room, read, publish) in [
        ("lobby", 200, 201),
        ("team-a", 200, 403),
        ("secret", 403, 403),
        ("team", 403, 403),
    ] {
        for target in ["poll?last=0&room", "presence?room"] {
            let answer = guarded.get(&format!("/{target}={room}"), &token);
            assert_eq!(answer.status(), read, "{target} {room}");
            if read == 403 {
                answer.assert_problem_field(403, "room");
            }
        }
        assert_eq!(guarded.publish(room, &token).status(), publish, "{room}");
        let authorization = format!("Bearer {token}");
        let headers = [JSON, ("Authorization", authorization.as_str())];
        let along = json!({"room": room, "client": "me", "along": []}).to_string();
        let answer = guarded
            .server
            .raw()
            .ask("PUT", "/presence/along", &headers, along.as_bytes());
        assert_eq!(
            answer.status(),
            if read == 200 { 404 } else { 403 },
            "{room}"
        );
    }
    guarded
        .get("/stream?room=secret", &token)
        .assert_problem_field(403, "room");
    let nothing = signer().sign(&json!({"exp": now() + 600}), &json!({}));
    guarded
        .get("/poll", &nothing)
        .assert_problem_field(403, "room");
    assert_eq!(guarded.server.cost("publish")["messages"], 1);
}

#[test]
fn clients_of_unreadable_rooms_look_like_unknown_clients() {
    let guarded = TokenServer::new();
    let all = signer().token(&everything());
    let lobby = signer().token(&json!({"read": ["lobby"]}));
    guarded
        .get("/poll?room=secret&client=spy&trace=1", &all)
        .ok();
    guarded.get("/poll?room=lobby&client=me&trace=1", &all).ok();
    guarded
        .get("/poll?room=lobby&client=both&trace=1", &all)
        .ok();
    guarded
        .get("/poll?room=secret&client=both&trace=1", &all)
        .ok();
    for target in ["/ledger", "/trace"] {
        let of = |client: &str, token: &str| {
            let answer = guarded.get(&format!("{target}?client={client}"), token);
            (answer.status(), answer.json()["detail"].clone())
        };
        for client in ["spy", "me", "both"] {
            assert_eq!(of(client, &all).0, 200, "{target} {client}");
        }
        assert_eq!(of("me", &lobby).0, 200, "{target}");
        for client in ["spy", "both"] {
            assert_eq!(
                of(client, &lobby),
                of("nobody", &lobby),
                "{target} {client}"
            );
        }
    }
    // A refused publish is not counted for the client.
    let draft = r#"{"author": "mina", "text": "hello"}"#;
    guarded
        .server
        .raw()
        .ask("POST", "/messages?client=ghost", &[JSON], draft.as_bytes());
    guarded.get("/ledger?client=ghost", &all).problem(404);
}

#[test]
fn a_cookie_publishes_only_from_an_allowed_page() {
    let guarded = TokenServer::new();
    let cookie = format!("poll_vs_sse_token={}", signer().token(&everything()));
    let draft = r#"{"author": "mina", "text": "hello"}"#;
    let publish = |headers: &[(&str, &str)]| {
        let all = [&[JSON, ("Cookie", cookie.as_str())], headers].concat();
        guarded.server.post(draft, &all)
    };
    for headers in [
        &[][..],
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
        &[("Origin", "https://evil.example/test")],
        &[
            ("Sec-Fetch-Site", "same-site"),
            ("Origin", "https://evil.example"),
        ],
        &[("Sec-Fetch-Site", "cross-site")],
    ] {
        publish(headers).assert_problem_field(403, "Origin");
    }
    // The requests of tests have `Host: test`.
    for headers in [
        &[("Origin", "http://test")][..],
        &[("Origin", "https://test")],
        &[("Sec-Fetch-Site", "same-origin")],
    ] {
        assert_eq!(publish(headers).status(), 201, "{headers:?}");
    }
    // Reading does not check the page's origin, because other pages cannot see the answer.
    assert_eq!(
        guarded
            .server
            .get_with("/poll", &[("Cookie", &cookie)])
            .status(),
        200
    );
}

#[test]
fn figures_of_all_clients_can_require_a_token() {
    let guarded = TokenServer::new();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("secret");
    fs::write(&path, SECRET).expect("written");
    let closed = Server::with(StoreKind::Memory, |config| {
        config.limits.public_metrics = false;
        config.access.jwt = Some(JwtRules {
            keys: KeySource::Secret(path),
            audience: None,
            issuer: None,
        });
    });
    let all = format!("Bearer {}", signer().token(&everything()));
    let lobby = format!("Bearer {}", signer().token(&json!({"read": ["lobby"]})));
    // The router accepts percent-encoded spellings of a path, and the access check must too.
    for target in ["/metrics", "/ledger", "/%6detrics", "/ledge%72"] {
        assert_eq!(guarded.server.get(target).status(), 200);
        closed.get(target).problem(401);
        closed
            .get_with(target, &[("Authorization", &lobby)])
            .problem(403);
        let open = closed.get_with(target, &[("Authorization", &all)]);
        assert_eq!(open.status(), 200, "{target}");
    }
    let without_tokens = Server::with(StoreKind::Memory, |config| {
        config.limits.public_metrics = false
    });
    for target in ["/metrics", "/ledger", "/trace?client=me", "/%6detrics"] {
        without_tokens.get(target).problem(403);
    }
    without_tokens.get("/poll?client=me").ok();
    without_tokens.get("/ledger?client=me").ok();
}

#[test]
fn clients_of_unreadable_rooms_stay_unknown_after_many_others() {
    let guarded = TokenServer::new();
    let all = signer().token(&everything());
    let lobby = signer().token(&json!({"read": ["lobby"]}));
    let authorization = format!("Bearer {lobby}");
    let headers = [("Authorization", authorization.as_str())];
    let authorization_of_all = format!("Bearer {all}");
    let mut stream = Events::open(
        guarded.server.raw(),
        "/stream?room=secret&client=connected&trace=1",
        &[("Authorization", &authorization_of_all)],
    );
    stream.frame();
    guarded
        .get("/poll?room=secret&client=gone&trace=1", &all)
        .ok();

    // More labels than the server remembers.
    let mut flood = guarded.server.raw();
    const AT_ONCE: usize = 200;
    for first in (0..ClientLabel::MAX_REMEMBERED.get() + 1).step_by(AT_ONCE) {
        let polls: Vec<u8> = (first..first + AT_ONCE)
            .flat_map(|n| request("GET", &format!("/poll?last=0&client=m{n}"), &headers, b""))
            .collect();
        flood.send(polls);
        for _ in 0..AT_ONCE {
            flood.answer("GET").expect("an answer").ok();
        }
    }
    for client in ["connected", "gone"] {
        guarded
            .get(&format!("/poll?room=lobby&client={client}"), &lobby)
            .ok();
    }
    let of = |target: &str, client: &str| {
        let target = format!("{target}?client={client}");
        guarded.get(&target, &lobby)
    };
    of("/ledger", "connected").problem(404);
    of("/trace", "connected").problem(404);
    of("/trace", "gone").problem(404);
    let own = of("/ledger", "gone").ok();
    assert_eq!(own["transports"]["poll"]["requests"], 1, "only the last");

    // A trace that begins now has only what the token may read.
    guarded
        .get("/poll?room=lobby&client=gone&trace=1", &lobby)
        .ok();
    let trace = of("/trace", "gone").ok();
    let events = trace["events"].as_array().expect("a list");
    let requests = events.iter().filter(|event| event["kind"] == "request");
    assert_eq!(requests.count(), 1, "{trace}");
}
