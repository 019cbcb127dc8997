//! Tokens: who may read and publish what, and for how long.

use std::{fs, time::Duration};

use poll_vs_sse_server::access::{JwtRules, keys::KeySource};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    TEST_TIMEOUT,
    client::{JSON, TestClient as _},
    events::Events,
    eventually,
    protocol_client::{Form, ProtocolClient, run},
    raw_connection::RawConnection,
    response::Response,
    server::{Server, Store},
    signer::{Signer, encode, now},
};

pub const SECRET: &str = "a secret of more than thirty-two bytes";

/// A server that asks for tokens, and the directory with its keys.
struct Guarded {
    server: Server,
    _directory: TempDir,
}

impl Guarded {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(configure: impl FnOnce(&mut JwtRules)) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("secret");
        fs::write(&path, format!("{SECRET}\r\n")).expect("written");
        Self::start(directory, KeySource::Secret(path), configure)
    }

    fn with_keys(keys: &Value) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("jwks.json");
        fs::write(&path, json!({"keys": keys}).to_string()).expect("written");
        Self::start(directory, KeySource::Jwks(path), |_| {})
    }

    fn start(directory: TempDir, keys: KeySource, configure: impl FnOnce(&mut JwtRules)) -> Self {
        let mut rules = JwtRules {
            keys,
            audience: None,
            issuer: None,
        };
        configure(&mut rules);
        let server = Server::with(Store::Memory, |config| {
            config.request_log = true;
            config.access.jwt = Some(rules);
        });
        Self {
            server,
            _directory: directory,
        }
    }

    fn get(&self, target: &str, token: &str) -> Response {
        let authorization = format!("Bearer {token}");
        self.server
            .get_with(target, &[("Authorization", &authorization)])
    }

    fn publish(&self, room: &str, token: &str) -> Response {
        let authorization = format!("Bearer {token}");
        let draft = json!({"room": room, "author": "mina", "text": "hello"}).to_string();
        self.server
            .post(draft, &[JSON, ("Authorization", &authorization)])
    }
}

fn signer() -> Signer {
    Signer::secret(SECRET)
}

pub fn everything() -> Value {
    json!({"read": ["*"], "publish": ["*"]})
}

fn assert_unauthorized(answer: &Response, word: &str) {
    let problem = answer.problem(401);
    let challenge = answer.header("www-authenticate");
    assert!(
        challenge.is_some_and(|it| it.starts_with("Bearer")),
        "{challenge:?}"
    );
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains(word), "{word}: {detail}");
}

#[test]
fn without_a_token_there_is_only_the_page_and_the_servers_health() {
    let guarded = Guarded::new();
    let server = &guarded.server;
    for target in [
        "/",
        "/healthz",
        "/readyz",
        "/robots.txt",
        "/plan?clients=10",
        "/metrics",
        "/ledger",
    ] {
        assert_eq!(server.get(target).status(), 200, "{target}");
    }
    for target in [
        "/poll",
        "/stream",
        "/presence",
        "/trace?client=me",
        "/ledger?client=me",
        "/poll?limit=0",
    ] {
        assert_unauthorized(&server.get(target), "a token is needed");
    }
    let draft = r#"{"author": "mina", "text": "hello"}"#;
    assert_unauthorized(&server.post(draft, &[JSON]), "a token is needed");
    assert_unauthorized(
        &server.raw().ask("PUT", "/presence/along", &[JSON], b"{}"),
        "needed",
    );
    assert_unauthorized(&server.raw().ask("POST", "/tickets", &[], b""), "needed");
    // A proxy's own login is not ours.
    let basic = server.get_with("/poll", &[("Authorization", "Basic bWluYTpzZWNyZXQ=")]);
    assert_unauthorized(&basic, "a token is needed");
    assert_eq!(server.cost("publish")["messages"], 0);
}

