//! The SQLite file: kept over restarts, and refused if it is not a complete log of this server.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    cli::assert_refused,
    support::{
        client::{JSON, TestClient as _, cursor},
        process::{Process, run},
        server::Server,
    },
};

fn new_file() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("chat.db");
    (directory, path)
}

fn store(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

/// Checks that the binary refuses the file with one line that contains `words`, and does not change it.
fn assert_file_refused(path: &Path, words: &[&str]) {
    let before = fs::read(path).expect("readable");
    let size = before.len();
    let name = path.display().to_string();
    println!("a file of {size} bytes");
    let ended = run(&["--bind", "127.0.0.1:0", "--store", &store(path)]);
    assert_refused(&ended, words);
    assert_refused(&ended, &[&name]);
    assert!(
        fs::read(path).expect("readable") == before,
        "unchanged: {}",
        ended.stderr
    );
}

/// Makes a log of `n` messages in one file, like a server that was stopped.
fn a_log(path: &Path, n: usize) -> Vec<Value> {
    let server = Server::on_file(path.to_owned());
    let mut connection = server.raw();
    let messages = (0..n).map(|i| {
        let text = format!("{i} {}", "x".repeat(200));
        crate::support::client::publish_text(&mut connection, "lobby", &text)
    });
    let messages = messages.collect();
    drop(server);
    // Tests that damage the file need the whole log in it, without a write-ahead log.
    let connection = rusqlite::Connection::open(path).expect("opens");
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .expect("checkpoints");
    drop(connection);
    let beside = path.with_extension("db-wal");
    crate::support::eventually("the log is in one file", || !beside.exists());
    messages
}

#[test]
fn a_restart_keeps_the_log_its_identity_and_its_cursors() {
    let (_directory, path) = new_file();
    let mut expected = a_log(&path, 5);
    let place = cursor(&expected[2]).to_owned();
    for round in 0..3 {
        let server = Server::on_file(path.clone());
        let answer = server.poll(&format!("cursor={place}"));
        assert_eq!(
            (&answer["reset"], &answer["messages"]),
            (&Value::Null, &json!(expected[3..]))
        );
        assert_eq!(server.stream("").messages(expected.len()), expected);
        let message = server.publish_text("lobby", &format!("round {round}"));
        let ids = [expected.last(), Some(&message)].map(|m| m.and_then(|m| m["id"].as_u64()));
        assert!(ids[0] < ids[1], "ids continue to rise: {ids:?}");
        expected.push(message);
    }
    let logs = expected
        .iter()
        .map(|message| cursor(message).split_once('-').expect("log-id").0);
    assert_eq!(logs.collect::<std::collections::HashSet<_>>().len(), 1);
}

#[test]
fn ids_continue_to_rise_after_every_message_was_retired() {
    let (_directory, path) = new_file();
    let last = a_log(&path, 4).pop().expect("a message");
    let server = Server::start(poll_vs_sse_server::config::Config {
        store: poll_vs_sse_server::config::StoreChoice::Sqlite(path.clone()),
        retention: poll_vs_sse_server::log::retention::Retention {
            messages: None,
            age: Some(std::time::Duration::from_millis(1)),
        },
        ..poll_vs_sse_server::config::Config::default()
    });
    crate::support::eventually("all are retired", || {
        server.poll("last=9")["messages"] == json!([])
    });
    drop(server);
    let server = Server::on_file(path);
    let next = server.publish_text("lobby", "next");
    assert!(next["id"].as_u64() > last["id"].as_u64());
    let answer = server.poll(&format!("cursor={}", cursor(&last)));
    assert_eq!(
        (&answer["reset"], &answer["messages"]),
        (&Value::Null, &json!([next]))
    );
}

#[test]
fn retired_messages_are_still_expired_after_a_restart() {
    let (_directory, path) = new_file();
    let messages = {
        let server = Server::start(poll_vs_sse_server::config::Config {
            store: poll_vs_sse_server::config::StoreChoice::Sqlite(path.clone()),
            retention: poll_vs_sse_server::log::retention::Retention {
                messages: Some(2),
                age: None,
            },
            ..poll_vs_sse_server::config::Config::default()
        });
        server.publish_many("lobby", 5)
    };
    let server = Server::on_file(path);
    let answer = server.poll(&format!("cursor={}", cursor(&messages[0])));
    assert_eq!(
        (&answer["reset"], &answer["messages"]),
        (&json!("expired"), &json!(messages[3..]))
    );
}

#[test]
fn too_many_rooms_whose_messages_were_removed_share_one_row() {
    let (_directory, path) = new_file();
    let messages = a_log(&path, 4);
    let file = rusqlite::Connection::open(&path).expect("opens");
    file.execute_batch(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100001)
         INSERT INTO retired (room, through) SELECT 'room-' || n, 2 FROM n;",
    )
    .expect("writes");
    let server = Server::on_file(path);
    crate::support::eventually("one row is left", || {
        let rows = file.query_row("SELECT count(*) FROM retired", [], |row| {
            row.get::<_, i64>(0)
        });
        rows.expect("reads") == 1
    });
    // A gap that may not exist is reported, so that none is missed.
    for (after, reset) in [
        (&messages[0], json!("expired")),
        (&messages[2], Value::Null),
    ] {
        let answer = server.poll(&format!("room=room-7&cursor={}", cursor(after)));
        assert_eq!(answer["reset"], reset);
    }
}

