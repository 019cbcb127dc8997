//! Publishers and readers at the same time, on several threads.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use futures_util::StreamExt as _;
use poll_vs_sse_server::{
    delivery::{Delivery, read_query::ReadQuery},
    domain::{cursor::Cursor, room::Room},
    log::{Log, LogReader as _, LogSubscription as _, Start, entry::Limit},
};
use tokio::time::timeout;

use crate::{
    cases::run_setups,
    fixture::{Fixture, LogSetup, StoreKind, append},
    model::AppendedMessage,
};

const PUBLISHERS: usize = 4;
const MESSAGES: usize = 150;
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// The ids that a reader received, with `None` for each reset.
type ReceivedIds = Vec<Option<u64>>;

fn room(n: usize) -> Room {
    format!("room-{}", n % 2).parse().expect("a room")
}

/// Polls and long-polls in turn until everything is published and read.
async fn poll_until_done(
    log: Arc<Log>,
    room: Room,
    start: Cursor,
    done: Arc<AtomicBool>,
) -> ReceivedIds {
    let (mut seen, mut cursor) = (ReceivedIds::new(), start);
    let limit = Limit {
        messages: 7,
        bytes: 4096,
    };
    loop {
        let was_done = done.load(SeqCst);
        let handle = log.reader(&room).await;
        let position = handle.resolve(Start::After(cursor)).await.expect("reads");
        let read = handle.after(position, limit).await.expect("reads");
        if read.reset.is_some() {
            seen.push(None);
        }
        seen.extend(read.entries.iter().map(|entry| Some(entry.id)));
        cursor = handle.cursor(read.after);
        if was_done && read.entries.is_empty() {
            return seen;
        }
        let listener = handle.subscribe();
        // The end does not notify, so this must not wait long.
        let _ = timeout(
            Duration::from_millis(20),
            listener.notified_or_closed(cursor.id),
        )
        .await;
    }
}

/// Reads a stream that is cut after every few chunks and resumes at its cursor.
async fn stream_until_done(
    log: Arc<Log>,
    room: Room,
    start: Cursor,
    done: Arc<AtomicBool>,
) -> ReceivedIds {
    let (mut seen, mut cursor) = (ReceivedIds::new(), start);
    loop {
        let was_done = done.load(SeqCst);
        let query =
            ReadQuery::parse(&format!("room={room}&cursor={cursor}"), None).expect("a query");
        let mut frames = Delivery::new(log.clone())
            .stream(&query, 0)
            .await
            .expect("opens");
        let mut news = 0;
        // At the end it waits longer, so that a busy machine does not make it miss messages.
        let within = Duration::from_millis(if was_done { 500 } else { 20 });
        for _ in 0..4 {
            let next = poll_fn(|cx| frames.poll_next_unpin(cx));
            let Ok(frame) = timeout(within, next).await else {
                break;
            };
            let text = String::from_utf8(frame.expect("open").bytes.to_vec()).expect("UTF-8");
            for frame in text.split_inclusive("\n\n") {
                if let Some(id) = frame.strip_prefix("id: ") {
                    let (id, _) = id.split_once('\n').expect("a line");
                    cursor = id.parse().expect("a cursor");
                    seen.push(Some(cursor.id));
                    news += 1;
                } else if frame.starts_with("event: reset") {
                    seen.push(None);
                }
            }
        }
        if was_done && news == 0 {
            return seen;
        }
    }
}

/// Checks that every message of `ids` was received once and in order, or a reset came before the missing ones.
pub fn assert_complete(seen: &[Option<u64>], ids: &[u64], may_miss: bool) {
    let mut next = 0;
    let mut told = false;
    for event in seen {
        let Some(id) = event else {
            assert!(may_miss, "a reset although everything is retained");
            told = true;
            continue;
        };
        let at = next
            + ids[next..]
                .iter()
                .position(|known| known == id)
                .expect("each id once, in order");
        assert!(at == next || told, "{:?} was skipped silently", ids[next]);
        (next, told) = (at + 1, false);
    }
    assert!(
        next == ids.len(),
        "the last messages are missing: {:?}",
        &ids[next..]
    );
}

/// Runs `work` on a separate thread.
pub fn spawn_thread<T, F>(work: F) -> thread::JoinHandle<T::Output>
where
    T: Future<Output: Send + 'static>,
    F: FnOnce() -> T + Send + 'static,
{
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        runtime.block_on(async { timeout(READ_TIMEOUT, work()).await.expect("ends in time") })
    })
}

fn run_case(setup: LogSetup) {
    let fixture = Fixture::new(setup);
    let log = || fixture.log.clone();
    let start = Cursor {
        log: fixture.log.id(),
        id: 0,
    };
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = Vec::new();
    for n in 0..4 {
        let (log, until) = (log(), done.clone());
        let thread = match n {
            0 | 1 => spawn_thread(move || poll_until_done(log, room(n), start, until)),
            _ => spawn_thread(move || stream_until_done(log, room(n), start, until)),
        };
        readers.push((room(n), thread));
    }
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let log = log();
            spawn_thread(move || publish(log, publisher))
        })
        .collect();
    let joined = publishers.into_iter().map(thread::JoinHandle::join);
    let mut messages: Vec<AppendedMessage> =
        joined.flat_map(|known| known.expect("publishes")).collect();
    done.store(true, SeqCst);
    messages.sort_by_key(|known| known.id);
    for (room, reader) in readers {
        let seen = reader.join().expect("reads");
        let of_room = messages.iter().filter(|known| known.room == room);
        let ids: Vec<u64> = of_room.map(|known| known.id).collect();
        assert_complete(&seen, &ids, setup.retained.is_some());
    }
}

async fn publish(log: Arc<Log>, publisher: usize) -> Vec<AppendedMessage> {
    let mut known = Vec::new();
    for i in 0..MESSAGES {
        known.push(append(log.clone(), room(publisher + i)).await);
    }
    known
}

#[test]
fn readers_keep_up_with_concurrent_publishers_on_memory() {
    run_setups(StoreKind::Memory, run_case);
}

#[test]
fn readers_keep_up_with_concurrent_publishers_on_sqlite() {
    run_setups(StoreKind::Sqlite, run_case);
}

#[test]
fn readers_keep_up_with_concurrent_publishers_on_nats() {
    run_setups(StoreKind::Nats, run_case);
}