#[test]
fn a_token_is_taken_as_header_and_as_cookie() {
    let guarded = Guarded::new();
    let token = signer().token(&everything());
    assert_eq!(guarded.publish("lobby", &token).status(), 201);
    assert_eq!(
        guarded.get("/poll", &token).ok()["messages"][0]["text"],
        "hello"
    );
    let lower = format!("bearer {token}");
    assert_eq!(
        guarded
            .server
            .get_with("/poll", &[("Authorization", &lower)])
            .status(),
        200
    );
    for cookie in [
        format!("poll_vs_sse_token={token}"),
        format!("theme=dark; poll_vs_sse_token=\"{token}\"; x=1"),
    ] {
        let answer = guarded.server.get_with("/poll", &[("Cookie", &cookie)]);
        assert_eq!(answer.status(), 200, "{}", answer.text());
    }
    let cookie = format!("poll_vs_sse_token={token}");
    let headers = [("Cookie", cookie.as_str())];
    let mut events = Events::open(guarded.server.raw(), "/stream?last=1", &headers);
    assert_eq!(events.message()["text"], "hello");
}

#[test]
fn what_is_wrong_with_a_token_is_said() {
    let guarded = Guarded::with(|rules| {
        rules.audience = Some("chat".to_owned());
        rules.issuer = Some("https://issuer.example".to_owned());
    });
    let good = json!({
        "exp": now() + 600, "aud": ["other", "chat"], "iss": "https://issuer.example",
        "rooms": {"read": ["lobby"]},
    });
    let sign = |change: &dyn Fn(&mut Value)| {
        let mut claims = good.clone();
        change(&mut claims);
        signer().sign(&claims, &json!({}))
    };
    let whole = sign(&|_| {});
    assert_eq!(guarded.get("/poll", &whole).status(), 200);
    let without = |name: &'static str| {
        sign(&move |claims| {
            claims.as_object_mut().expect("an object").remove(name);
        })
    };
    let unsigned = format!(
        "{}.{}.",
        encode(r#"{"alg":"none"}"#),
        encode(good.to_string())
    );
    let cut = &whole[..whole.len() - 4];
    let head = json!({"alg": "RS256"});
    let cases = [
        (sign(&|it| it["exp"] = (now() - 31).into()), "expired"),
        (sign(&|it| it["nbf"] = (now() + 90).into()), "not valid yet"),
        (sign(&|it| it["aud"] = "elsewhere".into()), "audience"),
        (
            sign(&|it| it["iss"] = "https://evil.example".into()),
            "issuer",
        ),
        (without("aud"), "audience"),
        (without("iss"), "issuer"),
        (without("exp"), "exp"),
        (sign(&|it| it["exp"] = "tomorrow".into()), "exp"),
        (sign(&|it| it["exp"] = (-5).into()), "exp"),
        (sign(&|it| it["rooms"] = json!({"read": "lobby"})), "rooms"),
        (sign(&|it| it["rooms"] = json!({"read": ["a b"]})), "rooms"),
        (sign(&|it| it["sub"] = "x".repeat(300).into()), "claim"),
        (
            Signer::secret("another secret").sign(&good, &json!({})),
            "signature",
        ),
        (Signer::rsa().sign(&good, &json!({})), "not accepted"),
        (signer().sign(&good, &head), "not accepted"),
        (format!("{cut}AAAA"), "signature"),
        (unsigned, "token"),
        ("x".to_owned(), "JSON Web Token"),
        ("a.b.c".to_owned(), "JSON Web Token"),
        (format!("{whole}.{whole}"), "JSON Web Token"),
        (String::new(), "token"),
        ("x".repeat(9000), "JSON Web Token"),
        (
            format!("{}.{}.{}", encode("[]"), encode("[]"), encode("x")),
            "JSON Web Token",
        ),
    ];
    for (token, word) in cases {
        assert_unauthorized(&guarded.get("/poll", &token), word);
    }
    // Clocks differ.
    for token in [
        sign(&|it| it["exp"] = (now() - 20).into()),
        sign(&|it| it["nbf"] = (now() + 20).into()),
        sign(&|it| it["exp"] = json!((now() + 60) as f64 + 0.5)),
    ] {
        assert_eq!(guarded.get("/poll", &token).status(), 200);
    }
    let lines = guarded.server.lines.text();
    assert!(!lines.contains(&whole[..20]), "{lines}");
}

