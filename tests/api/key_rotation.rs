//! SIGHUP: the server loads new keys, and keeps the old ones if the new ones are invalid.

use std::{fs, process::Command};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    client::TestClient as _,
    eventually,
    guarded::{SECRET, everything},
    process::{Process, StartingProcess, command},
    signer::{Signer, now},
};

/// A secret that the server has not been started with.
const NEW: &str = "another secret of more than thirty-two bytes";

/// The file of the secret that tokens are signed with.
struct SecretFile {
    directory: TempDir,
    path: String,
}

impl SecretFile {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("secret");
        let file = Self {
            path: path.to_str().expect("UTF-8").to_owned(),
            directory,
        };
        file.write(SECRET);
        file
    }

    fn write(&self, secret: &str) {
        fs::write(&self.path, secret).expect("written");
    }

    /// The flags of a server that verifies tokens with it.
    fn flags(&self) -> [&str; 4] {
        ["--auth", "jwt", "--jwt-secret-file", &self.path]
    }

    fn start_server(&self) -> Process {
        Process::start(&[&["--store", "memory"][..], &self.flags()].concat())
    }
}

/// The value of `Authorization` with a token that `secret` signed.
fn authorization(secret: &str) -> String {
    format!("Bearer {}", Signer::secret(secret).token(&everything()))
}

#[test]
fn sighup_loads_new_keys_and_keeps_the_old_ones_if_they_are_bad() {
    let file = SecretFile::new();
    let server = file.start_server();
    let ask = |secret: &str| {
        server
            .get_with("/poll", &[("Authorization", &authorization(secret))])
            .status()
    };
    assert_eq!((ask(SECRET), ask(NEW)), (200, 401));
    file.write(NEW);
    server.signal(libc::SIGHUP);
    eventually("the new key is taken", || ask(NEW) == 200);
    // The old token was cached, and must be forgotten.
    assert_eq!(ask(SECRET), 401);
    file.write("");
    server.signal(libc::SIGHUP);
    eventually("the bad key is refused", || {
        server.stdout.text().contains("keys-refused")
    });
    assert_eq!(ask(NEW), 200);
    let ended = server.stop();
    assert!(!ended.stdout.contains("another secret"), "{}", ended.stdout);
}

#[test]
fn sighup_keeps_the_old_key_set_if_the_new_one_is_invalid() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("jwks.json");
    let set = |keys: &[Value]| json!({ "keys": keys }).to_string();
    let (old, new) = (Signer::ec(), Signer::ed());
    fs::write(&path, set(&[old.jwk("old")])).expect("written");
    let file = path.to_str().expect("UTF-8");
    let flags = ["--store", "memory", "--auth", "jwt", "--jwks", file];
    let server = Process::start(&flags);
    let ask = |signer: &Signer, id: &str| {
        let claims = json!({"exp": now() + 600, "rooms": everything()});
        let token = signer.sign(&claims, &json!({ "kid": id }));
        let authorization = format!("Bearer {token}");
        let headers = [("Authorization", authorization.as_str())];
        server.get_with("/poll", &headers).status()
    };
    let refused = || server.stdout.text().matches("keys-refused").count();
    let mut cut = set(&[new.jwk("new")]);
    cut.truncate(cut.len() / 2);
    let mut bad_key = old.jwk("bad");
    bad_key["x"] = json!("AAAA");
    let bad = [
        String::new(),
        "[]".to_owned(),
        cut,
        set(&[]),
        set(&[json!({"kty": "oct", "k": "c2VjcmV0"})]),
        set(&[new.jwk("new"), bad_key]),
        set(&vec![new.jwk("new"); 65]),
        " ".repeat(2 * 1024 * 1024),
    ];
    for (number, text) in bad.iter().enumerate() {
        fs::write(&path, text).expect("written");
        server.signal(libc::SIGHUP);
        eventually("it is refused", || refused() == number + 1);
        assert_eq!((ask(&old, "old"), ask(&new, "new")), (200, 401), "{number}");
    }
    fs::remove_file(&path).expect("removed");
    server.signal(libc::SIGHUP);
    eventually("a missing file is refused", || refused() == bad.len() + 1);
    assert_eq!(ask(&old, "old"), 200);
    fs::write(&path, set(&[new.jwk("new")])).expect("written");
    server.signal(libc::SIGHUP);
    eventually("the new key is taken", || ask(&new, "new") == 200);
    assert_eq!(ask(&old, "old"), 401);
    let ended = server.stop();
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    assert!(!ended.stdout.contains("c2VjcmV0"), "{}", ended.stdout);
}

#[test]
fn new_keys_revoke_tickets_and_the_same_keys_do_not() {
    let file = SecretFile::new();
    let server = file.start_server();
    let authorization = authorization(SECRET);
    let headers = [("Authorization", authorization.as_str())];
    let ticket = || {
        let issued = server.raw().ask("POST", "/tickets", &headers, b"").ok();
        issued["ticket"].as_str().expect("a ticket").to_owned()
    };
    let use_up = |ticket: &str| server.get(&format!("/poll?ticket={ticket}")).status();
    let reloads = || {
        let noted = "keys-reloaded tokens are verified with 1 key\n";
        server.stdout.text().matches(noted).count()
    };
    let (first, second) = (ticket(), ticket());
    server.signal(libc::SIGHUP);
    eventually("the same key is read", || reloads() == 1);
    assert_eq!(use_up(&first), 200);
    file.write(NEW);
    server.signal(libc::SIGHUP);
    eventually("the new key is taken", || reloads() == 2);
    assert_eq!(use_up(&second), 401);
}

/// Nothing writes into the pipe, so reading it would never end.
#[test]
fn a_key_file_that_became_a_pipe_is_refused_and_the_server_still_stops() {
    let file = SecretFile::new();
    let server = file.start_server();
    fs::remove_file(&file.path).expect("removed");
    let made = Command::new("mkfifo").arg(&file.path).status();
    assert!(made.expect("mkfifo runs").success());
    server.signal(libc::SIGHUP);
    eventually("the pipe is refused", || {
        let refused = format!(
            "keys-refused cannot read {}: it is not a regular file",
            file.path
        );
        server.stdout.text().contains(&refused)
    });
    assert_eq!(server.stop().status.code(), Some(0));
}

#[test]
fn sighup_during_the_wait_for_the_store_counts_once_the_server_runs() {
    let file = SecretFile::new();
    let later = file.directory.path().join("later");
    let store = format!("sqlite:{}", later.join("chat.db").display());
    let flags = [&["--store", &store, "--wait-for-store"][..], &file.flags()].concat();
    let waiting = StartingProcess::new(command(&flags));
    waiting.wait_until_standby();
    file.write(NEW);
    waiting.signal(libc::SIGHUP);
    fs::create_dir(&later).expect("created");
    let server = waiting.wait_until_listening();
    let authorization = authorization(NEW);
    eventually("the new key is taken", || {
        let headers = [("Authorization", authorization.as_str())];
        server.get_with("/poll", &headers).status() == 200
    });
    assert_eq!(server.stop().status.code(), Some(0));
}

#[test]
fn sighup_does_nothing_to_a_server_without_keys_and_certificate() {
    let server = Process::start(&["--store", "memory"]);
    server.signal(libc::SIGHUP);
    server.get("/poll").ok();
    let ended = server.stop();
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
}