#[test]
fn the_text_of_a_publish_with_a_key_is_removed_with_the_key() {
    let (_directory, path) = new_file();
    a_log(&path, 1);
    let file = rusqlite::Connection::open(&path).expect("opens");
    file.execute_batch("INSERT INTO first_uses (key, id, json, at) VALUES ('k', 1, '{}', 0)")
        .expect("writes");
    let _server = Server::on_file(path);
    crate::support::eventually("the key is forgotten without another publish", || {
        let rows = file.query_row("SELECT count(*) FROM first_uses", [], |row| {
            row.get::<_, i64>(0)
        });
        rows.expect("reads") == 0
    });
}

#[test]
fn many_expired_keys_are_forgotten_in_steps_and_do_not_count_meanwhile() {
    const KEYS: i64 = 5_000;
    let (_directory, path) = new_file();
    a_log(&path, 1);
    let file = rusqlite::Connection::open(&path).expect("opens");
    file.execute_batch(&format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {KEYS})
         INSERT INTO first_uses (key, id, json, at) SELECT 'k' || n, 1, '{{}}', n FROM n;"
    ))
    .expect("writes");
    let keys = || {
        let rows = file.query_row("SELECT count(*) FROM first_uses", [], |row| {
            row.get::<_, i64>(0)
        });
        rows.expect("reads")
    };
    let server = Server::on_file(path);
    let newest = format!("k{KEYS}");
    let draft = json!({"author": "mina", "text": "again"}).to_string();
    let publish = || {
        server.post(
            draft.as_str(),
            &[JSON, ("Idempotency-Key", newest.as_str())],
        )
    };
    assert_eq!(publish().status(), 201);
    assert!(keys() > KEYS / 2, "a publish does not wait for all of them");
    assert_eq!(publish().status(), 200);
    crate::support::eventually("the expired keys are forgotten", || keys() == 1);
}

#[test]
fn a_second_server_on_the_same_file_is_refused() {
    let (_directory, path) = new_file();
    let first = Process::start(&["--store", &store(&path)]);
    first.publish_text("lobby", "hello");
    let ended = run(&["--bind", "127.0.0.1:0", "--store", &store(&path)]);
    assert_refused(&ended, &["another server"]);
    assert_eq!(
        first.publish_text("lobby", "still served")["text"],
        "still served"
    );
    first.kill();
    let next = Process::start(&["--store", &store(&path)]);
    assert_eq!(
        next.poll("")["messages"].as_array().map(Vec::len),
        Some(2),
        "no stale lock"
    );
}

#[test]
fn a_database_of_another_program_is_refused() {
    let (_directory, path) = new_file();
    let connection = rusqlite::Connection::open(&path).expect("opens");
    connection
        .execute_batch("CREATE TABLE messages (id INTEGER); INSERT INTO messages VALUES (1);")
        .expect("writes");
    drop(connection);
    assert_file_refused(&path, &["another program"]);
    let connection = rusqlite::Connection::open(&path).expect("opens");
    connection
        .execute_batch("DROP TABLE messages; PRAGMA user_version = 7;")
        .expect("writes");
    drop(connection);
    assert_file_refused(&path, &[]);
}

#[test]
fn a_log_of_a_newer_version_is_refused() {
    let (_directory, path) = new_file();
    a_log(&path, 1);
    let connection = rusqlite::Connection::open(&path).expect("opens");
    connection
        .execute_batch("PRAGMA user_version = 999;")
        .expect("writes");
    drop(connection);
    assert_file_refused(&path, &["newer version"]);
}

#[test]
fn a_file_that_is_not_a_database_is_refused() {
    let (_directory, path) = new_file();
    for content in [
        &b"hello\n"[..],
        &[0; 4096],
        &[0xff; 100_000],
        b"SQLite format 3\0",
    ] {
        fs::write(&path, content).expect("writes");
        assert_file_refused(&path, &[]);
    }
}

#[test]
fn a_truncated_log_is_refused() {
    let (_directory, path) = new_file();
    a_log(&path, 200);
    let whole = fs::read(&path).expect("readable");
    assert!(whole.len() > 40_000, "{}", whole.len());
    for length in [
        16,
        50,
        99,
        512,
        4096,
        8192,
        whole.len() / 2,
        whole.len() - 4096,
        whole.len() - 1,
    ] {
        fs::write(&path, &whole[..length]).expect("writes");
        assert_file_refused(&path, &[]);
    }
}

#[test]
fn a_log_with_overwritten_pages_is_refused() {
    let (_directory, path) = new_file();
    a_log(&path, 200);
    let whole = fs::read(&path).expect("readable");
    let pages = whole.len() / 4096;
    for page in 0..pages {
        let mut damaged = whole.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0xa5);
        fs::write(&path, &damaged).expect("writes");
        assert_file_refused(&path, &[]);
    }
}

#[test]
fn a_log_without_its_identity_is_refused() {
    for statement in [
        "DELETE FROM meta",
        "UPDATE meta SET value = ''",
        "DROP TABLE meta",
        "DROP TABLE messages",
        "DROP TABLE retired",
        "DROP TABLE first_uses",
    ] {
        println!("{statement}");
        let (_directory, path) = new_file();
        a_log(&path, 3);
        let connection = rusqlite::Connection::open(&path).expect("opens");
        connection.execute_batch(statement).expect(statement);
        drop(connection);
        assert_file_refused(&path, &[]);
    }
}

#[test]
fn a_path_that_cannot_be_written_is_one_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let missing = directory.path().join("missing/chat.db");
    let a_directory = directory.path().to_owned();
    for path in [missing, a_directory] {
        let ended = run(&["--bind", "127.0.0.1:0", "--store", &store(&path)]);
        assert_refused(&ended, &[&path.display().to_string()]);
    }
}
