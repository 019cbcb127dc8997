//! Messages go out when they are due, whatever became of the ones before; and where that cannot be, the
//! run is void and says so.

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

/// A server that takes so long to acknowledge a message, and the most messages that it had at the same time.
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
fn a_server_that_is_slow_to_acknowledge_is_sent_the_next_message_all_the_same() {
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
    // Whatever order the server keeps those in that it has at the same time.
    assert!(most.load(SeqCst) > 1, "one after the other");
    assert_eq!(outcome.publishing.held_back, 0, "{outcome:?}");
}

#[test]
fn a_rate_that_cannot_be_kept_is_shouted_and_has_no_verdict() {
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
