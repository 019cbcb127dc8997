//! Several rooms, clients that stall or vanish, herds, and a restart of the server.

use std::{
    ffi::OsString,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    time::{Duration, Instant},
};

use poll_vs_sse_instrument::{
    LoadScenario, OwnServer, Profile, RunControl, RunResult, Target, Transport, Workload,
};

use crate::support::{
    log_server::{self, Behaviour},
    own_target, run, run_with, small_workload, try_run,
};

#[test]
fn each_client_gets_the_messages_of_its_room_and_no_other() {
    let workload = Workload {
        clients: 7,
        rooms: 3,
        ..small_workload()
    };
    for transport in Transport::ALL {
        let outcome = run(&own_target(), &workload, transport);
        assert!(outcome.is_valid(), "{outcome:?}");
        // 20 messages in turn to rooms of 3, 2 and 2 clients.
        assert!((46..=48).contains(&outcome.expected), "{outcome:?}");
        let rooms = outcome.rooms.expect("several");
        assert_eq!((rooms.rooms, rooms.silent), (3, 0), "{rooms:?}");
    }
}

#[test]
fn clients_that_stop_reading_do_not_affect_the_others() {
    let workload = Workload {
        stalled: 5,
        ..small_workload()
    };
    for transport in Transport::ALL {
        let outcome = run(&own_target(), &workload, transport);
        assert!(outcome.is_valid(), "{outcome:?}");
        assert_eq!(outcome.clients, 20);
        assert_eq!(outcome.connections, 20, "stalled clients are not counted");
        let samples = outcome.stalled_memory;
        assert!(samples.len() > 2, "{samples:?}");
        assert!(samples.iter().all(|sample| sample.bytes > 0), "{samples:?}");
    }
}

#[test]
fn a_herd_is_measured_until_all_clients_are_served() {
    let workload = Workload {
        clients: 200,
        scenario: LoadScenario::Herd,
        ..small_workload()
    };
    let outcome = run(&own_target(), &workload, Transport::Stream);
    assert!(outcome.is_valid(), "{outcome:?}");
    assert!(outcome.opening_s > 0.0, "{outcome:?}");
    assert_eq!(outcome.served.clients(), 200);
    let last = outcome.served.last_s().expect("200 steps");
    assert!(last <= outcome.opening_s, "{outcome:?}");
    let peaks = outcome.peaks.expect("a herd has peaks");
    assert!(
        peaks.requests_per_s >= 200.0 / outcome.opening_s * 0.5,
        "{peaks:?}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn the_report_shows_that_a_server_drops_vanished_clients() {
    let target = Target::Own(OwnServer {
        binary: Some(PathBuf::from(env!("CARGO_BIN_EXE_poll-vs-sse"))),
        flags: ["--keep-alive", "3s"].map(OsString::from).to_vec(),
        ..OwnServer::default()
    });
    let workload = Workload {
        vanish: 5,
        ..small_workload()
    };
    // The server closes idle connections, which does not depend on an answer of the client.
    let outcome = run(&target, &workload, Transport::Poll);
    assert!(outcome.is_valid(), "{outcome:?}");
    assert_eq!((outcome.clients, outcome.connections), (20, 20));
    let vanished = outcome.vanished.expect("five vanished");
    assert_eq!((vanished.clients, vanished.still_held()), (5, Some(0)));
    let first = vanished.released.0.first().expect("five steps").after_s;
    let last = vanished.released.last_s().expect("five steps");
    assert!(first > 2.0 && last < 8.0, "{vanished:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_report_of_a_stopped_run_counts_vanished_clients_that_the_server_still_holds() {
    let server = log_server::start(Behaviour::default());
    let workload = Workload {
        vanish: 3,
        ..small_workload()
    };
    let (stop, stopped) = tokio::sync::watch::channel(false);
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(6));
        // The run may have ended already, if the test fails.
        let _ = stop.send(true);
    });
    let control = RunControl::new(|_| {}, stopped);
    let outcome = run_with(
        &log_server::target(&server),
        &workload,
        Transport::Stream,
        &control,
    );
    let vanished = outcome.vanished.expect("three vanished");
    assert_eq!(vanished.still_held(), Some(3), "{vanished:?}");
    assert!((3.0..8.0).contains(&vanished.watched_s), "{vanished:?}");
}

