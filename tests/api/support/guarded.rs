//! A server that requires tokens, and the signer of its tokens.

use std::fs;

use poll_vs_sse_server::access::{JwtRules, keys::KeySource};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    client::{JSON, TestClient as _},
    response::Response,
    server::{Server, StoreKind},
    signer::Signer,
};

pub const SECRET: &str = "a secret of more than thirty-two bytes";

/// A server that requires tokens, and the directory with its keys.
pub struct TokenServer {
    pub server: Server,
    _directory: TempDir,
}

impl TokenServer {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(configure: impl FnOnce(&mut JwtRules)) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("secret");
        fs::write(&path, format!("{SECRET}\r\n")).expect("written");
        Self::start(directory, KeySource::Secret(path), configure)
    }

    pub fn with_keys(keys: &Value) -> Self {
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
        let server = Server::with(StoreKind::Memory, |config| {
            config.request_log = true;
            config.access.jwt = Some(rules);
        });
        Self {
            server,
            _directory: directory,
        }
    }

    pub fn get(&self, target: &str, token: &str) -> Response {
        let authorization = format!("Bearer {token}");
        self.server
            .get_with(target, &[("Authorization", &authorization)])
    }

    pub fn publish(&self, room: &str, token: &str) -> Response {
        let authorization = format!("Bearer {token}");
        let draft = json!({"room": room, "author": "mina", "text": "hello"}).to_string();
        self.server
            .post(draft, &[JSON, ("Authorization", &authorization)])
    }
}

pub fn signer() -> Signer {
    Signer::secret(SECRET)
}

pub fn everything() -> Value {
    json!({"read": ["*"], "publish": ["*"]})
}

pub fn assert_unauthorized(answer: &Response, word: &str) {
    let problem = answer.problem(401);
    let challenge = answer.header("www-authenticate");
    assert!(
        challenge.is_some_and(|it| it.starts_with("Bearer")),
        "{challenge:?}"
    );
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains(word), "{word}: {detail}");
}
