//! Messages go out when they are due, whatever became of the ones before; and where that cannot be, the
//! run is void and says so.

use std::{sync::Arc, thread, time::Duration};

use poll_vs_sse::compare::{Transport, Workload};

use crate::support::{
    log_server::{self, Conduct},
    program::compare,
    run, small,
};

/// A server that takes so long to acknowledge a message.
fn slow(time: Duration) -> Conduct {
    Conduct {
        published: Arc::new(move || thread::sleep(time)),
        ..Conduct::default()
    }
}

#[test]
fn a_server_that_is_slow_to_acknowledge_gets_every_message_in_time() {
    let server = log_server::start(slow(Duration::from_millis(300)));
    let workload = Workload {
        rate: 50.0,
        clients: 5,
        duration: Duration::from_secs(1),
        ..small()
    };
    let target = log_server::target(&server);
    let outcome = run(&target, &workload, Transport::Stream);
    assert!(outcome.is_valid(), "{outcome:?}");
    assert_eq!(outcome.published, 50);
    // Fifteen are under way at any time, which the server may keep in any order.
    assert_eq!(outcome.publishing.held_back, 0, "{outcome:?}");
}

#[test]
fn a_rate_that_cannot_be_kept_is_shouted_and_has_no_verdict() {
    let server = log_server::start(slow(Duration::from_millis(500)));
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
