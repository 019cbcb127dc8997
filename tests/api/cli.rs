//! The command line: what it refuses, and how it reports that.

use std::{ffi::OsStr, net::TcpListener, os::unix::ffi::OsStrExt as _};

use crate::support::{
    client::TestClient as _,
    process::{Exit, Process, command, run, run_command},
};

/// Expects exit code 2 and a single line on standard error that contains all of `words`.
pub fn assert_refused(ended: &Exit, words: &[&str]) {
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    assert_eq!(
        ended.stderr.lines().count(),
        1,
        "one line: {:?}",
        ended.stderr
    );
    assert!(ended.stderr.ends_with('\n'));
    assert_eq!(ended.stdout, "");
    for word in words {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
}

#[test]
fn a_bad_flag_prints_one_line_and_exits_with_2() {
    let bad = [
        ("--bind", "nowhere"),
        ("--bind", "127.0.0.1"),
        ("--bind", "127.0.0.1:99999"),
        ("--store", "disk"),
        ("--store", "sqlite:"),
        ("--store", ""),
        ("--workers", "0"),
        ("--workers", "many"),
        ("--workers", "-1"),
        ("--workers", "100000"),
        ("--retain-messages", "0"),
        ("--retain-messages", "-5"),
        ("--retain-messages", "1.5"),
        ("--retain-age", "soon"),
        ("--retain-age", "0s"),
        ("--retain-age", "7"),
        ("--request-log", "maybe"),
        ("--log-format", "xml"),
        ("--drain", "soon"),
        ("--drain", "-1s"),
        ("--drain", "2h"),
    ];
    for (flag, value) in bad {
        let flag_and_value = format!("{flag}={value}");
        for args in [&[flag_and_value.as_str()][..], &["serve", &flag_and_value]] {
            assert_refused(&run(args), &[flag]);
        }
    }
    assert_refused(&run(&["--frobnicate"]), &["--frobnicate"]);
    assert_refused(&run(&["frobnicate"]), &["frobnicate"]);
    assert_refused(&run(&["--bind"]), &["--bind"]);
}

#[test]
fn a_bad_environment_variable_prints_one_line_and_exits_with_2() {
    let bad = [
        ("POLL_VS_SSE_BIND", "nowhere"),
        ("POLL_VS_SSE_STORE", "disk"),
        ("POLL_VS_SSE_WORKERS", "0"),
        ("POLL_VS_SSE_RETAIN_MESSAGES", "few"),
        ("POLL_VS_SSE_RETAIN_AGE", "soon"),
        ("POLL_VS_SSE_REQUEST_LOG", "maybe"),
        ("POLL_VS_SSE_LOG_FORMAT", "xml"),
    ];
    for (name, value) in bad {
        let mut command = command::<&str>(&[]);
        command.env(name, value);
        assert_refused(&run_command(command), &[value]);
    }
}

#[test]
fn environment_variables_set_flags_and_flags_override_them() {
    let mut command = command(&["--log-format", "json"]);
    command
        .env("POLL_VS_SSE_STORE", "memory")
        .env("POLL_VS_SSE_LOG_FORMAT", "text")
        .env("POLL_VS_SSE_REQUEST_LOG", "off");
    let server = Process::spawn(command);
    server.publish_text("lobby", "hello");
    let ended = server.stop();
    assert!(ended.stdout.starts_with('{'), "{}", ended.stdout);
    assert!(!ended.stdout.contains("\"request\""), "{}", ended.stdout);
}

#[test]
fn help_reads_as_documentation() {
    for args in [&["--help"][..], &["serve", "--help"]] {
        let ended = run(args);
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
        for flag in [
            "--bind",
            "--store",
            "--workers",
            "--retain-messages",
            "--retain-age",
            "--request-log",
            "--log-format",
        ] {
            assert!(ended.stdout.contains(flag), "{flag}: {}", ended.stdout);
            let name = flag
                .trim_start_matches('-')
                .replace('-', "_")
                .to_uppercase();
            assert!(
                ended.stdout.contains(&format!("POLL_VS_SSE_{name}")),
                "{name}"
            );
        }
        assert!(
            ended.stdout.contains("sqlite:chat.db"),
            "help shows the defaults"
        );
    }
    let version = run(&["--version"]);
    assert_eq!(version.status.code(), Some(0));
    assert!(version.stdout.starts_with("poll-vs-sse "));
}

#[test]
fn a_port_in_use_prints_one_line_and_creates_no_log() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = taken.local_addr().expect("an address").to_string();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("chat.db");
    let store = format!("sqlite:{}", path.display());
    let ended = run(&["--bind", &addr, "--store", &store]);
    assert_refused(&ended, &[&addr]);
    assert!(!path.exists());
}

