//! Several rooms, clients that stop reading or go without a word, and all clients at once.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use poll_vs_sse_instrument::{LoadScenario, OwnServer, RunControl, Target, Transport, Workload};

use crate::support::{
    log_server::{self, Behaviour},
    own, run, run_with, small,
};

#[test]
fn each_client_gets_the_messages_of_its_room_and_no_other() {
    let workload = Workload {
        clients: 7,
        rooms: 3,
        ..small()
    };
    for transport in Transport::ALL {
        let outcome = run(&own(), &workload, transport);
        assert!(outcome.is_valid(), "{outcome:?}");
        // 20 messages in turn to rooms of 3, 2 and 2 clients.
        assert!((46..=48).contains(&outcome.expected), "{outcome:?}");
    }
}

#[test]
fn clients_that_stop_reading_cost_the_others_nothing() {
    let workload = Workload {
        stalled: 5,
        ..small()
    };
    for transport in Transport::ALL {
        let outcome = run(&own(), &workload, transport);
        assert!(outcome.is_valid(), "{outcome:?}");
        assert_eq!(outcome.clients, 20);
        assert_eq!(
            outcome.connections, 20,
            "those that stalled are not counted"
        );
    }
}

#[test]
fn a_herd_is_measured_until_all_are_served() {
    let workload = Workload {
        clients: 200,
        scenario: LoadScenario::Herd,
        ..small()
    };
    let outcome = run(&own(), &workload, Transport::Stream);
    assert!(outcome.is_valid(), "{outcome:?}");
    assert!(outcome.opening_s > 0.0, "{outcome:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_that_gives_up_mute_clients_is_seen_to_do_so() {
    let target = Target::Own(OwnServer {
        binary: Some(PathBuf::from(env!("CARGO_BIN_EXE_poll-vs-sse"))),
        flags: ["--keep-alive", "3s"].map(OsString::from).to_vec(),
        ..OwnServer::default()
    });
    let workload = Workload {
        vanish: 5,
        ..small()
    };
    // The server hangs up an idle connection, which it can do whether or not the client answers.
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
fn a_server_that_does_not_notice_still_holds_vanished_clients_when_a_run_is_stopped() {
    let server = log_server::start(Behaviour::default());
    let workload = Workload {
        vanish: 3,
        ..small()
    };
    let (stop, stopped) = tokio::sync::watch::channel(false);
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(6));
        // The run may have ended by itself if this test is to fail.
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
