//! slowhttptest, which occupies a server's connections with heads, bodies and reads that never end. Another client must
//! not notice.

use std::{
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use crate::support::{client::TestClient as _, eventually, server::Server};

/// Longer than a head, a body and a refused read may take.
const ATTACK_S: u64 = 14;
const CONNECTIONS: u64 = 300;

/// Runs slowhttptest and returns its output, if it is installed.
fn run_attack(way: &[&str]) -> Option<String> {
    let (length, connections) = (ATTACK_S.to_string(), CONNECTIONS.to_string());
    let output = Command::new("slowhttptest")
        .args(["-l", &length, "-c", &connections, "-r", &connections])
        .args(["-i", "2", "-p", "3"])
        .args(way)
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("not tested: slowhttptest is not installed");
            None
        }
        Err(error) => panic!("slowhttptest: {error}"),
    }
}

#[test]
fn slow_heads_bodies_and_reads_are_ended_and_affect_no_other_client() {
    let server = Server::memory();
    for number in 0..200 {
        server.publish_text("lobby", &format!("{number}: {}", "long ".repeat(500)));
    }
    let messages = format!("http://{}/messages", server.addr());
    // Larger than a socket's buffers.
    let page = format!("http://{}/poll?last=200&limit=200", server.addr());
    let ways: [&[&str]; 3] = [
        &["-H", "-u", &messages],
        &[
            "-B",
            "-s",
            "4096",
            "-f",
            "application/json",
            "-u",
            &messages,
        ],
        &[
            "-X", "-w", "512", "-y", "1024", "-n", "2", "-z", "64", "-k", "3", "-u", &page,
        ],
    ];
    let outcomes = thread::scope(|scope| {
        let attacks = ways.map(|way| scope.spawn(|| run_attack(way)));
        let mut other = server.raw();
        while attacks.iter().any(|attack| !attack.is_finished()) {
            other.get("/poll").ok();
            server.publish_text("elsewhere", "during the attack");
            thread::park_timeout(Duration::from_millis(50));
        }
        attacks.map(|attack| attack.join().expect("an outcome"))
    });
    for (way, outcome) in ways.iter().zip(outcomes) {
        let Some(said) = outcome else { return };
        // slowhttptest's own probe of the server, every second.
        assert!(
            said.contains("YES") && !said.contains("mNO"),
            "{way:?}: {said}"
        );
        if way[0] != "-X" {
            assert!(said.contains("No open connections left"), "{way:?}: {said}");
        }
    }
    eventually("the attack's connections are gone", || {
        let open = |transport| server.cost(transport)["open"].as_u64();
        open("poll") <= Some(1) && open("publish") <= Some(1)
    });
}