#[test]
fn the_default_store_is_chat_db_in_the_working_directory() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = command::<&str>(&[]);
    command.current_dir(directory.path());
    let server = Process::spawn(command);
    server.publish_text("lobby", "hello");
    server.stop();
    assert!(directory.path().join("chat.db").exists());
}

#[test]
fn every_line_of_a_json_log_is_json_up_to_the_table() {
    let server = Process::start(&["--store", "memory", "--log-format", "json"]);
    server.publish_text("lobby", "hello");
    drop(server.stream(""));
    let ended = server.stop();
    let lines = ended
        .stdout
        .lines()
        .take_while(|line| !line.starts_with("transport "));
    for line in lines {
        let json: serde_json::Value = serde_json::from_str(line).expect(line);
        assert!(
            json["time"].is_string() && json["event"].is_string(),
            "{line}"
        );
    }
}

#[test]
fn a_blank_environment_variable_counts_as_unset() {
    let mut command = command(&["serve"]);
    for name in [
        "BIND",
        "WORKERS",
        "RETAIN_MESSAGES",
        "RETAIN_AGE",
        "REQUEST_LOG",
        "LOG_FORMAT",
        "DRAIN",
        "WAIT_FOR_STORE",
        "NATS_STREAM",
        "NATS_REPLICAS",
        "NATS_USER",
        "NATS_PASSWORD",
        "NATS_TLS_CA",
    ] {
        command.env(format!("POLL_VS_SSE_{name}"), " ");
    }
    command.env("POLL_VS_SSE_STORE", "memory");
    assert_eq!(Process::spawn(command).get("/healthz").status(), 200);
}

#[test]
fn an_environment_variable_that_no_flag_has_is_reported() {
    let mut command = command(&["plan"]);
    for (name, value) in [
        ("AUHT", "jwt"),
        ("AUTH", "off"),
        ("CLIENTS", "1000"),
        ("PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("SERVICE_HOST", "10.0.0.1"),
    ] {
        command.env(format!("POLL_VS_SSE_{name}"), value);
    }
    let ended = run_command(command);
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("POLL_VS_SSE_AUHT"), "{lines:?}");
}

#[test]
fn an_error_for_a_bad_environment_variable_names_the_variable() {
    for (words, name, value) in [
        (&[][..], "POLL_VS_SSE_BIND", "nowhere"),
        (&["serve"], "POLL_VS_SSE_WORKERS", "many"),
        (&["plan"], "POLL_VS_SSE_CLIENTS", "lots"),
        (&["compare"], "POLL_VS_SSE_RATE", "fast"),
    ] {
        let mut command = command(words);
        command.env(name, value);
        assert_refused(&run_command(command), &[name, value]);
    }
    let mut command = command(&["--bind", "here"]);
    command.env("POLL_VS_SSE_BIND", "127.0.0.1:0");
    let refused = run_command(command);
    assert_refused(&refused, &["--bind", "here"]);
    assert!(
        !refused.stderr.contains("POLL_VS_SSE"),
        "{}",
        refused.stderr
    );
}

#[test]
fn an_error_about_several_values_names_each_variable() {
    for (variables, words) in [
        (
            &[("POLL_VS_SSE_TLS_CERT", "cert.pem")][..],
            &["--tls-key"][..],
        ),
        (&[("POLL_VS_SSE_NATS_USER", "mina")], &["--nats-user"]),
        (
            &[("POLL_VS_SSE_STORE", "sqlite:nowhere/chat.db")],
            &["nowhere/chat.db", "directory"],
        ),
    ] {
        let mut command = command(&["--bind", "127.0.0.1:0"]);
        for (name, value) in variables {
            command.env(name, value);
        }
        let refused = run_command(command);
        assert_refused(&refused, words);
        for (name, _) in variables {
            assert_refused(&refused, &[name]);
        }
    }
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = taken.local_addr().expect("an address").to_string();
    let mut from_variable = command(&["--store", "memory"]);
    from_variable.env("POLL_VS_SSE_BIND", &addr);
    assert_refused(&run_command(from_variable), &[&addr, "POLL_VS_SSE_BIND"]);
    let refused = run(&["--store", "memory", "--bind", &addr]);
    assert_refused(&refused, &[&addr, "--bind"]);
    assert!(!refused.stderr.contains("POLL_VS"), "{}", refused.stderr);
}

