//! Readers that join while others write: loading messages from the store while others are evicted from memory must
//! leave no gap.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
};

use poll_vs_sse_server::{
    domain::{cursor::Cursor, room::Room},
    log::{Log, Start, entry::Limit},
};

use crate::{
    concurrent::spawn_thread,
    fixture::{Fixture, LogSetup, StoreKind, append},
};

const MESSAGES: u64 = 300;
/// Small enough that a room is evicted soon after its last message, and loaded again for a reader.
const TAIL_BYTES: [usize; 3] = [0, 700, 1500];

fn room() -> Room {
    "den".parse().expect("a room")
}

/// Appends to the room and to another one, so that each evicts the other's messages.
async fn publish(log: Arc<Log>, acknowledged: Arc<AtomicU64>) {
    for i in 1..=MESSAGES {
        append(log.clone(), room()).await;
        acknowledged.store(i, SeqCst);
        append(log.clone(), Room::default()).await;
    }
}

/// Reads the room from its beginning repeatedly, and drops its reader each time.
async fn read_repeatedly(log: Arc<Log>, acknowledged: Arc<AtomicU64>) {
    let limit = Limit {
        messages: usize::MAX,
        bytes: usize::MAX,
    };
    let mut known = 0;
    while known < MESSAGES {
        known = acknowledged.load(SeqCst);
        let handle = log.reader(&room()).await;
        let start = Cursor {
            log: log.id(),
            id: 0,
        };
        let position = handle.resolve(Start::After(start)).await.expect("reads");
        let read = handle.after(position, limit).await.expect("reads");
        assert_eq!(read.reset, None);
        let ids: Vec<u64> = read.entries.iter().map(|entry| entry.id).collect();
        let whole: Vec<u64> = (0..ids.len() as u64).map(|i| 2 * i + 1).collect();
        assert_eq!(ids, whole, "no hole");
        assert!(ids.len() as u64 >= known, "{} of {known}", ids.len());
    }
}

fn check(kind: StoreKind) {
    for tail_bytes in TAIL_BYTES {
        let fixture = Fixture::new(LogSetup {
            kind,
            retained: None,
            tail_bytes,
        });
        let acknowledged = Arc::new(AtomicU64::new(0));
        let readers = [(); 2].map(|()| {
            let (log, acknowledged) = (fixture.log.clone(), acknowledged.clone());
            spawn_thread(move || read_repeatedly(log, acknowledged))
        });
        let log = fixture.log.clone();
        let publisher = spawn_thread(move || publish(log, acknowledged));
        publisher.join().expect("publishes");
        for reader in readers.map(thread::JoinHandle::join) {
            reader.expect("reads");
        }
    }
}

#[test]
fn late_joiners_see_the_whole_room_while_it_is_written_on_memory() {
    check(StoreKind::Memory);
}

#[test]
fn late_joiners_see_the_whole_room_while_it_is_written_on_sqlite() {
    check(StoreKind::Sqlite);
}

#[test]
fn late_joiners_see_the_whole_room_while_it_is_written_on_nats() {
    check(StoreKind::Nats);
}
