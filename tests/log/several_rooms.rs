//! Readers of several rooms: one cursor, messages in the order of their ids, and none skipped.

use std::{
    collections::BTreeSet,
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::Poll,
    time::Duration,
};

use futures_util::StreamExt as _;
use poll_vs_sse_server::{
    delivery::{Delivery, read_query::ReadQuery},
    domain::{cursor::Cursor, room::Room, room_set::RoomSet},
    log::{Log, LogReader as _, LogSubscription as _, Reset, RoomSetReader, Start, entry::Limit},
};
use proptest::{collection::vec, prelude::*};
use tokio::time::timeout;

use crate::{
    cases::{run_cases, run_setups},
    concurrent::{assert_complete, spawn_thread},
    fixture::{Fixture, LogSetup, StoreKind, append},
    model::AppendedMessage,
};

const ROOMS: usize = 5;
const READ_TIMEOUT: Duration = Duration::from_secs(20);

fn room(n: usize) -> Room {
    format!("room-{n}").parse().expect("a room")
}

fn room_set(of: &BTreeSet<usize>) -> RoomSet {
    let mut rooms = of.iter().map(|n| room(*n));
    let mut set = RoomSet::from(rooms.next().expect("a room"));
    rooms.for_each(|room| set.insert(room).expect("few rooms"));
    set
}

/// The messages in the log, and how one reader reads some of its rooms.
#[derive(Debug, Clone)]
struct RoomSetCase {
    setup: LogSetup,
    appends: Vec<Vec<usize>>,
    of: BTreeSet<usize>,
    /// The message after which it starts; it may also start at the beginning.
    start: prop::sample::Index,
    limit: usize,
    bytes: usize,
    last: usize,
}

fn case(kind: StoreKind) -> impl Strategy<Value = RoomSetCase> {
    let fewest = if matches!(kind, StoreKind::Nats) {
        8
    } else {
        1
    };
    let retained = prop_oneof![2 => Just(None), 3 => (fewest..60_u64).prop_map(Some)];
    let tail_bytes = prop_oneof![Just(0), 300..9000_usize, Just(1 << 20)];
    (
        (retained, tail_bytes),
        vec(vec(0..ROOMS, 1..6), 0..40),
        proptest::collection::btree_set(0..ROOMS, 2..=ROOMS),
        any::<prop::sample::Index>(),
        prop_oneof![1..9_usize, Just(200)],
        prop_oneof![Just(1), 200..3000_usize, Just(1 << 19)],
        0..60_usize,
    )
        .prop_map(
            move |((retained, tail_bytes), appends, of, start, limit, bytes, last)| RoomSetCase {
                setup: LogSetup {
                    kind,
                    retained,
                    tail_bytes,
                },
                appends,
                of,
                start,
                limit,
                bytes,
                last,
            },
        )
}

/// The retained messages of the rooms after `id`, in the order of the whole log.
fn expected(fixture: &Fixture, case: &RoomSetCase, id: u64) -> Vec<u64> {
    let rooms: Vec<Room> = case.of.iter().map(|n| room(*n)).collect();
    let id = id.max(fixture.model.floor());
    let known = fixture.model.messages.iter();
    let after = known.filter(|known| known.id > id && rooms.contains(&known.room));
    after.map(|known| known.id).collect()
}