/// Checks that no acknowledged message is lost, and that every client is served again.
fn assert_survived(outcome: &RunResult) {
    assert!(outcome.is_valid(), "{outcome:?}");
    let restart = outcome.restart.expect("it was restarted");
    assert_eq!(restart.unserved, 0, "{restart:?}");
    let away_s = restart.away_s.expect("it came back");
    assert!(away_s > 0.0, "{restart:?}");
    assert!(
        outcome
            .served
            .last_s()
            .is_some_and(|last| last >= away_s / 2.0),
        "{outcome:?}"
    );
    assert!(
        outcome
            .peaks
            .is_some_and(|peaks| peaks.server_memory_bytes > Some(0))
    );
}

#[test]
fn every_transport_survives_a_restart_of_our_server() {
    let workload = Workload {
        scenario: LoadScenario::Restart,
        duration: Duration::from_secs(6),
        ..small_workload()
    };
    for transport in Transport::ALL {
        let outcome = run(&own_target(), &workload, transport);
        assert_survived(&outcome);
        let failed = outcome.restart.expect("it was restarted").failed;
        // Polls may happen not to be in flight during the restart; waiting requests are always disconnected.
        assert!(transport == Transport::Poll || failed > 0, "{outcome:?}");
    }
}

#[test]
fn a_third_party_server_is_restarted_by_its_command_and_its_process_is_found() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = directory.path().join("server.sh");
    let pid_file = directory.path().join("pid");
    let port = free_port();
    // Started independently of the shell, as by a supervisor.
    let text = format!(
        "[ -f '{pid}' ] && kill $(cat '{pid}') && while kill -0 $(cat '{pid}') 2>/dev/null; do sleep 0.02; done\n\
         '{server}' serve --bind 127.0.0.1:{port} --store 'sqlite:{store}' --request-log off >/dev/null 2>&1 </dev/null &\n\
         echo $! >'{pid}'\n",
        pid = pid_file.display(),
        server = env!("CARGO_BIN_EXE_poll-vs-sse"),
        store = directory.path().join("log.db").display(),
    );
    std::fs::write(&script, text).expect("written");
    let command = format!("sh '{}'", script.display());
    let started = std::process::Command::new("sh")
        .args(["-c", &command])
        .status();
    assert!(started.expect("started").success());
    let server = StartedServer(pid_file);
    wait_for_port(port);
    let pid = server.pid();

    let url = format!("http://127.0.0.1:{port}");
    let mut target = Target::remote(&url, Profile::own(), Some(pid)).expect("a target");
    if let Target::Remote(remote) = &mut target {
        remote.restart_command = Some(command);
    }
    let workload = Workload {
        scenario: LoadScenario::Restart,
        duration: Duration::from_secs(4),
        ..small_workload()
    };
    let outcome = run(&target, &workload, Transport::Stream);
    assert_ne!(server.pid(), pid);
    assert_survived(&outcome);
    assert!(
        outcome.server_cpu_s.is_some_and(|cpu| cpu > 0.0),
        "{outcome:?}"
    );
    assert!(outcome.server_memory_bytes.is_some(), "{outcome:?}");
}

#[test]
fn a_failing_restart_command_is_reported() {
    let server = log_server::start(Behaviour::default());
    let mut target = log_server::target(&server);
    if let Target::Remote(remote) = &mut target {
        remote.restart_command = Some("echo no such unit >&2; exit 3".to_owned());
    }
    let workload = Workload {
        scenario: LoadScenario::Restart,
        ..small_workload()
    };
    let error = try_run(&target, &workload, Transport::Stream).expect_err("it failed");
    let text = format!("{error:#}");
    assert!(
        text.contains("--restart-command failed") && text.contains("no such unit"),
        "{text}"
    );
}

/// The server whose process id is in this file. It ends with the test.
struct StartedServer(PathBuf);

impl StartedServer {
    fn pid(&self) -> u32 {
        let text = std::fs::read_to_string(&self.0).expect("a pid");
        text.trim().parse().expect("a pid")
    }
}

impl Drop for StartedServer {
    fn drop(&mut self) {
        let pid = self.pid().to_string();
        let _ = std::process::Command::new("kill").arg(pid).status();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn wait_for_port(port: u16) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "nobody listens");
        std::thread::sleep(Duration::from_millis(20));
    }
}
