//! The verdict for various figures.

use super::*;
use crate::test_fixtures::outcome;

/// A result of `transport` with these wire bytes and microseconds of CPU for each of 3,000 deliveries.
fn costing(transport: Transport, bytes: u64, cpu_us: f64, p50: u64) -> RunResult {
    let mut outcome = outcome(transport);
    outcome.wire_bytes_in = 0;
    outcome.wire_bytes_out = bytes * outcome.deliveries;
    outcome.server_cpu_s = Some(cpu_us * outcome.deliveries as f64 / 1e6);
    if let Some(delays) = &mut outcome.delay_us {
        delays.p50 = p50;
        delays.p99 = 2 * p50;
    }
    outcome
}

fn said(runs: Vec<RunResult>) -> String {
    said_by(runs, false)
}

/// The verdict of a machine that had other work, if `is_busy`.
fn said_by(runs: Vec<RunResult>, is_busy: bool) -> String {
    let mut order: Vec<Transport> = Vec::new();
    for run in &runs {
        if !order.contains(&run.transport) {
            order.push(run.transport);
        }
    }
    verdict(&Comparison::from_runs(runs, &order), is_busy)
}

/// A hundred times as many deliveries at the same cost.
fn longer(mut outcome: RunResult) -> RunResult {
    for count in [
        &mut outcome.deliveries,
        &mut outcome.expected,
        &mut outcome.arrivals,
        &mut outcome.wire_bytes_out,
    ] {
        *count *= 100;
    }
    outcome.server_cpu_s = outcome.server_cpu_s.map(|cpu_s| 100.0 * cpu_s);
    outcome
}

fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text:?}");
    }
    assert!(text.matches(". ").count() <= 1, "two sentences: {text:?}");
    assert!(text.ends_with('.'), "{text:?}");
}

#[test]
fn stream_wins_if_it_costs_less_and_is_faster() {
    let text = said(vec![
        costing(Transport::Poll, 1000, 12.0, 1_000_000),
        costing(Transport::Stream, 250, 6.0, 400),
    ]);
    assert_says(
        &text,
        &[
            "Stream costs least, 250 wire bytes and 6.00 µs of server CPU a delivery",
            "poll takes 4.00 times the bytes and 2.00 times the CPU",
            "No other transport is faster",
            "1.00 s by poll and 400 µs by stream",
        ],
    );
}

#[test]
fn poll_wins_if_many_messages_share_an_answer_at_the_price_of_delay() {
    let text = said(vec![
        costing(Transport::Poll, 200, 2.0, 1_000_000),
        costing(Transport::Stream, 250, 6.0, 400),
    ]);
    assert_says(
        &text,
        &[
            "Poll costs least",
            "stream takes 1.25 times the bytes and 3.00 times the CPU",
            "The price is delay",
        ],
    );
}

#[test]
fn both_are_named_if_each_is_best_in_one_cost() {
    let text = said(vec![
        costing(Transport::Poll, 500, 2.0, 1_000_000),
        costing(Transport::Stream, 250, 6.0, 400),
    ]);
    assert_says(
        &text,
        &[
            "No transport costs least in everything",
            "stream costs least in bytes, 250 wire bytes a delivery (poll 2.00 times that)",
            "poll costs least in CPU, 2.00 µs of server CPU a delivery (stream 3.00 times that)",
        ],
    );
}

#[test]
fn a_difference_within_the_noise_is_a_tie() {
    let text = said(vec![
        costing(Transport::LongPoll, 251, 6.3, 420),
        costing(Transport::Stream, 250, 6.0, 400),
    ]);
    assert_says(
        &text,
        &["cost the same", "long-poll takes 251", "stream takes 250"],
    );
}

#[test]
fn the_cheapest_of_equals_is_named_with_its_delay() {
    let text = said(vec![
        costing(Transport::Poll, 745, 6.1, 1_000_000),
        costing(Transport::LongPoll, 1253, 9.0, 420),
        costing(Transport::Stream, 738, 6.0, 400),
    ]);
    assert_says(
        &text,
        &[
            "Stream costs least, 738 wire bytes",
            "poll takes about the same bytes and about the same CPU",
            "No other transport is faster",
        ],
    );
}

#[test]
fn there_is_no_verdict_on_costs_if_nothing_arrived_within_the_measured_time() {
    let late = |transport| RunResult {
        arrivals: 0,
        ..costing(transport, 250, 6.0, 2_000_000)
    };
    let words = "No verdict on costs: nothing arrived within the measured time.";
    for transports in [
        &[Transport::Stream][..],
        &[Transport::Poll, Transport::Stream],
    ] {
        let text = said(transports.iter().copied().map(late).collect());
        assert_says(
            &text,
            &[words, "Half of the messages were seen within 2.00 s"],
        );
        assert!(!text.contains("the same"), "{text}");
    }
}

/// Runs of both transports in turn, with these microseconds of CPU.
fn repeated(poll_us: &[f64], stream_us: &[f64]) -> Vec<RunResult> {
    let pairs = poll_us.iter().zip(stream_us);
    let runs = pairs.flat_map(|(poll, stream)| {
        [
            longer(costing(Transport::Poll, 250, *poll, 400)),
            longer(costing(Transport::Stream, 250, *stream, 400)),
        ]
    });
    runs.collect()
}

#[test]
fn repeated_runs_differ_by_the_margin_and_without_overlap() {
    assert_says(
        &said(repeated(&[6.1, 9.0], &[6.0, 6.2])),
        &["cost the same"],
    );
    // Two equal distributions are apart in one pair of runs of three.
    assert_says(
        &said(repeated(&[6.4, 6.5], &[6.0, 6.2])),
        &["cost the same"],
    );
    assert_says(
        &said(repeated(&[8.0, 9.0], &[6.0, 6.2])),
        &[
            "Stream costs least",
            "about the same bytes and 1.39 times the CPU",
        ],
    );
}