async fn run_case(case: RoomSetCase) {
    let mut fixture = Fixture::new(case.setup);
    for rooms in &case.appends {
        let rooms: Vec<Room> = rooms.iter().map(|n| room(*n)).collect();
        fixture.append(&rooms).await;
    }
    let mut places: Vec<u64> = fixture.model.messages.iter().map(|it| it.id).collect();
    places.insert(0, places.first().map_or(0, |first| first - 1));
    let id = *case.start.get(&places);
    let rooms = room_set(&case.of);
    let log = &fixture.log;
    let cursor = Cursor { log: log.id(), id };

    let gap = case
        .of
        .iter()
        .any(|n| fixture.model.has_gap_after(&room(*n), id));
    let limit = Limit {
        messages: case.limit,
        bytes: case.bytes,
    };
    let all = expected(&fixture, &case, id);
    let (mut reader, mut position) = RoomSetReader::open(log, &rooms, Start::After(cursor))
        .await
        .expect("opens");
    let mut seen = Vec::new();
    let mut resets = Vec::new();
    loop {
        let read = reader.read(position, limit).await.expect("reads");
        resets.push(read.reset);
        assert!(read.entries.len() <= limit.messages);
        let bytes: usize = read.entries.iter().map(|it| it.frame().len()).sum();
        assert!(bytes <= limit.bytes || read.entries.len() == 1, "{bytes}");
        seen.extend(read.entries.iter().map(|entry| entry.id));
        assert_eq!(read.more, seen.len() < all.len(), "{seen:?} of {all:?}");
        let is_full = read.entries.len() == limit.messages || bytes + 400 > limit.bytes;
        assert!(is_full || !read.more, "a page with more after it is full");
        let was = position.after;
        position.after = read.after;
        position.reset = None;
        if !read.more {
            break;
        }
        assert!(read.after > was, "the cursor advances");
    }
    assert_eq!(seen, all);
    let first = resets.remove(0);
    let may_be = fixture.model.may_see_a_gap_after(id);
    assert!(
        (first == Some(Reset::Expired)) == gap || may_be,
        "at {id}: {first:?}"
    );
    assert!(
        resets.iter().all(Option::is_none),
        "only one reset: {resets:?}"
    );
    assert_eq!(expected(&fixture, &case, position.after), [0_u64; 0]);

    let (_, position) = RoomSetReader::open(log, &rooms, Start::Last(case.last))
        .await
        .expect("opens");
    let all = expected(&fixture, &case, 0);
    let newest = &all[all.len().saturating_sub(case.last)..];
    assert_eq!(expected(&fixture, &case, position.after), newest);

    let was_told = first.is_some();
    let streamed = stream(&fixture, &rooms, cursor, seen.len(), was_told).await;
    assert_eq!(streamed, seen);
}

/// Reads the available messages from a stream, and checks that a reset comes before them if some are missing.
async fn stream(
    fixture: &Fixture,
    rooms: &RoomSet,
    cursor: Cursor,
    count: usize,
    is_told: bool,
) -> Vec<u64> {
    let mut seen = Vec::new();
    let mut frames = Delivery::new(fixture.log.clone())
        .stream(&query(rooms, cursor), 0)
        .await
        .expect("opens");
    let greeting = frames.next().await.expect("open");
    assert_eq!(greeting.bytes, "retry: 1000\n\n");
    let mut is_due = is_told;
    while seen.len() < count || is_due {
        let next = timeout(READ_TIMEOUT, poll_fn(|cx| frames.poll_next_unpin(cx))).await;
        let chunk = next.expect("in time").expect("open");
        let text = String::from_utf8(chunk.bytes.to_vec()).expect("UTF-8");
        let events = event_ids(&text);
        for event in &events {
            assert_eq!(event.is_none(), is_due, "a reset comes once, and first");
            is_due = false;
        }
        let ids: Vec<u64> = events.into_iter().flatten().collect();
        assert_eq!(ids.len() as u64, chunk.messages);
        seen.extend(ids);
    }
    let waits = poll_fn(|cx| Poll::Ready(frames.poll_next_unpin(cx).is_pending())).await;
    assert!(waits, "the stream has sent everything");
    seen
}

fn query(rooms: &RoomSet, cursor: Cursor) -> ReadQuery {
    let rooms: String = rooms.iter().map(|room| format!("room={room}&")).collect();
    ReadQuery::parse(&format!("{rooms}cursor={cursor}"), None).expect("a query")
}

/// The ids in a chunk of a stream, with `None` for each reset.
fn event_ids(text: &str) -> Vec<Option<u64>> {
    let frames = text.split_inclusive("\n\n");
    let events = frames.filter_map(|frame| match frame.strip_prefix("id: ") {
        Some(id) => {
            let (id, _) = id.split_once('\n').expect("a line");
            Some(Some(id.parse::<Cursor>().expect("a cursor").id))
        }
        None => frame.starts_with("event: reset").then_some(None),
    });
    events.collect()
}

fn check(kind: StoreKind, cases: u32) {
    run_cases(kind, cases, &case(kind), run_case);
}

#[test]
fn several_rooms_are_read_in_the_order_of_the_log_on_memory() {
    check(StoreKind::Memory, 300);
}

#[test]
fn several_rooms_are_read_in_the_order_of_the_log_on_sqlite() {
    check(StoreKind::Sqlite, 40);
}

