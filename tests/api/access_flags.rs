//! The flags of access and limits: which values are refused at start.

use std::{fs, path::Path};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    cli::assert_refused,
    support::{
        process::{Process, command, run, run_command},
        signer::{Signer, encode},
    },
};

const FREE: [&str; 4] = ["--bind", "127.0.0.1:0", "--store", "memory"];

/// A directory with files that flags name.
struct ConfigFiles(TempDir);

impl ConfigFiles {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, text).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

#[test]
fn bad_values_print_one_line_and_exit_with_2() {
    let bad = [
        ("--auth", "yes"),
        ("--cors-origin", "chat.example"),
        ("--cors-origin", "https://chat.example/lab"),
        ("--cors-origin", "*,https://chat.example"),
        ("--trusted-proxy", "10.0.0.0/33"),
        ("--trusted-proxy", "proxy.example"),
        ("--max-connections", "0"),
        ("--max-connections", "-1"),
        ("--max-connections", "many"),
        ("--max-connections-per-client", "0"),
        ("--publish-rate", "5"),
        ("--publish-rate", "0/s"),
        ("--publish-rate", "-1/s"),
        ("--read-rate", "fast"),
        ("--read-rate", "1.5/s"),
        ("--read-rate", "5/m"),
        ("--max-connection-age", "soon"),
        ("--max-connection-age", "0s"),
        ("--max-connection-age", "30d"),
        ("--fault-injection", "maybe"),
        ("--public-metrics", "maybe"),
        ("--poll-cache", "0s"),
        ("--poll-cache", "1500ms"),
        ("--poll-cache", "2h"),
        ("--poll-cache", "-1s"),
        ("--poll-cache", "5"),
    ];
    for (flag, value) in bad {
        let flag_and_value = format!("{flag}={value}");
        let args = [&FREE[..], &[&flag_and_value]].concat();
        assert_refused(&run(&args), &[flag]);
        let name = flag
            .trim_start_matches('-')
            .replace('-', "_")
            .to_uppercase();
        let mut command = command(&FREE);
        command.env(format!("POLL_VS_SSE_{name}"), value);
        assert_refused(&run_command(command), &[]);
    }
}

#[test]
fn inconsistent_token_flags_print_one_line_and_exit_with_2() {
    let files = ConfigFiles::new();
    let secret = files.write("secret", "a secret of more than thirty-two bytes\n");
    let empty = files.write("empty", " \n");
    let missing = format!("{secret}.missing");
    let jwks = |name: &str, keys| files.write(name, json!({"keys": keys}).to_string());
    let good = jwks("good.json", json!([Signer::ec().jwk("a")]));
    let text = files.write("text.json", "no JSON at all, and perhaps a secret");
    let none = jwks("none.json", json!([]));
    let other = jwks("other.json", json!([{"kty": "oct", "k": encode("secret")}]));
    let short = json!([{"kty": "RSA", "n": encode([255; 128]), "e": "AQAB"}]);
    let short = jwks("short.json", short);
    let bent = json!([Signer::ed().jwk("a"), {"kty": "EC", "crv": "P-256", "x": "!", "y": "AA"}]);
    let bent = jwks("bent.json", bent);
    let directory = files.path().to_str().expect("UTF-8");
    let cases: [(&[&str], &[&str]); 14] = [
        (&["--auth", "jwt"], &["--jwt-secret-file", "--jwks"]),
        (&["--jwks", &good], &["--auth jwt"]),
        (&["--jwt-secret-file", &secret], &["--auth jwt"]),
        (&["--jwt-audience", "chat"], &["--auth jwt"]),
        (
            &[
                "--auth",
                "jwt",
                "--jwks",
                &good,
                "--jwt-secret-file",
                &secret,
            ],
            &["--jwt-secret-file", "--jwks"],
        ),
        (
            &["--auth", "jwt", "--jwt-secret-file", &missing],
            &["secret.missing"],
        ),
        (&["--auth", "jwt", "--jwt-secret-file", &empty], &["empty"]),
        (
            &["--auth", "jwt", "--jwt-secret-file", directory],
            &[directory],
        ),
        (
            &["--auth", "jwt", "--jwks", &text],
            &["text.json", "Key Set"],
        ),
        (
            &["--auth", "jwt", "--jwks", &none],
            &["none.json", "no key"],
        ),
        (
            &["--auth", "jwt", "--jwks", &other],
            &["other.json", "no key"],
        ),
        (
            &["--auth", "jwt", "--jwks", &short],
            &["short.json", "2048"],
        ),
        (&["--auth", "jwt", "--jwks", &bent], &["bent.json", "key 2"]),
        (&["--auth", "jwt", "--jwks", &secret], &["Key Set"]),
    ];
    for (flags, words) in cases {
        let ended = run(&[&FREE[..], flags].concat());
        assert_refused(&ended, words);
        assert!(!ended.stderr.contains("a secret"), "{}", ended.stderr);
    }
}

#[test]
fn blank_environment_variables_count_as_unset() {
    let mut command = command(&FREE[2..]);
    for name in [
        "AUTH",
        "JWT_SECRET_FILE",
        "JWKS",
        "JWT_AUDIENCE",
        "JWT_ISSUER",
        "CORS_ORIGIN",
        "TRUSTED_PROXY",
        "MAX_CONNECTIONS",
        "MAX_CONNECTIONS_PER_CLIENT",
        "PUBLISH_RATE",
        "READ_RATE",
        "MAX_CONNECTION_AGE",
        "FAULT_INJECTION",
        "PUBLIC_METRICS",
    ] {
        command.env(format!("POLL_VS_SSE_{name}"), " ");
    }
    Process::spawn(command).stop();
}

#[test]
fn a_short_secret_causes_a_warning() {
    let files = ConfigFiles::new();
    let secret = files.write("secret", "short");
    let flags = [
        "--store",
        "memory",
        "--auth",
        "jwt",
        "--jwt-secret-file",
        &secret,
    ];
    let server = Process::start(&flags);
    let ended = server.stop();
    assert!(ended.stdout.contains("keys-warning"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("short\n"), "{}", ended.stdout);
}
