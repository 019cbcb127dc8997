//! Tokens: how requests carry them, which are accepted, and the errors for the others.

use std::{fs, time::Duration};

use poll_vs_sse_server::access::{JwtRules, keys::KeySource};
use serde_json::{Value, json};

use crate::support::{
    TEST_TIMEOUT,
    client::{JSON, TestClient as _},
    events::Events,
    eventually,
    guarded::{SECRET, TokenServer, assert_unauthorized, everything, signer},
    protocol_client::{ProtocolClient, ProtocolForm, run},
    raw_connection::RawConnection,
    server::Server,
    signer::{Signer, encode, now},
};

#[test]
fn without_a_token_only_the_page_and_the_health_are_served() {
    let guarded = TokenServer::new();
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
    // A login of a proxy in front is not a token.
    let basic = server.get_with("/poll", &[("Authorization", "Basic bWluYTpzZWNyZXQ=")]);
    assert_unauthorized(&basic, "a token is needed");
    assert_eq!(server.cost("publish")["messages"], 0);
}

#[test]
fn a_token_is_accepted_as_header_and_as_cookie() {
    let guarded = TokenServer::new();
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
fn an_authorization_that_is_given_twice_is_refused() {
    let guarded = TokenServer::new();
    let token = format!("Bearer {}", signer().token(&everything()));
    for other in [token.as_str(), "Bearer x", "Basic eDp5"] {
        let twice = [("Authorization", token.as_str()), ("Authorization", other)];
        for target in ["/poll?last=0", "/stream", "/ledger?client=a"] {
            guarded
                .server
                .get_with(target, &twice)
                .assert_problem_field(400, "Authorization");
        }
    }
}

#[test]
fn the_answer_says_what_is_wrong_with_a_token() {
    let guarded = TokenServer::with(|rules| {
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
    // The server tolerates clocks that differ.
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
fn each_key_of_a_set_verifies_only_its_own_algorithm() {
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
    let guarded = TokenServer::with_keys(&keys.into());
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
    // A public key must not be used as an HMAC secret, even if the token's header names HMAC.
    let confused = Signer::secret("AQAB").sign(&claims, &json!({"kid": "rsa"}));
    assert_unauthorized(&guarded.get("/poll", &confused), "not accepted");
    let other = Signer::ec().sign(&claims, &json!({"kid": "ec"}));
    assert_unauthorized(&guarded.get("/poll", &other), "signature");
}

#[test]
fn a_stream_ends_when_its_token_expires_and_the_next_request_is_refused() {
    let guarded = TokenServer::new();
    // Accepted for another two or three seconds, because the leeway is 30 s.
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
    assert!(events.text.is_empty(), "the stream ends between events");
    eventually("the token has expired", || {
        guarded.server.get_with("/poll", &headers).status() == 401
    });
    assert_unauthorized(&guarded.server.get_with("/stream", &headers), "expired");
    guarded.server.lines.with(1, &["stream", "closed"]);
}

#[test]
fn a_token_may_be_valid_for_ever() {
    let guarded = TokenServer::new();
    let claims = json!({"exp": u64::MAX, "rooms": everything()});
    let token = signer().sign(&claims, &json!({}));
    guarded.get("/poll", &token).ok();
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str())];
    let mut events = Events::open(guarded.server.raw(), "/stream?last=0", &headers);
    assert_eq!(events.frame(), "retry: 1000\n\n");
}

#[test]
fn refusals_are_counted() {
    let guarded = TokenServer::new();
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
fn every_protocol_requires_a_token() {
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
        for form in ProtocolForm::ALL {
            let mut client = ProtocolClient::connect(&server, form).await;
            assert_eq!(client.get("/poll").await.0, 401, "{form:?}");
            assert_eq!(client.get("/stream").await.0, 401, "{form:?}");
            assert_eq!(client.publish("hello").await.0, 401, "{form:?}");
            assert_eq!(client.get("/healthz").await.0, 200, "{form:?}");
        }
    });
}

#[test]
fn a_connection_can_be_used_after_a_refusal() {
    let guarded = TokenServer::new();
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
fn the_example_issuers_tokens_are_accepted() {
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
        eprintln!("not tested: python3 is not installed");
        return;
    };
    let token = String::from_utf8(issued.stdout).expect("UTF-8");
    let guarded = TokenServer::new();
    assert_eq!(guarded.get("/poll?room=team-a", token.trim()).status(), 200);
    assert_eq!(guarded.publish("lobby", token.trim()).status(), 201);
    assert_eq!(guarded.publish("team-a", token.trim()).status(), 403);
}
