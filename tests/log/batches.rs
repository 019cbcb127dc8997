//! Readers during a batch: a cursor that they received is still known a moment later.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
};

use poll_vs_sse_server::{
    domain::{cursor::Cursor, room::Room},
    log::{Log, LogReader as _, Start, entry::Limit},
};

use crate::{
    concurrent::spawn_thread,
    fixture::{Fixture, LogSetup, StoreKind, append},
};

const BATCHES: usize = 30;
const AT_ONCE: usize = 100;

async fn publish(log: Arc<Log>) {
    for _ in 0..BATCHES {
        let appends = (0..AT_ONCE).map(|_| append(log.clone(), Room::default()));
        appends
            .collect::<tokio::task::JoinSet<_>>()
            .join_all()
            .await;
    }
}

/// Polls without a pause. Returns the number of messages it saw.
async fn poll(log: Arc<Log>, done: Arc<AtomicBool>) -> usize {
    let limit = Limit {
        messages: 1000,
        bytes: usize::MAX,
    };
    let mut cursor = Cursor {
        log: log.id(),
        id: 0,
    };
    let mut seen = 0;
    loop {
        let was_done = done.load(SeqCst);
        let room = log.reader(&Room::default()).await;
        let position = room.resolve(Start::After(cursor)).await.expect("reads");
        assert_eq!(position.reset, None, "{cursor} is a cursor of this log");
        let read = room.after(position, limit).await.expect("reads");
        assert_eq!(read.reset, None);
        seen += read.entries.len();
        cursor = room.cursor(read.after);
        if was_done && read.entries.is_empty() {
            return seen;
        }
    }
}

fn check(kind: StoreKind) {
    for tail_bytes in [0, 1 << 20] {
        let fixture = Fixture::new(LogSetup {
            kind,
            retained: None,
            tail_bytes,
        });
        let done = Arc::new(AtomicBool::new(false));
        let readers = [(); 2].map(|()| {
            let (log, done) = (fixture.log.clone(), done.clone());
            spawn_thread(move || poll(log, done))
        });
        let log = fixture.log.clone();
        let publisher = spawn_thread(move || publish(log));
        publisher.join().expect("publishes");
        done.store(true, SeqCst);
        for reader in readers.map(thread::JoinHandle::join) {
            assert_eq!(reader.expect("reads"), BATCHES * AT_ONCE);
        }
    }
}

#[test]
fn cursors_from_the_middle_of_a_batch_are_known_on_memory() {
    check(StoreKind::Memory);
}

#[test]
fn cursors_from_the_middle_of_a_batch_are_known_on_sqlite() {
    check(StoreKind::Sqlite);
}

#[test]
fn cursors_from_the_middle_of_a_batch_are_known_on_nats() {
    check(StoreKind::Nats);
}