#[test]
fn a_difference_of_cpu_needs_enough_cpu_time() {
    let runs = || {
        vec![
            costing(Transport::Poll, 1000, 8.0, 400),
            costing(Transport::Stream, 250, 6.0, 400),
        ]
    };
    // 18 ms and 24 ms.
    assert_says(
        &said(runs()),
        &[
            "Stream costs least",
            "poll takes 4.00 times the bytes (CPU not decided)",
        ],
    );
    assert_says(
        &said(runs().into_iter().map(longer).collect()),
        &["4.00 times the bytes and 1.33 times the CPU"],
    );
    // One delivery.
    let mut rare = vec![
        costing(Transport::Poll, 500, 800.0, 400),
        costing(Transport::Stream, 1000, 1470.0, 400),
    ];
    for run in &mut rare {
        (run.deliveries, run.expected, run.arrivals) = (1, 1, 1);
        run.wire_bytes_out /= 3000;
        run.server_cpu_s = run.server_cpu_s.map(|cpu_s| cpu_s / 3000.0);
    }
    let text = said(rare);
    assert_says(
        &text,
        &[
            "Poll costs least",
            "stream takes 2.00 times the bytes (CPU not decided)",
        ],
    );
}

#[test]
fn a_transport_of_which_nothing_is_decided_is_named_so() {
    let of_bytes = |transport, bytes| {
        let mut outcome = costing(transport, bytes, 1.0, 400);
        outcome.server_cpu_s = None;
        outcome
    };
    let text = said(vec![
        of_bytes(Transport::Poll, 250),
        of_bytes(Transport::LongPoll, 240),
        of_bytes(Transport::Stream, 500),
        of_bytes(Transport::Poll, 250),
        of_bytes(Transport::LongPoll, 300),
        of_bytes(Transport::Stream, 500),
    ]);
    assert_says(
        &text,
        &[
            "Poll costs least",
            "it is not decided whether long-poll takes more (bytes) and stream takes 2.00 times the bytes",
        ],
    );
}

#[test]
fn one_run_on_a_busy_machine_decides_nothing_about_cpu() {
    let (poll, stream) = ([12.0, 12.1, 12.2], [6.0, 6.1, 6.2]);
    let text = said_by(repeated(&poll[..1], &stream[..1]), true);
    assert_says(&text, &["cost the same, as far as this run can tell"]);
    let text = said_by(repeated(&poll, &stream), true);
    assert_says(&text, &["Stream costs least", "1.98 times the CPU"]);
}

#[test]
fn a_transport_with_slower_last_messages_is_not_called_the_fastest() {
    let mut stream = costing(Transport::Stream, 250, 6.0, 1400);
    if let Some(delays) = &mut stream.delay_us {
        delays.p99 = 403_000;
    }
    let text = said(vec![costing(Transport::LongPoll, 1000, 20.0, 1390), stream]);
    assert_says(
        &text,
        &[
            "Stream costs least",
            "Long-poll brings 99 of 100 messages sooner: half of",
        ],
    );
    assert!(!text.contains("No other transport"), "{text}");
}

#[test]
fn the_documented_example_has_the_verdict_that_follows_from_its_figures() {
    let json = include_str!("../../../../docs/examples/compare.json");
    let report = crate::Report::from_json(json).expect("a document");
    let comparison = Comparison::from_runs(report.runs, &report.workload.transports);
    assert_eq!(
        verdict(&comparison, report.machine.is_busy()),
        report.verdict
    );
}

#[test]
fn there_is_no_verdict_on_a_transport_that_lost_a_message() {
    let mut lossy = costing(Transport::Stream, 250, 6.0, 400);
    lossy.missed = 1;
    lossy.deliveries -= 1;
    let poll = costing(Transport::Poll, 1000, 12.0, 1_000_000);
    let text = said(vec![poll, lossy.clone()]);
    assert_says(&text, &["No verdict on stream", "Poll: 1,000 wire bytes"]);
    assert!(!text.contains("Stream costs"), "{text}");
    assert_says(&said(vec![lossy]), &["No verdict on stream"]);
    assert_says(&said(Vec::new()), &["nothing was measured"]);
}

#[test]
fn delays_are_not_judged_if_the_load_generator_was_at_its_limit() {
    let mut stream = costing(Transport::Stream, 250, 6.0, 400_000);
    stream.load.limited = true;
    let text = said(vec![
        costing(Transport::Poll, 1000, 12.0, 1_000_000),
        stream,
    ]);
    assert_says(
        &text,
        &["load generator was at its limit or held up with stream"],
    );
    assert!(!text.contains("400 ms"), "{text}");
}

#[test]
fn without_the_servers_cpu_time_bytes_decide() {
    let mut outcomes = vec![
        costing(Transport::Poll, 1000, 12.0, 1_000_000),
        costing(Transport::Stream, 250, 6.0, 400),
    ];
    outcomes
        .iter_mut()
        .for_each(|outcome| outcome.server_cpu_s = None);
    let text = said(outcomes);
    assert_says(
        &text,
        &[
            "Stream costs least, 250 wire bytes a delivery",
            "4.00 times the bytes",
        ],
    );
    assert!(!text.contains("CPU"), "{text}");
}

#[test]
fn another_workload_than_the_requested_one_has_no_verdict() {
    let mut poll = costing(Transport::Poll, 200, 2.0, 1_000_000);
    poll.publishing.fell_short = true;
    assert_eq!(
        said(vec![poll]),
        "No verdict on poll: messages could not be published at the requested rate."
    );
}
