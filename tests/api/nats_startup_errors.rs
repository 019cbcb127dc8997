//! NATS that cannot be used: the server prints one clear line and exits with 2, or waits if told to.

use std::{fs, path::Path, thread};

use serde_json::json;

use crate::support::{
    client::TestClient as _,
    eventually, nats,
    nats_nodes::NatsServer,
    process::{Process, StartingProcess, command, run},
};

/// The server's error message for `args`, which it must refuse.
fn refusal(args: &[&str]) -> String {
    let args = [args, &["--bind", "127.0.0.1:0"]].concat();
    let ended = run(&args);
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    ended.stderr
}

pub fn assert_refused(args: &[&str], words: &[&str]) {
    let said = refusal(args);
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
}

/// Checks that a server with `args` can publish and read.
pub fn assert_serves(args: &[&str]) {
    let server = Process::start(args);
    let message = server.publish_text("lobby", "hello");
    assert_eq!(server.poll("last=1")["messages"], json!([message]));
}

#[test]
fn an_unreachable_nats_is_refused() {
    let url = nats::url(nats::free_port());
    assert_refused(&["--store", &url], &[&url, "cannot be reached"]);
    let hidden = url.replace("nats://", "nats://mina:hunter2@");
    assert_refused(&["--store", &hidden], &[&url]);
    for bad in ["nats://", "nats://a b", "nats://x:hunter2@", "tls:host"] {
        refusal(&["--store", bad]);
    }
}

#[test]
fn a_nats_without_jetstream_is_refused() {
    let nats = NatsServer::without_jetstream();
    let url = nats.url();
    assert_refused(&["--store", &url], &["NATS answers", "is not enabled"]);
    let encrypted = url.replace("nats://", "tls://");
    assert_refused(&["--store", &encrypted], &["does not speak TLS"]);
}

#[test]
fn a_stream_with_other_settings_is_refused() {
    let nats = NatsServer::start();
    let url = nats.url();
    let server = Process::start(&["--store", &url, "--retain-messages", "50"]);
    drop(server);
    assert_refused(
        &[
            "--store",
            &url,
            "--retain-messages",
            "60",
            "--retain-age",
            "1d",
        ],
        &[
            "the stream chat has other settings",
            "max_msgs is 50, not 60",
            "max_age is 7days, not 1day",
        ],
    );
    assert_refused(
        &["--store", &url, "--nats-replicas", "3"],
        &["replicas is 1, not 3"],
    );
    nats.edit_stream("chat", |config| {
        config.max_messages = 50;
        config.max_message_size = 100;
    });
    assert_refused(
        &["--store", &url, "--retain-messages", "50"],
        &["max_msg_size is 100, not off"],
    );
    assert_serves(&[
        "--store",
        &url,
        "--retain-messages",
        "60",
        "--nats-stream",
        "other",
    ]);
    assert_refused(
        &["--store", &url, "--nats-stream", "a.b"],
        &["--nats-stream"],
    );
    assert_refused(
        &[
            "--store",
            &url,
            "--nats-stream",
            "third",
            "--nats-replicas",
            "3",
        ],
        &["replicas"],
    );
}

const USERS: &str = r#"
    jetstream {}
    accounts {
      A { jetstream: enabled, users: [
        {user: mina, password: "hunter2"},
        {user: reader, password: "hunter2", permissions: {publish: {deny: ["chat.>"]}}},
        {user: nobody, password: "hunter2", permissions: {publish: ["chat.>"]}}
      ]}
      B { users: [{user: plain, password: "hunter2"}] }
    }
"#;

#[test]
fn a_user_without_permissions_is_refused() {
    let nats = NatsServer::with_config(USERS);
    let url = nats.url();
    let as_user = |user: &str| url.replace("nats://", &format!("nats://{user}:hunter2@"));
    assert_refused(&["--store", &url], &["NATS refuses the login"]);
    let wrong = url.replace("nats://", "nats://mina:hunter22@");
    assert_refused(&["--store", &wrong], &["NATS refuses the login"]);
    assert_refused(&["--store", &as_user("plain")], &["JetStream"]);
    assert_refused(
        &["--store", &as_user("nobody")],
        &["no permission", "$JS.API"],
    );
    assert_refused(
        &["--store", &as_user("reader")],
        &["no permission", "chat.lobby"],
    );
    assert_serves(&["--store", &as_user("mina")]);
    assert_serves(&[
        "--store",
        &url,
        "--nats-user",
        "mina",
        "--nats-password",
        "hunter2",
    ]);
    let mut command = command(&["--store", &url]);
    command
        .env("POLL_VS_SSE_NATS_USER", "mina")
        .env("POLL_VS_SSE_NATS_PASSWORD", "hunter2");
    Process::spawn(command).publish_text("lobby", "hello");
}

