//! The flags: their values, their errors, and the configuration that they make.

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    serve: Serve,
}

fn parsed(flags: &[&str]) -> Result<Config, clap::Error> {
    let words = ["poll-vs-sse"].iter().chain(flags);
    let serve = Flags::try_parse_from(words)?.serve;
    let refuse = |why| clap::Error::raw(clap::error::ErrorKind::ArgumentConflict, why);
    serve.into_config().map_err(refuse)
}

fn config(flags: &[&str]) -> Config {
    parsed(flags).expect("valid flags")
}

#[test]
fn no_flags_serve_the_default_log_on_loopback() {
    let config = config(&[]);
    assert_eq!(config.bind, SocketAddr::from(([127, 0, 0, 1], 8080)));
    assert_eq!(config.store, StoreChoice::Sqlite("chat.db".into()));
    assert_eq!(config.retention.messages, Some(1_000_000));
    assert_eq!(
        config.retention.age,
        Some(Duration::from_secs(7 * 24 * 3600))
    );
    assert!(config.request_log);
}

#[test]
fn the_request_log_can_be_off() {
    assert!(!config(&["--request-log", "off"]).request_log);
    assert!(config(&["--request-log", "on"]).request_log);
}

#[test]
fn choices_are_read_as_they_are_written() {
    for text in ["on", "ON", " on ", "'on'", "true", "Yes", "1"] {
        let config = config(&["--bind", "0.0.0.0:80", "--fault-injection", text]);
        assert!(config.limits.fault_injection, "{text}");
    }
    for text in ["off", "\"OFF\"", "false", "no", "0"] {
        let config = config(&["--fault-injection", text]);
        assert!(!config.limits.fault_injection, "{text}");
        assert!(
            self::config(&["--auth", text]).access.jwt.is_none(),
            "{text}"
        );
    }
    for text in ["json", " json ", "'JSON'"] {
        assert_eq!(config(&["--log-format", text]).log_format, Format::Json);
    }
    assert!(config(&["--tls", "\"Self-Signed\""]).tls.is_some());
    let flags = ["--auth", " JWT ", "--jwks", "keys.json"];
    assert!(config(&flags).access.jwt.is_some());
    for flags in [["--auth", "on"], ["--fault-injection", "Maybe"]] {
        let error = parsed(&flags).expect_err("refused").to_string();
        assert!(
            error.contains(flags[0]) && error.contains(flags[1]),
            "{error}"
        );
    }
}

#[test]
fn bounds_can_be_off() {
    let config = config(&["--retain-messages", "off", "--retain-age", "off"]);
    assert_eq!(
        (config.retention.messages, config.retention.age),
        (None, None)
    );
}

#[test]
fn a_store_is_known_in_capitals_too() {
    assert_eq!(config(&["--store", "Memory"]).store, StoreChoice::Memory);
    let store = config(&["--store", "SQLite:Chat.db"]).store;
    assert_eq!(store, StoreChoice::Sqlite("Chat.db".into()));
    let store = config(&["--store", "NATS://host"]).store;
    assert!(matches!(store, StoreChoice::Nats(_)), "{store:?}");
}

#[test]
fn flags_of_nats_are_for_nats() {
    for flags in [
        ["--nats-user", "mina"],
        ["--nats-stream", "other"],
        ["--nats-replicas", "3"],
    ] {
        let with = |store| [&["--store", store][..], &flags].concat();
        assert!(parsed(&with("nats://host")).is_ok(), "{flags:?}");
        assert!(parsed(&with("memory")).is_err(), "{flags:?}");
        assert!(parsed(&flags).is_err(), "{flags:?}");
    }
}

#[test]
fn bad_values_are_refused() {
    let bad = [
        ["--bind", "here"],
        ["--store", "disk"],
        ["--store", "sqlite:"],
        ["--store", "sqlite::memory:"],
        ["--workers", "0"],
        ["--retain-messages", "0"],
        ["--retain-age", "soon"],
        ["--request-log", "maybe"],
        ["--log-format", "xml"],
        ["--drain", "soon"],
        ["--drain", "2h"],
        ["--drain", "-1s"],
        ["--http-fast-path", "maybe"],
        ["--keep-alive", "0s"],
        ["--keep-alive", "2h"],
    ];
    for flags in bad {
        assert!(parsed(&flags).is_err(), "{flags:?}");
    }
}