#[test]
fn keys_of_a_set_are_each_for_their_own_algorithm() {
    let signers = [Signer::rsa(), Signer::ec(), Signer::ed()];
    let ids = ["rsa", "ec", "ed"];
    let keys: Vec<Value> = signers
        .iter()
        .zip(ids)
        .map(|(signer, id)| signer.jwk(id))
        .chain([
            json!({"kty": "OKP", "crv": "X25519", "x": encode([1; 32])}),
            json!({"kty": "RSA", "use": "enc", "n": encode([1; 256]), "e": "AQAB"}),
            json!({"kty": "new", "x": 1}),
        ])
        .collect();
    let guarded = Guarded::with_keys(&keys.into());
    let claims = json!({"exp": now() + 600, "rooms": {"read": ["lobby"]}});
    for (signer, id) in signers.iter().zip(ids) {
        for head in [json!({}), json!({"kid": id})] {
            let token = signer.sign(&claims, &head);
            let answer = guarded.get("/poll", &token);
            assert_eq!(answer.status(), 200, "{id}: {}", answer.text());
        }
        let wrong = signer.sign(&claims, &json!({"kid": "none"}));
        assert_unauthorized(&guarded.get("/poll", &wrong), "not accepted");
        let others = ids.iter().filter(|it| **it != id);
        for other in others {
            let wrong = signer.sign(&claims, &json!({"kid": other}));
            assert_unauthorized(&guarded.get("/poll", &wrong), "token");
        }
    }
    // A public key is no secret, whatever the token says.
    let confused = Signer::secret("AQAB").sign(&claims, &json!({"kid": "rsa"}));
    assert_unauthorized(&guarded.get("/poll", &confused), "not accepted");
    let other = Signer::ec().sign(&claims, &json!({"kid": "ec"}));
    assert_unauthorized(&guarded.get("/poll", &other), "signature");
}

#[test]
fn a_token_opens_the_rooms_that_it_names() {
    let guarded = Guarded::new();
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
                answer.blames(403, "room");
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
        .blames(403, "room");
    let nothing = signer().sign(&json!({"exp": now() + 600}), &json!({}));
    guarded.get("/poll", &nothing).blames(403, "room");
    assert_eq!(guarded.server.cost("publish")["messages"], 1);
}

#[test]
fn clients_of_rooms_that_may_not_be_read_are_as_if_they_had_never_been() {
    let guarded = Guarded::new();
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
    // A refused publish puts nothing on a client's account.
    let draft = r#"{"author": "mina", "text": "hello"}"#;
    guarded
        .server
        .raw()
        .ask("POST", "/messages?client=ghost", &[JSON], draft.as_bytes());
    guarded.get("/ledger?client=ghost", &all).problem(404);
}

#[test]
fn a_stream_ends_when_its_token_does_and_the_next_request_says_why() {
    let guarded = Guarded::new();
    // Accepted for another two or three seconds: leeway is 30.
    let claims = json!({"exp": now() - 27, "rooms": everything()});
    let token = signer().sign(&claims, &json!({}));
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str())];
    let mut events = Events::open(guarded.server.raw(), "/stream?last=0", &headers);
    let mut waiting = guarded.server.raw();
    waiting.read_timeout(TEST_TIMEOUT);
    let waits = waiting.ask("GET", "/poll?last=0&wait=60", &headers, b"");
    assert!(matches!(waits.status(), 200 | 401), "{}", waits.text());
    while events.next().is_some() {}
    assert!(events.text.is_empty(), "ends between events");
    eventually("the token has expired", || {
        guarded.server.get_with("/poll", &headers).status() == 401
    });
    assert_unauthorized(&guarded.server.get_with("/stream", &headers), "expired");
    guarded.server.lines.with(1, &["stream", "closed"]);
}

#[test]
fn a_cookie_publishes_only_from_a_page_that_may() {
    let guarded = Guarded::new();
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
        publish(headers).blames(403, "Origin");
    }
    // The test's requests have `Host: test`.
    for headers in [
        &[("Origin", "http://test")][..],
        &[("Origin", "https://test")],
        &[("Sec-Fetch-Site", "same-origin")],
    ] {
        assert_eq!(publish(headers).status(), 201, "{headers:?}");
    }
    // Reading needs no page: other pages cannot see the answer.
    assert_eq!(
        guarded
            .server
            .get_with("/poll", &[("Cookie", &cookie)])
            .status(),
        200
    );
}