#[test]
fn a_user_who_lacks_any_required_permission_is_refused() {
    let denied = [
        "$JS.API.STREAM.INFO.chat",
        "$JS.API.STREAM.MSG.GET.chat",
        "$JS.API.CONSUMER.CREATE.chat",
        "$JS.API.CONSUMER.DELETE.chat.*",
        "$JS.API.CONSUMER.MSG.NEXT.chat.*",
        "$JS.FC.>",
    ];
    let user = |(n, subject): (usize, &&str)| {
        format!(
            "{{user: u{n}, password: hunter2, permissions: {{publish: {{deny: [{subject:?}]}}}}}}"
        )
    };
    let users: Vec<String> = denied.iter().enumerate().map(user).collect();
    let users = users.join(", ");
    let nats = NatsServer::with_config(&format!(
        "jetstream {{}}\nauthorization {{ users: [{users}] }}"
    ));
    thread::scope(|scope| {
        for (n, subject) in denied.iter().enumerate() {
            let login = format!("nats://u{n}:hunter2@");
            let url = nats.url().replace("nats://", &login);
            let subject = subject.trim_end_matches(['*', '>']);
            scope.spawn(move || assert_refused(&["--store", &url], &["no permission", subject]));
        }
    });
}

#[test]
fn a_token_or_a_key_logs_in() {
    let nats = NatsServer::start_with_args(&["--auth", "hunter2"]);
    let url = nats.url();
    let wrong = url.replace("nats://", "nats://hunter22@");
    assert_refused(&["--store", &wrong], &["NATS refuses the login"]);
    assert_serves(&["--store", &url.replace("nats://", "nats://hunter2@")]);
    assert_serves(&["--store", &url, "--nats-token", "hunter2"]);

    let pair = nkeys::KeyPair::new_user();
    let config = format!(
        "jetstream {{}}\nauthorization {{ users: [{{nkey: {}}}] }}",
        pair.public_key()
    );
    let nats = NatsServer::with_config(&config);
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).expect("writes");
        path.display().to_string()
    };
    let url = nats.url();
    let own = file("own.nk", &pair.seed().expect("a seed"));
    assert_serves(&["--store", &url, "--nats-nkey", &own]);
    let other = nkeys::KeyPair::new_user().seed().expect("a seed");
    let other = file("other.nk", &other);
    assert_refused(
        &["--store", &url, "--nats-nkey", &other],
        &["refuses the login"],
    );
    let none = file("none.nk", "hunter2");
    assert_refused(
        &["--store", &url, "--nats-nkey", &none],
        &["no NKey seed of a user"],
    );
    assert_refused(
        &["--store", &url, "--nats-creds", &none],
        &["not a credentials file"],
    );
    let missing = missing(directory.path());
    assert_refused(
        &["--store", &url, "--nats-creds", &missing],
        &["No such file"],
    );
    assert_refused(
        &["--store", &url, "--nats-tls-ca", &missing],
        &["No such file"],
    );
    assert_refused(
        &["--store", &url, "--nats-tls-ca", &none],
        &["no certificate"],
    );
    assert_refused(
        &["--store", &url, "--nats-tls-cert", &own],
        &["--nats-tls-key"],
    );
    assert_refused(
        &[
            "--store",
            &url,
            "--nats-nkey",
            &own,
            "--nats-token",
            "hunter2",
        ],
        &["one way to log in"],
    );
}

fn missing(directory: &Path) -> String {
    directory.join("missing").display().to_string()
}

#[test]
fn a_server_that_waits_for_its_store_serves_once_it_is_available() {
    let mut nats = NatsServer::start();
    let url = nats.url();
    nats.kill();
    let waiting = StartingProcess::new(command(&["--store", &url, "--wait-for-store"]));
    let away = |lines: &str| -> Vec<String> {
        let lines = lines.lines().filter(|line| line.contains("store-away"));
        // The time stamp, without fractions of a second.
        lines.map(|line| line[..19].to_owned()).collect()
    };
    eventually(
        "the server logs repeatedly that the store is unavailable",
        || away(&waiting.stdout.text()).len() >= 3,
    );
    let addr = waiting.wait_until_standby();
    assert_eq!(addr.get("/healthz").status(), 200);
    for answer in [
        addr.get("/readyz"),
        addr.get("/poll"),
        addr.get("/"),
        addr.publish(&json!({"author": "mina", "text": "too soon"})),
    ] {
        assert_eq!(answer.header("retry-after"), Some("1"));
        answer.problem(503);
    }
    nats.resume();
    let server = waiting.wait_until_listening();
    assert_eq!(server.addr(), addr);
    server.publish_text("lobby", "hello");
    let lines = server.stdout.text();
    assert!(lines.contains("store-back"), "{lines}");
    for three in away(&lines).windows(3) {
        assert_ne!(three[0], three[2], "more than one line a second");
    }
}
