//! Logging in to NATS: with only the documented permissions, with a creds file, over TLS.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    nats_startup_errors::{assert_refused, assert_serves},
    support::nats_nodes::NatsServer,
};

#[test]
fn the_documented_permissions_are_sufficient() {
    // As in docs/operations.md.
    let nats = NatsServer::with_config(
        r#"
        jetstream {}
        authorization { users: [{user: mina, password: "hunter2", permissions: {
          publish: ["chat.*", "$JS.API.INFO", "$JS.API.STREAM.INFO.chat",
            "$JS.API.STREAM.CREATE.chat", "$JS.API.STREAM.MSG.GET.chat",
            "$JS.API.CONSUMER.CREATE.chat", "$JS.API.CONSUMER.DELETE.chat.*",
            "$JS.API.CONSUMER.MSG.NEXT.chat.*", "$JS.FC.>"],
          subscribe: ["_INBOX.>"]
        }}]}
        "#,
    );
    let url = nats.url().replace("nats://", "nats://mina:hunter2@");
    assert_serves(&["--store", &url]);
    // The second server reads the stream that the first one has created.
    assert_serves(&["--store", &url]);
}

#[test]
fn a_creds_file_logs_in() {
    let operator = nkeys::KeyPair::new_operator();
    let (system, account) = (nkeys::KeyPair::new_account(), nkeys::KeyPair::new_account());
    let user = nkeys::KeyPair::new_user();
    let all = -1;
    let limits = json!({
        "subs": all, "data": all, "payload": all, "imports": all, "exports": all, "wildcards": true,
        "conn": all, "leaf": all, "mem_storage": all, "disk_storage": all, "streams": all,
        "consumer": all,
    });
    let no_limits = json!({"subs": all, "conn": all, "leaf": all, "data": all, "payload": all});
    let of_account = |limits: &Value| json!({"type": "account", "version": 2, "limits": limits});
    let of_user = json!({
        "type": "user", "version": 2, "subs": all, "data": all, "payload": all, "pub": {}, "sub": {},
    });
    let config = format!(
        "jetstream {{}}\noperator: {}\nsystem_account: {}\nresolver: MEMORY\n\
         resolver_preload: {{\n{}: {}\n{}: {}\n}}",
        token(
            &operator,
            &operator,
            &json!({"type": "operator", "version": 2})
        ),
        system.public_key(),
        system.public_key(),
        token(&operator, &system, &of_account(&no_limits)),
        account.public_key(),
        token(&operator, &account, &of_account(&limits)),
    );
    let nats = NatsServer::with_config(&config);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("mina.creds");
    let creds = format!(
        "-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
        token(&account, &user, &of_user),
        user.seed().expect("a seed"),
    );
    fs::write(&path, creds).expect("writes");
    let path = path.display().to_string();
    assert_serves(&["--store", &nats.url(), "--nats-creds", &path]);
    assert_refused(&["--store", &nats.url()], &["NATS refuses the login"]);
}

/// A JWT with claims by `issuer` about `subject`.
fn token(issuer: &nkeys::KeyPair, subject: &nkeys::KeyPair, claims: &Value) -> String {
    let header = json!({"typ": "JWT", "alg": "ed25519-nkey"});
    let body = json!({
        "jti": "x", "iat": 1_700_000_000, "iss": issuer.public_key(), "sub": subject.public_key(),
        "name": "test", "nats": claims,
    });
    let signed = format!(
        "{}.{}",
        base64(header.to_string().as_bytes()),
        base64(body.to_string().as_bytes())
    );
    let signature = issuer.sign(signed.as_bytes()).expect("signs");
    format!("{signed}.{}", base64(&signature))
}

/// Base64 for URLs, without padding (RFC 4648, section 5).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let three = chunk
            .iter()
            .fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte));
        let three = three << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            let index = three >> (18 - 6 * digit) & 63;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

#[test]
fn tls_is_checked_both_ways() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name).display().to_string();
    certificates(directory.path());
    let nats = NatsServer::with_config(&format!(
        "jetstream {{}}\ntls {{ cert_file: {:?}, key_file: {:?}, ca_file: {:?}, verify: true }}",
        at("nats.pem"),
        at("nats.key"),
        at("ca.pem"),
    ));
    let url = nats.url().replace("nats://", "tls://");
    let (ca, cert, key) = (at("ca.pem"), at("client.pem"), at("client.key"));
    let shows = ["--nats-tls-cert", &cert, "--nats-tls-key", &key];
    let trusts = ["--nats-tls-ca", &ca];
    assert_serves(&[&["--store", &url][..], &trusts, &shows].concat());
    assert_refused(&[&["--store", &url][..], &trusts].concat(), &[&url]);
    assert_refused(
        &[&["--store", &url][..], &shows].concat(),
        &[&url, "certificate"],
    );
}

/// A certificate authority with a certificate for NATS and one for a client, made by openssl.
fn certificates(directory: &Path) {
    fs::write(directory.join("nats.ext"), "subjectAltName=IP:127.0.0.1").expect("writes");
    fs::write(directory.join("client.ext"), "subjectAltName=DNS:client").expect("writes");
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ];
    let openssl = |args: &[&str]| {
        let status = Command::new("openssl")
            .args(args)
            .current_dir(directory)
            .stderr(Stdio::null())
            .status()
            .expect("openssl runs");
        assert!(status.success(), "{args:?}");
    };
    let ca = [
        "req", "-x509", "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem",
    ];
    openssl(&[&ca[..], &key].concat());
    for name in ["nats", "client"] {
        let file = |end: &str| format!("{name}.{end}");
        let (key_file, request, pem, ext) = (file("key"), file("csr"), file("pem"), file("ext"));
        let subject = format!("/CN={name}");
        let asks = [
            "req", "-subj", &subject, "-keyout", &key_file, "-out", &request,
        ];
        openssl(&[&asks[..], &key].concat());
        openssl(&[
            "x509",
            "-req",
            "-days",
            "2",
            "-in",
            &request,
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-out",
            &pem,
            "-extfile",
            &ext,
        ]);
    }
}
