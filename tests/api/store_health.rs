//! A SQLite file that can no longer be trusted: publishes, `/readyz`, `/metrics` and the log all report it.

use std::{
    fs,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    client::{JSON, TestClient, texts},
    eventually,
    process::{Process, command},
    server::Server,
};

fn new_file() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("chat.db");
    (directory, path)
}

fn publish(server: &impl TestClient, text: &str) -> u16 {
    let draft = json!({"author": "mina", "text": text}).to_string();
    let answer = server
        .raw()
        .ask("POST", "/messages", &[JSON], draft.as_bytes());
    if answer.status() == 503 {
        answer.problem(503);
    }
    answer.status()
}

fn store_up(server: &impl TestClient) -> bool {
    let metrics = server.get("/metrics").text();
    let sample = metrics
        .lines()
        .find_map(|line| line.strip_prefix("poll_vs_sse_store_up "));
    sample.expect("a sample") == "1"
}

/// Checks that everything reports the store as unavailable.
fn assert_unavailable(server: &Server) {
    assert_eq!(publish(server, "lost"), 503);
    assert_eq!(server.get("/readyz").status(), 503);
    assert!(!store_up(server));
    server.lines.with(1, &["store-away"]);
    assert_eq!(server.get("/healthz").status(), 200);
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[test]
fn a_deleted_file_refuses_publishes() {
    let (directory, path) = new_file();
    let server = Server::on_file(path.clone());
    assert_eq!(publish(&server, "kept"), 201);
    for file in fs::read_dir(directory.path()).expect("lists") {
        fs::remove_file(file.expect("an entry").path()).expect("deletes");
    }
    assert_unavailable(&server);
    drop(server);
    assert!(!path.exists(), "the server must not recreate the file");
}

#[test]
fn a_replaced_file_refuses_publishes() {
    let (directory, path) = new_file();
    let server = Server::on_file(path.clone());
    assert_eq!(publish(&server, "kept"), 201);
    let other = directory.path().join("other.db");
    fs::copy(&path, &other).expect("copies");
    fs::rename(&other, &path).expect("replaces");
    assert_unavailable(&server);
}

#[test]
fn a_deleted_write_ahead_log_refuses_publishes() {
    let (_directory, path) = new_file();
    let server = Server::on_file(path.clone());
    assert_eq!(publish(&server, "kept"), 201);
    fs::remove_file(beside(&path, "-wal")).expect("deletes");
    assert_unavailable(&server);
}

#[test]
fn truncated_files_refuse_publishes() {
    for (suffix, bytes) in [("", 0), ("-wal", 0), ("-wal", 5_000)] {
        let (_directory, path) = new_file();
        let server = Server::on_file(path.clone());
        for _ in 0..20 {
            assert_eq!(publish(&server, "kept"), 201);
        }
        let file = fs::OpenOptions::new()
            .write(true)
            .open(beside(&path, suffix))
            .expect("opens");
        file.set_len(bytes).expect("truncates");
        assert_unavailable(&server);
    }
}

#[test]
fn a_write_ahead_log_that_another_program_empties_is_no_loss() {
    let (_directory, path) = new_file();
    let server = Server::on_file(path.clone());
    for _ in 0..20 {
        assert_eq!(publish(&server, "kept"), 201);
    }
    let other = rusqlite::Connection::open(&path).expect("opens");
    let emptied: i64 = other
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .expect("runs");
    assert_eq!(emptied, 0, "it was not busy");
    assert_eq!(
        fs::metadata(beside(&path, "-wal")).expect("exists").len(),
        0
    );
    assert_eq!(publish(&server, "after"), 201);
    assert_eq!(server.get("/readyz").status(), 200);
    drop(server);
    let server = Server::on_file(path);
    assert_eq!(
        server.poll("last=50")["messages"].as_array().map(Vec::len),
        Some(21)
    );
}

#[test]
fn a_file_that_returns_is_served_again() {
    let (_directory, path) = new_file();
    let server = Server::on_file(path.clone());
    assert_eq!(publish(&server, "before"), 201);
    let aside = beside(&path, ".aside");
    fs::rename(&path, &aside).expect("moves away");
    assert_unavailable(&server);
    fs::rename(&aside, &path).expect("moves back");
    server.lines.with(1, &["store-back"]);
    assert!(store_up(&server));
    assert_eq!(server.get("/readyz").status(), 200);
    assert_eq!(publish(&server, "after"), 201);
    assert_eq!(
        texts(&server.poll("last=9")["messages"]),
        ["before", "after"]
    );
    assert_eq!(
        texts(&Value::Array(server.stream("last=9").messages(2))),
        ["before", "after"]
    );
}

#[test]
fn a_file_locked_by_another_program_refuses_publishes_until_it_is_unlocked() {
    let (_directory, path) = new_file();
    let server = Server::on_file(path.clone());
    assert_eq!(publish(&server, "before"), 201);
    let other = rusqlite::Connection::open(&path).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locks");
    assert_unavailable(&server);
    other.execute_batch("ROLLBACK").expect("lets go");
    server.lines.with(1, &["store-back"]);
    assert!(store_up(&server));
    assert_eq!(publish(&server, "after"), 201);
}

#[test]
fn a_page_damaged_while_it_is_served_is_reported_everywhere() {
    let (_directory, path) = new_file();
    {
        let server = Server::on_file(path.clone());
        for i in 0..300 {
            assert_eq!(publish(&server, &format!("{i} {}", "x".repeat(200))), 201);
        }
    }
    let server = Server::on_file(path.clone());
    let file = fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .expect("opens");
    let pages = file.metadata().expect("metadata").len() / 4096;
    for page in 1..pages {
        file.write_all_at(&[0xa5; 4096], page * 4096)
            .expect("damages");
    }
    assert_eq!(server.get("/poll?last=300").status(), 503);
    assert_unavailable(&server);
}

#[test]
fn a_limit_on_file_sizes_is_a_full_disk() {
    const SIGXFSZ_WOULD_END_IT: usize = 2000;
    let (_directory, path) = new_file();
    let mut limited = std::process::Command::new("sh");
    let inner = command::<&str>(&[]);
    limited
        .args(["-c", "ulimit -f 400 && exec \"$0\" \"$@\""])
        .arg(inner.get_program())
        .args(["--store", &format!("sqlite:{}", path.display())])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let server = Process::spawn(limited);
    let text = "x".repeat(4000);
    let mut kept = 0;
    while publish(&server, &text) == 201 {
        kept += 1;
        assert!(kept < SIGXFSZ_WOULD_END_IT, "the limit is reached");
    }
    assert_eq!(publish(&server, &text), 503);
    assert_eq!(server.get("/readyz").status(), 503);
    assert!(!store_up(&server));
    eventually("the log reports it", || {
        server.stdout.text().contains("store-away")
    });
    let answer = server.get("/poll?last=1").ok();
    assert_eq!(answer["messages"][0]["id"], kept);
    server.stop();
}
