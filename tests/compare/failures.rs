//! Failures between a client and a server count as errors; harmless closes do not.

use std::time::Duration;

use poll_vs_sse_instrument::{Profile, RunResult, Target, Transport, Workload};

use crate::support::{
    log_server::{self, Behaviour, PollOutcome},
    program::Program,
    run, small_workload,
};

/// Measures polls of a server that treats them as `poll_outcome` says.
fn measure_polls(poll_outcome: fn(usize) -> PollOutcome) -> RunResult {
    let server = log_server::start(Behaviour {
        poll_outcome,
        ..Behaviour::default()
    });
    let workload = Workload {
        clients: 5,
        duration: Duration::from_secs(1),
        ..small_workload()
    };
    run(&log_server::target(&server), &workload, Transport::Poll)
}

/// `poll_outcome` for every third poll.
fn every_third(count: usize, poll_outcome: PollOutcome) -> PollOutcome {
    if count % 3 == 2 {
        poll_outcome
    } else {
        PollOutcome::Answered
    }
}

fn assert_failed(outcome: &RunResult, why: &str) {
    assert!(outcome.errors > 1, "{outcome:?}");
    let first = outcome.first_error.as_deref().unwrap_or_default();
    assert!(first.contains(why), "{why}: {first}");
    assert_eq!(
        outcome.missed, 0,
        "the next poll has the messages of a failed one"
    );
    assert!(!outcome.is_valid());
}

#[test]
fn an_answer_that_does_not_match_the_profile_is_an_error_and_not_empty() {
    let outcome = measure_polls(|count| every_third(count, PollOutcome::Garbled));
    assert_failed(&outcome, "an answer has no json:next");
    // Like a browser, a client keeps its connection after a complete answer.
    assert_eq!(outcome.connections, 5, "{outcome:?}");
}

#[test]
fn a_refused_poll_keeps_its_connection() {
    let outcome = measure_polls(|count| every_third(count, PollOutcome::Refused));
    assert_failed(&outcome, "the server answered 429");
    assert_eq!(outcome.connections, 5, "{outcome:?}");
}

#[test]
fn streams_that_the_server_ends_are_no_errors_if_nothing_is_lost() {
    let (_server, addr) =
        Program::serve_with(&["--max-connection-age", "1s"], "listening on http://");
    let profile = Profile::own();
    let target = Target::remote(&format!("http://{addr}"), profile, None).expect("a target");
    let outcome = run(&target, &small_workload(), Transport::Stream);
    assert!(outcome.is_valid(), "{outcome:?}");
    assert!(outcome.ended_streams >= 20, "{outcome:?}");
}

#[test]
fn ended_streams_that_do_not_resume_miss_messages() {
    // A stream of two messages; it has no ids, so the next one begins at the end of the log.
    let server = log_server::start(Behaviour {
        stream_length: Some(2),
        ..Behaviour::default()
    });
    let outcome = run(
        &log_server::target(&server),
        &small_workload(),
        Transport::Stream,
    );
    assert!(outcome.missed > 0 && !outcome.is_valid(), "{outcome:?}");
    assert_eq!(outcome.errors, 0, "{outcome:?}");
}

#[test]
fn a_connection_closed_instead_of_an_answer_is_an_error() {
    let outcome = measure_polls(|count| every_third(count, PollOutcome::Closed));
    assert_failed(&outcome, "closed the connection without an answer");
}

#[test]
fn a_connection_closed_while_idle_is_reopened_without_an_error() {
    let outcome = measure_polls(|count| every_third(count, PollOutcome::AnsweredAndClosed));
    assert!(outcome.is_valid(), "{outcome:?}");
    assert!(outcome.connections > 5, "{outcome:?}");
}

#[test]
fn requests_without_an_answer_are_counted() {
    let outcome = measure_polls(|count| match count {
        ..20 => PollOutcome::Answered,
        _ => PollOutcome::Ignored,
    });
    assert!(outcome.missed > 0, "{outcome:?}");
    assert_eq!(
        outcome.unanswered, 5,
        "one request of each client: {outcome:?}"
    );
}
