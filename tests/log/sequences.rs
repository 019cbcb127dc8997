//! Random sequences of publishes and reads, compared with the model.

use poll_vs_sse_server::domain::room::Room;
use proptest::{collection::vec, prelude::*};

use crate::{
    cases::run_cases,
    fixture::{Fixture, LogSetup, StoreKind},
    reader::Reader,
};

const ROOMS: usize = 3;
const READERS: usize = 4;

#[derive(Debug, Clone)]
enum Step {
    /// A message to each of these rooms at the same time.
    Append(Vec<usize>),
    /// Many messages to one room, one after the other.
    Burst(usize, usize),
    Poll(usize, usize),
    LongPoll(usize, usize),
    Stream(usize, usize, Option<usize>),
    Cut(usize),
    Last(usize, usize),
    /// The reader reconnects with a cursor of another log, or with one after the head.
    InvalidCursor(usize, bool),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let reader = 0..READERS;
    let lost = proptest::option::of(0..400_usize);
    prop_oneof![
        6 => vec(0..ROOMS, 1..5).prop_map(Step::Append),
        2 => (0..ROOMS, 1..30_usize).prop_map(|(room, n)| Step::Burst(room, n)),
        5 => (reader.clone(), 1..6_usize).prop_map(|(reader, limit)| Step::Poll(reader, limit)),
        2 => (reader.clone(), 1..6_usize).prop_map(|(reader, limit)| Step::LongPoll(reader, limit)),
        6 => (reader.clone(), 1..5_usize, lost).prop_map(|(r, pieces, lost)| Step::Stream(r, pieces, lost)),
        2 => reader.clone().prop_map(Step::Cut),
        2 => (reader.clone(), 0..12_usize).prop_map(|(reader, n)| Step::Last(reader, n)),
        1 => (reader, any::<bool>()).prop_map(|(reader, ahead)| Step::InvalidCursor(reader, ahead)),
        1 => Just(Step::Restart),
    ]
}

fn setup(kind: StoreKind) -> impl Strategy<Value = LogSetup> {
    // If JetStream drops a message before this server has seen it, the server may report a gap.
    let fewest = if matches!(kind, StoreKind::Nats) {
        8
    } else {
        1
    };
    let retained = prop_oneof![2 => Just(None), 5 => (fewest..40_u64).prop_map(Some)];
    // From no messages, over a few, to all of them.
    let tail_bytes = prop_oneof![Just(0), 300..5000_usize, Just(1 << 20)];
    (retained, tail_bytes).prop_map(move |(retained, tail_bytes)| LogSetup {
        kind,
        retained,
        tail_bytes,
    })
}

fn room(n: usize) -> Room {
    format!("room-{n}").parse().expect("a room")
}

async fn run_case(setup: LogSetup, steps: Vec<Step>) {
    let mut fixture = Fixture::new(setup);
    let mut readers = Vec::new();
    for i in 0..READERS {
        readers.push(Reader::new(&fixture, room(i % ROOMS)).await);
    }
    for step in steps {
        match step {
            Step::Append(rooms) => {
                let rooms: Vec<Room> = rooms.into_iter().map(room).collect();
                append(&mut fixture, &readers, &rooms).await;
            }
            Step::Burst(n, count) => {
                for _ in 0..count {
                    append(&mut fixture, &readers, &[room(n)]).await;
                }
            }
            Step::Poll(reader, limit) => {
                readers[reader].poll(&fixture, limit).await;
            }
            Step::LongPoll(reader, limit) => readers[reader].long_poll(&mut fixture, limit).await,
            Step::Stream(reader, pieces, lost) => {
                readers[reader].stream(&fixture, pieces, lost).await;
            }
            Step::Cut(reader) => readers[reader].cut(),
            Step::Last(reader, n) => readers[reader].start_at_last(&fixture, n).await,
            Step::InvalidCursor(reader, ahead) => {
                let reader = &mut readers[reader];
                reader.cut();
                if ahead {
                    reader.cursor.log = fixture.log.id();
                    reader.cursor.id = fixture.log.head() + 1_000_000;
                } else {
                    reader.cursor.log = "elsewhere".parse().expect("an identity");
                }
            }
            Step::Restart => {
                for reader in &mut readers {
                    reader.cut();
                }
                fixture.restart();
            }
        }
    }
    for reader in &mut readers {
        while reader.poll(&fixture, 100).await {}
    }
}

async fn append(fixture: &mut Fixture, readers: &[Reader], rooms: &[Room]) {
    let waiting: Vec<&Reader> = readers
        .iter()
        .filter(|reader| rooms.contains(&reader.room) && reader.is_waiting(fixture))
        .collect();
    fixture.append(rooms).await;
    for reader in waiting {
        reader.expect_notified().await;
    }
}

fn check(kind: StoreKind, cases: u32) {
    let strategy = (setup(kind), vec(step(), 1..60));
    run_cases(kind, cases, &strategy, |(setup, steps)| {
        run_case(setup, steps)
    });
}

#[test]
fn every_reader_sees_each_message_once_or_gets_a_reset_on_memory() {
    check(StoreKind::Memory, 300);
}

#[test]
fn every_reader_sees_each_message_once_or_gets_a_reset_on_sqlite() {
    check(StoreKind::Sqlite, 30);
}

#[test]
fn every_reader_sees_each_message_once_or_gets_a_reset_on_nats() {
    check(StoreKind::Nats, 8);
}
