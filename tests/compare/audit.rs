//! The instrument's audit finds every injected fault, and reports no others.

use std::time::Duration;

use poll_vs_sse_instrument::{RunResult, Transport};

use crate::support::{
    log_server::{self, Behaviour},
    program::compare,
    run, small_workload,
};

/// Reader 3 never gets message 15, reader 4 gets 17 twice, and reader 5 gets 11 after all others, long after it was
/// acknowledged. Messages before 10 belong to the warm-up.
fn faulty_view(reader: usize, messages: usize) -> Vec<usize> {
    let all = 0..messages;
    match reader {
        3 => all.filter(|number| *number != 15).collect(),
        4 => all
            .flat_map(|number| vec![number; if number == 17 { 2 } else { 1 }])
            .collect(),
        5 => {
            let late = (messages == 30).then_some(11);
            all.filter(|number| *number != 11).chain(late).collect()
        }
        _ => all.collect(),
    }
}

fn measure_with(behaviour: Behaviour, transport: Transport) -> RunResult {
    let server = log_server::start(behaviour);
    run(&log_server::target(&server), &small_workload(), transport)
}

fn each_fault_is_found_once(transport: Transport) {
    let behaviour = Behaviour {
        view: faulty_view,
        ..Behaviour::default()
    };
    let outcome = measure_with(behaviour, transport);
    assert_eq!(outcome.expected, 20 * 20);
    assert_eq!(
        (outcome.missed, outcome.duplicates, outcome.out_of_order),
        (1, 1, 1)
    );
    assert_eq!(outcome.deliveries, outcome.expected - 1);
    assert_eq!((outcome.errors, outcome.first_error.as_deref()), (0, None));
    assert!(!outcome.is_valid());
}

#[test]
fn a_loss_a_duplicate_and_disorder_of_polls_are_each_found() {
    each_fault_is_found_once(Transport::Poll);
}

#[test]
fn a_loss_a_duplicate_and_disorder_of_streams_are_each_found() {
    each_fault_is_found_once(Transport::Stream);
}

#[test]
fn a_server_without_faults_passes_the_audit() {
    for transport in [Transport::Poll, Transport::Stream] {
        let outcome = measure_with(Behaviour::default(), transport);
        assert!(outcome.is_valid(), "{outcome:?}");
        assert_eq!(outcome.deliveries, 20 * 20);
    }
}

#[test]
fn an_injected_delay_is_found() {
    const HOLD: Duration = Duration::from_millis(400);
    let behaviour = Behaviour {
        // All messages have the same delay, because a message cannot be read before its predecessor.
        hold: |_| HOLD,
        ..Behaviour::default()
    };
    let outcome = measure_with(behaviour, Transport::Stream);
    assert!(outcome.is_valid(), "{outcome:?}");
    let delays = outcome.delay_us.expect("deliveries");
    let hold_us = HOLD.as_micros() as u64;
    assert!(delays.p50 >= hold_us, "{delays:?}");
    let earlier = outcome
        .delay_buckets
        .iter()
        .filter(|bucket| bucket.le_us < hold_us);
    assert_eq!(earlier.count(), 0, "{:?}", outcome.delay_buckets);
    // Delays by the server must not count as failed publishes.
    assert_eq!(outcome.publishing.refused, 0);
}

#[test]
fn a_delay_of_one_message_shows_in_one_delivery_of_each_client() {
    const HOLD: Duration = Duration::from_millis(1500);
    let behaviour = Behaviour {
        hold: |number| if number == 29 { HOLD } else { Duration::ZERO },
        ..Behaviour::default()
    };
    let outcome = measure_with(behaviour, Transport::Stream);
    assert!(outcome.is_valid(), "{outcome:?}");
    let hold_us = HOLD.as_micros() as u64;
    let later = outcome
        .delay_buckets
        .iter()
        .filter(|bucket| bucket.le_us >= hold_us);
    let count: u64 = later.map(|bucket| bucket.count).sum();
    assert!(
        count >= 20,
        "only the last message is late, for each of 20 clients: {count}"
    );
    assert!(outcome.delay_us.expect("deliveries").max >= hold_us);
}

#[test]
fn lost_messages_are_printed_prominently_and_set_the_exit_code() {
    let server = log_server::start(Behaviour {
        view: faulty_view,
        ..Behaviour::default()
    });
    let directory = tempfile::tempdir().expect("a directory");
    let profile = directory.path().join("profile.toml");
    std::fs::write(&profile, log_server::PROFILE).expect("written");
    let json = directory.path().join("out.json");
    let (url, profile, file) = (
        server.url(),
        profile.display().to_string(),
        json.display().to_string(),
    );
    let flags = "--clients 20 --rate 10 --duration 2s --transports stream";
    let mut args = vec!["--target", &url, "--profile", &profile, "--json", &file];
    args.extend(flags.split(' '));
    let ended = compare(&args);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    for words in [
        "!! stream: 1 MISSED, 1 DUPLICATE, 1 OUT OF ORDER of 400 deliveries",
        "No verdict on stream",
    ] {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
    let text = std::fs::read_to_string(&json).expect("written");
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(document["valid"], false);
    assert_eq!(document["transports"][0]["missed"], 1);
}