#[test]
fn figures_of_all_clients_can_be_for_tokens_only() {
    let guarded = Guarded::new();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("secret");
    fs::write(&path, SECRET).expect("written");
    let closed = Server::with(Store::Memory, |config| {
        config.limits.public_metrics = false;
        config.access.jwt = Some(JwtRules {
            keys: KeySource::Secret(path),
            audience: None,
            issuer: None,
        });
    });
    let all = format!("Bearer {}", signer().token(&everything()));
    let lobby = format!("Bearer {}", signer().token(&json!({"read": ["lobby"]})));
    // The router takes another spelling of a path for the same one, and so does what guards it.
    for target in ["/metrics", "/ledger", "/%6detrics", "/ledge%72"] {
        assert_eq!(guarded.server.get(target).status(), 200);
        closed.get(target).problem(401);
        closed
            .get_with(target, &[("Authorization", &lobby)])
            .problem(403);
        let open = closed.get_with(target, &[("Authorization", &all)]);
        assert_eq!(open.status(), 200, "{target}");
    }
    let without_tokens = Server::with(Store::Memory, |config| config.limits.public_metrics = false);
    for target in ["/metrics", "/ledger", "/trace?client=me", "/%6detrics"] {
        without_tokens.get(target).problem(403);
    }
    without_tokens.get("/poll?client=me").ok();
    without_tokens.get("/ledger?client=me").ok();
}

#[test]
fn refusals_are_counted() {
    let guarded = Guarded::new();
    guarded.server.get("/%70oll").problem(401);
    let token = signer().token(&json!({}));
    guarded.get("/poll", &token).problem(403);
    let metrics = guarded.server.get("/metrics").text();
    for line in [
        "poll_vs_sse_refused_total{reason=\"token\"} 1",
        "poll_vs_sse_refused_total{reason=\"room\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

#[test]
fn every_protocol_asks_for_a_token() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("secret");
    fs::write(&path, SECRET).expect("written");
    let server = Server::on_every_form_with(|config| {
        config.access.jwt = Some(JwtRules {
            keys: KeySource::Secret(path),
            audience: None,
            issuer: None,
        });
    });
    run(async {
        for form in Form::ALL {
            let mut client = ProtocolClient::connect(&server, form).await;
            assert_eq!(client.get("/poll").await.0, 401, "{form:?}");
            assert_eq!(client.get("/stream").await.0, 401, "{form:?}");
            assert_eq!(client.publish("hello").await.0, 401, "{form:?}");
            assert_eq!(client.get("/healthz").await.0, 200, "{form:?}");
        }
    });
}

#[test]
fn a_refusal_leaves_the_connection_in_order() {
    let guarded = Guarded::new();
    let token = signer().token(&everything());
    let authorization = format!("Bearer {token}");
    let mut connection: RawConnection = guarded.server.raw();
    connection.read_timeout(Duration::from_secs(20));
    let draft = br#"{"author": "mina", "text": "hello"}"#;
    connection
        .ask("POST", "/messages", &[JSON], draft)
        .problem(401);
    let headers = [JSON, ("Authorization", authorization.as_str())];
    let answer = connection.ask("POST", "/messages", &headers, draft);
    assert_eq!(answer.status(), 201);
}

#[test]
fn the_demo_issuers_tokens_are_taken() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("secret");
    fs::write(&path, format!("{SECRET}\n")).expect("written");
    let issuer = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/examples/issuer.py");
    let issued = std::process::Command::new("python3")
        .arg(issuer)
        .arg(&path)
        .args([
            "--subject",
            "mina",
            "--read",
            "lobby",
            "team-*",
            "--publish",
            "lobby",
        ])
        .output();
    let Ok(issued) = issued else {
        eprintln!("not tested: there is no python3");
        return;
    };
    let token = String::from_utf8(issued.stdout).expect("UTF-8");
    let guarded = Guarded::new();
    assert_eq!(guarded.get("/poll?room=team-a", token.trim()).status(), 200);
    assert_eq!(guarded.publish("lobby", token.trim()).status(), 201);
    assert_eq!(guarded.publish("team-a", token.trim()).status(), 403);
}
