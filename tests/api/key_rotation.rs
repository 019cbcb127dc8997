//! SIGHUP: the server loads new keys, and keeps the old ones if the new ones are invalid.

use std::fs;

use serde_json::{Value, json};

use crate::support::{
    client::TestClient as _,
    eventually,
    guarded::{SECRET, everything},
    process::Process,
    signer::{Signer, now},
};

#[test]
fn sighup_loads_new_keys_and_keeps_the_old_ones_if_they_are_bad() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("secret");
    fs::write(&path, SECRET).expect("written");
    let file = path.to_str().expect("UTF-8");
    let server = Process::start(&[
        "--store",
        "memory",
        "--auth",
        "jwt",
        "--jwt-secret-file",
        file,
    ]);
    let ask = |secret: &str| {
        let token = Signer::secret(secret).token(&everything());
        let authorization = format!("Bearer {token}");
        server
            .get_with("/poll", &[("Authorization", &authorization)])
            .status()
    };
    const NEW: &str = "another secret of more than thirty-two bytes";
    assert_eq!((ask(SECRET), ask(NEW)), (200, 401));
    fs::write(&path, NEW).expect("written");
    server.signal(libc::SIGHUP);
    eventually("the new key is taken", || ask(NEW) == 200);
    // The old token was cached, and must be forgotten.
    assert_eq!(ask(SECRET), 401);
    fs::write(&path, "").expect("written");
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