#[test]
fn an_error_about_a_file_names_its_flag_or_variable() {
    const NATS: (&str, &str) = ("POLL_VS_SSE_STORE", "nats://127.0.0.1:1");
    const MEMORY: (&str, &str) = ("POLL_VS_SSE_STORE", "memory");
    const TOKENS: (&str, &str) = ("POLL_VS_SSE_AUTH", "jwt");
    const CERT: (&str, &str) = ("POLL_VS_SSE_TLS_CERT", "/nope");
    for (name, flag, others) in [
        (
            "JWT_SECRET_FILE",
            "--jwt-secret-file",
            &[MEMORY, TOKENS][..],
        ),
        ("JWKS", "--jwks", &[MEMORY, TOKENS]),
        ("TLS_KEY", "--tls-key", &[MEMORY, CERT]),
        ("NATS_CREDS", "--nats-creds", &[NATS]),
        ("NATS_NKEY", "--nats-nkey", &[NATS]),
        ("NATS_TLS_CA", "--nats-tls-ca", &[NATS]),
    ] {
        let name = format!("POLL_VS_SSE_{name}");
        let mut command = command(&["--bind", "127.0.0.1:0"]);
        command.envs(others.iter().copied()).env(&name, "/nope");
        let refused = run_command(command);
        assert_refused(&refused, &["/nope", "No such file", flag, &name]);
        let stderr = &refused.stderr;
        assert!(!stderr.contains("POLL_VS_SSE_STORE"), "{stderr}");
    }
}

#[test]
fn an_error_about_a_value_that_is_not_utf_8_names_its_variable() {
    for name in [
        "POLL_VS_SSE_BIND",
        "POLL_VS_SSE_AUTH",
        "POLL_VS_SSE_NATS_USER",
    ] {
        let mut command = command(&["--store", "memory"]);
        command.env(name, OsStr::from_bytes(b"\xff"));
        // A path may be any bytes, and the other one is not used.
        command.env("POLL_VS_SSE_JWKS", OsStr::from_bytes(b"\xff"));
        command.env("POLL_VS_SSE_STORE", OsStr::from_bytes(b"\xff"));
        assert_refused(&run_command(command), &[name]);
    }
}

/// Values as an `--env-file` or a compose file passes them on.
#[test]
fn values_may_have_spaces_quotes_and_capitals() {
    let mut command = command::<&str>(&[]);
    command
        .env("POLL_VS_SSE_STORE", "\"memory\"")
        .env("POLL_VS_SSE_REQUEST_LOG", " No ")
        .env("POLL_VS_SSE_LOG_FORMAT", " 'JSON' ")
        .env("POLL_VS_SSE_WAIT_FOR_STORE", " Yes ")
        .env("POLL_VS_SSE_AUTH", "Off")
        .env("POLL_VS_SSE_FAULT_INJECTION", "'true'")
        .env("POLL_VS_SSE_TLS", "\"self-signed\"")
        .env("POLL_VS_SSE_BIND_TLS", "127.0.0.1:0")
        .env("POLL_VS_SSE_RETAIN_AGE", "'36h'")
        .env("POLL_VS_SSE_RETAIN_MESSAGES", "10k")
        .env("POLL_VS_SSE_KEEP_ALIVE", " 1m 15s ");
    let server = Process::spawn(command);
    server.publish_text("lobby", "hello");
    let ended = server.stop();
    assert!(ended.stdout.starts_with('{'), "{}", ended.stdout);
    assert!(!ended.stdout.contains("\"request\""), "{}", ended.stdout);
}

#[test]
fn completions_know_the_commands_and_their_flags() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let printed = run(&["completions", shell]);
        assert!(printed.status.success(), "{shell}: {}", printed.stderr);
        for word in ["poll-vs-sse", "compare", "retain-age"] {
            assert!(printed.stdout.contains(word), "{shell}: no {word}");
        }
    }
    assert_refused(&run(&["completions", "tcsh"]), &["tcsh"]);
}

#[test]
fn the_manual_page_describes_every_command() {
    let printed = run(&["man"]);
    assert!(printed.status.success(), "{}", printed.stderr);
    assert!(printed.stdout.contains(".TH poll-vs-sse 1"), "a man page");
    for flag in ["retain\\-age", "max\\-delay", "interval"] {
        assert!(printed.stdout.contains(flag), "no {flag}");
    }
}

#[test]
fn every_command_has_a_version() {
    let version = run(&["--version"]).stdout;
    let number = version.trim().strip_prefix("poll-vs-sse ").expect("a name");
    for command in ["serve", "compare", "plan"] {
        let printed = run(&[command, "--version"]);
        assert!(printed.status.success(), "{command}: {}", printed.stderr);
        assert!(printed.stdout.contains(number), "{command}");
    }
}
