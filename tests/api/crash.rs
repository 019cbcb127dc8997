//! Acknowledged messages survive `kill -9` and a full disk.

use std::{
    os::unix::process::CommandExt as _,
    path::Path,
    process::Command,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    client::{JSON, TestClient, cursor},
    eventually,
    process::{Process, command},
    raw_connection::RawConnection,
};

fn store(path: &Path) -> [String; 2] {
    ["--store".to_owned(), format!("sqlite:{}", path.display())]
}

/// Publishes until the server is gone, and returns the acknowledged messages.
fn publish_until_gone(
    mut connection: RawConnection,
    publisher: usize,
    count: &AtomicU64,
) -> Vec<Value> {
    let mut acknowledged = Vec::new();
    for i in 0.. {
        let text = format!("{publisher}.{i}");
        let body = json!({"author": "mina", "text": text}).to_string();
        let head = format!(
            "POST /messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        if connection.try_send(head + &body).is_err() {
            break;
        }
        match connection.answer("POST") {
            Ok(response) if response.status() == 201 => {
                acknowledged.push(response.json());
                count.fetch_add(1, Relaxed);
            }
            Ok(response) => panic!("{response:?}"),
            Err(_) => break,
        }
    }
    acknowledged
}

/// All messages of the log, oldest first.
fn whole_log(server: &impl TestClient) -> Vec<Value> {
    let mut all = Vec::new();
    let mut query = "last=1000&limit=1000".to_owned();
    // These tests publish fewer than a thousand messages.
    loop {
        let answer = server.poll(&query);
        all.extend(answer["messages"].as_array().expect("a list").clone());
        if answer["more"] == false {
            return all;
        }
        query = format!("limit=1000&cursor={}", cursor(&answer));
    }
}

#[test]
fn kill_9_loses_no_acknowledged_message() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("chat.db");
    let mut known: Vec<Value> = Vec::new();
    for round in 0..3 {
        let server = Process::spawn(command(&store(&path)));
        let count = AtomicU64::new(0);
        let wires: Vec<RawConnection> = (0..4).map(|_| server.raw()).collect();
        let acknowledged: Vec<Value> = std::thread::scope(|scope| {
            let publishers: Vec<_> = wires
                .into_iter()
                .enumerate()
                .map(|(publisher, connection)| {
                    let count = &count;
                    scope.spawn(move || publish_until_gone(connection, publisher, count))
                })
                .collect();
            eventually("some are published", || {
                count.load(Relaxed) > 40 + 17 * round
            });
            server.kill();
            let joined = publishers.into_iter().map(|publisher| publisher.join());
            joined
                .flat_map(|messages| messages.expect("no panic"))
                .collect()
        });
        known.extend(acknowledged);
        let server = Process::spawn(command(&store(&path)));
        let log = whole_log(&server);
        let ids: Vec<u64> = log
            .iter()
            .map(|m| m["id"].as_u64().expect("an id"))
            .collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "in order");
        for message in &known {
            assert!(log.contains(message), "lost: {message}");
        }
        server.kill();
    }
}

/// A server that cannot make a file larger than `bytes`, which is like a full disk.
fn on_a_small_disk(path: &Path, bytes: u64) -> Command {
    let mut command = command(&store(path));
    let limit = libc::rlimit {
        rlim_cur: bytes,
        rlim_max: bytes,
    };
    // SAFETY: between fork and exec only system calls are made that are safe there.
    unsafe {
        command.pre_exec(move || {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            match libc::setrlimit(libc::RLIMIT_FSIZE, &limit) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        });
    }
    command
}

#[test]
fn a_full_disk_refuses_publishes_and_loses_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("chat.db");
    let server = Process::spawn(on_a_small_disk(&path, 200_000));
    let mut stream = server.stream("last=0");
    stream.frame();
    let mut acknowledged = Vec::new();
    let mut connection = server.raw();
    let refused = loop {
        let text = format!("{} {}", acknowledged.len(), "x".repeat(1000));
        let draft = json!({"author": "mina", "text": text}).to_string();
        let response = connection.ask("POST", "/messages", &[JSON], draft.as_bytes());
        if response.status() != 201 {
            break response;
        }
        acknowledged.push(response.json());
        assert!(acknowledged.len() < 1000, "the disk did not fill");
    };
    assert!(!acknowledged.is_empty());
    refused.problem(503);
    let retry_after = refused.header("retry-after").expect("a Retry-After header");
    assert!(
        retry_after.parse::<u32>().is_ok_and(|seconds| seconds > 0),
        "{retry_after}"
    );
    fill_up(&server, &mut acknowledged);
    assert_readable_while_unavailable(&server, &acknowledged);
    assert_eq!(stream.messages(acknowledged.len()), acknowledged);
    let ended = server.stop();
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.contains("store-away"), "{}", ended.stdout);

    let server = Process::spawn(command(&store(&path)));
    assert_eq!(whole_log(&server), acknowledged);
    assert_eq!(
        server.publish_text("lobby", "there is room again")["text"],
        "there is room again"
    );
    assert_eq!(server.get("/readyz").status(), 200);
}

/// Publishes short messages, until not even the server's own probe fits.
fn fill_up(server: &Process, acknowledged: &mut Vec<Value>) {
    let little = json!({"author": "m", "text": "x"});
    eventually("nothing fits any more", || {
        let response = server.publish(&little);
        if response.status() == 201 {
            acknowledged.push(response.json());
            return false;
        }
        response.problem(503);
        server.get("/readyz").status() == 503
    });
}

/// Checks for a few seconds that publishing fails and everything can be read.
fn assert_readable_while_unavailable(server: &Process, acknowledged: &[Value]) {
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        let ready = server.get("/readyz");
        ready.problem(503);
        assert!(ready.header("retry-after").is_some());
        assert_eq!(server.get("/healthz").status(), 200);
        assert_eq!(json!(whole_log(server)), json!(acknowledged));
        let long = json!({"author": "mina", "text": "y".repeat(4000)});
        server.publish(&long).problem(503);
        std::thread::park_timeout(Duration::from_millis(200));
    }
    // The server must stay unavailable even without further publishes.
    let until = Instant::now() + Duration::from_millis(2500);
    while Instant::now() < until {
        server.get("/readyz").problem(503);
        std::thread::park_timeout(Duration::from_millis(100));
    }
    let metrics = server.get("/metrics").text();
    assert!(metrics.contains("poll_vs_sse_store_up 0"), "{metrics}");
}