#[test]
fn several_rooms_are_read_in_the_order_of_the_log_on_nats() {
    check(StoreKind::Nats, 8);
}

/// Polls and long-polls in turn until everything is published and read.
async fn poll_until_done(log: Arc<Log>, start: Cursor, done: Arc<AtomicBool>) -> Vec<Option<u64>> {
    let (mut seen, mut cursor) = (Vec::new(), start);
    let limit = Limit {
        messages: 7,
        bytes: 4096,
    };
    loop {
        let was_done = done.load(SeqCst);
        let rooms = room_set(&(0..ROOMS).collect());
        let opened = RoomSetReader::open(&log, &rooms, Start::After(cursor)).await;
        let (mut reader, position) = opened.expect("opens");
        let read = reader.read(position, limit).await.expect("reads");
        if read.reset.is_some() {
            seen.push(None);
        }
        seen.extend(read.entries.iter().map(|entry| Some(entry.id)));
        cursor = reader.cursor(read.after);
        if was_done && read.entries.is_empty() {
            return seen;
        }
        let subscription = reader.subscribe();
        let notified = poll_fn(|cx| subscription.poll_newer(cursor.id, cx));
        // The end does not notify, so this must not wait long.
        let _ = timeout(Duration::from_millis(20), notified).await;
    }
}

/// Reads a stream that is cut after every few chunks and resumes at its cursor.
async fn stream_until_done(
    log: Arc<Log>,
    start: Cursor,
    done: Arc<AtomicBool>,
) -> Vec<Option<u64>> {
    let (mut seen, mut cursor) = (Vec::new(), start);
    loop {
        let was_done = done.load(SeqCst);
        let query = query(&room_set(&(0..ROOMS).collect()), cursor);
        let mut frames = Delivery::new(log.clone())
            .stream(&query, 0)
            .await
            .expect("opens");
        let before = seen.len();
        let within = Duration::from_millis(if was_done { 500 } else { 20 });
        for _ in 0..4 {
            let next = poll_fn(|cx| frames.poll_next_unpin(cx));
            let Ok(frame) = timeout(within, next).await else {
                break;
            };
            let text = String::from_utf8(frame.expect("open").bytes.to_vec()).expect("UTF-8");
            seen.extend(event_ids(&text));
        }
        cursor.id = seen.iter().flatten().max().copied().unwrap_or(cursor.id);
        if was_done && seen.len() == before {
            return seen;
        }
    }
}

fn run_concurrently(setup: LogSetup) {
    const MESSAGES: usize = 150;
    let fixture = Fixture::new(setup);
    let start = Cursor {
        log: fixture.log.id(),
        id: 0,
    };
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = Vec::new();
    for n in 0..4 {
        let (log, until) = (fixture.log.clone(), done.clone());
        readers.push(match n % 2 {
            0 => spawn_thread(move || poll_until_done(log, start, until)),
            _ => spawn_thread(move || stream_until_done(log, start, until)),
        });
    }
    let publishers: Vec<_> = (0..4)
        .map(|publisher| {
            let log = fixture.log.clone();
            spawn_thread(move || async move {
                let mut known = Vec::new();
                for i in 0..MESSAGES {
                    known.push(append(log.clone(), room((publisher + i) % ROOMS)).await);
                }
                known
            })
        })
        .collect();
    let joined = publishers.into_iter().map(std::thread::JoinHandle::join);
    let mut messages: Vec<AppendedMessage> =
        joined.flat_map(|known| known.expect("publishes")).collect();
    done.store(true, SeqCst);
    messages.sort_by_key(|known| known.id);
    let all: Vec<u64> = messages.iter().map(|known| known.id).collect();
    for reader in readers {
        let seen = reader.join().expect("reads");
        assert_complete(&seen, &all, setup.retained.is_some());
    }
}

#[test]
fn readers_of_several_rooms_keep_up_with_concurrent_publishers_on_memory() {
    run_setups(StoreKind::Memory, run_concurrently);
}

#[test]
fn readers_of_several_rooms_keep_up_with_concurrent_publishers_on_sqlite() {
    run_setups(StoreKind::Sqlite, run_concurrently);
}

#[test]
fn readers_of_several_rooms_keep_up_with_concurrent_publishers_on_nats() {
    run_setups(StoreKind::Nats, run_concurrently);
}
