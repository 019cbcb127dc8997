//! What a recorder counts in a run, and what it leaves out.

use std::time::Duration;

use super::*;
use crate::recording::run_result::Traffic;

/// A finished run in which messages 1 to 4 count, and message 0 does not.
fn recorder() -> Arc<RunRecorder> {
    let schedule = Schedule::new(1000.0, 4, Duration::from_micros(1500));
    schedule.begin();
    while schedule.now_us() < schedule.end_us() {
        std::thread::yield_now();
    }
    let recorder = RunRecorder::new(schedule, MessageTag::new("abcdefgh"));
    for sequence in 0..5 {
        recorder.order.send(sequence);
        recorder.order.acknowledge(sequence);
    }
    recorder
}

fn text(recorder: &RunRecorder, sequences: &[u64]) -> Vec<u8> {
    let texts = sequences.iter().map(|n| recorder.tag.text(*n, 40));
    texts.collect::<Vec<_>>().concat().into_bytes()
}

#[test]
fn losses_duplicates_and_disorder_of_counted_messages_are_found() {
    let recorder = recorder();
    let (mut one, mut two) = (recorder.client(0), recorder.client(1));
    assert!(one.take(&text(&recorder, &[0, 0, 1, 3, 2, 3, 4])));
    assert!(two.take(&text(&recorder, &[2, 4])));
    assert!(!two.take(b"{}"), "no message");
    assert_eq!(recorder.deliveries(), 6);
    drop((one, two));
    let totals = recorder.totals();
    assert_eq!(totals.clients, 2);
    assert_eq!(
        (totals.counters.duplicates, totals.counters.out_of_order),
        (1, 1)
    );
    assert_eq!(totals.missing, HashMap::from([(1, 1), (3, 1)]));
    let (delays, seconds) = recorder.series();
    assert_eq!(delays.len(), 6);
    assert!(seconds.is_empty(), "nothing came within the measured time");
}

#[test]
fn bytes_are_counted_in_the_phase_in_which_they_pass() {
    let schedule = Schedule::new(1.0, 100, Duration::ZERO);
    let recorder = RunRecorder::new(schedule, MessageTag::new("abcdefgh"));
    let mut client = recorder.client(0);
    client.record_request();
    client.sent(10);
    let begin = recorder.schedule.begin();
    while recorder.schedule.now_us() <= begin {
        std::thread::yield_now();
    }
    client.record_request();
    client.sent(7);
    client.received(5);
    drop(client);
    let counters = recorder.totals().counters;
    let traffic = |requests, wire_bytes_in, wire_bytes_out| Traffic {
        requests,
        wire_bytes_in,
        wire_bytes_out,
    };
    assert_eq!(counters.opening, traffic(1, 10, 0));
    assert_eq!(counters.whole, traffic(2, 17, 5));
    assert_eq!(
        (
            counters.requests,
            counters.wire_bytes_in,
            counters.wire_bytes_out
        ),
        (1, 7, 5)
    );
    let (_, seconds) = recorder.series();
    assert_eq!((seconds[0].requests, seconds[0].wire_bytes), (1, 12));
}
