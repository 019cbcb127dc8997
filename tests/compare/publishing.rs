//! Messages are sent when they are due, even if earlier ones are unanswered. If that is impossible, the run is invalid
//! and reported as such.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use poll_vs_sse_instrument::{Transport, Workload};

use crate::support::{
    log_server::{self, Behaviour},
    program::compare,
    run, small_workload,
};

/// A server that takes `time` to acknowledge a message, and the most messages that were in flight at the same time.
fn slow_behaviour(time: Duration) -> (Behaviour, Arc<AtomicUsize>) {
    let (now, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let seen = most.clone();
    let published = move || {
        seen.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
        thread::sleep(time);
        now.fetch_sub(1, SeqCst);
    };
    let behaviour = Behaviour {
        published: Arc::new(published),
        ..Behaviour::default()
    };
    (behaviour, most)
}

#[test]
fn messages_are_sent_on_time_although_the_server_is_slow_to_acknowledge() {
    let (behaviour, most) = slow_behaviour(Duration::from_millis(300));
    let server = log_server::start(behaviour);
    let workload = Workload {
        rate: 20.0,
        clients: 5,
        duration: Duration::from_secs(1),
        ..small_workload()
    };
    let target = log_server::target(&server);
    let outcome = run(&target, &workload, Transport::Stream);
    assert!(outcome.is_valid(), "{outcome:?}");
    assert_eq!(outcome.published, 20);
    // The server may store concurrent messages in any order.
    assert!(
        most.load(SeqCst) > 1,
        "messages were sent one after the other"
    );
    assert_eq!(outcome.publishing.held_back, 0, "{outcome:?}");
}

#[test]
fn a_rate_that_cannot_be_kept_is_printed_prominently_and_has_no_verdict() {
    let (behaviour, _) = slow_behaviour(Duration::from_millis(500));
    let server = log_server::start(behaviour);
    let directory = tempfile::tempdir().expect("a directory");
    let profile = directory.path().join("profile.toml");
    std::fs::write(&profile, log_server::PROFILE).expect("written");
    let (url, profile) = (server.url(), profile.display().to_string());
    let flags = "--clients 5 --rate 200 --duration 1s --transports stream";
    let mut args = vec!["--target", &url, "--profile", &profile];
    args.extend(flags.split(' '));
    let ended = compare(&args);
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    for words in [
        "!! stream: ONLY ",
        " OF 200 MESSAGES A SECOND COULD BE PUBLISHED",
        "with 64 of them unacknowledged",
        "No verdict on stream: messages could not be published",
    ] {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
}
