//! A log under test and the model of it, for each store.

use std::sync::Arc;

use poll_vs_sse_server::{
    delivery::sse,
    domain::{cursor::LogId, draft::Draft, room::Room},
    log::{Log, LogSettings, retention::Retention, store::nats},
};
use tempfile::TempDir;

use crate::model::{AppendedMessage, Model};

/// The store under test.
#[derive(Debug, Clone, Copy)]
pub enum StoreKind {
    Memory,
    Sqlite,
    Nats,
}

/// The settings that a log is opened with.
#[derive(Debug, Clone, Copy)]
pub struct LogSetup {
    pub kind: StoreKind,
    pub retained: Option<u64>,
    pub tail_bytes: usize,
}

/// The storage of a log.
enum Storage {
    Nowhere,
    Directory(TempDir),
    Stream(Box<nats::Options>),
}

/// A log, and the model of its expected content.
pub struct Fixture {
    setup: LogSetup,
    place: Storage,
    pub log: Arc<Log>,
    pub model: Model,
}

impl Fixture {
    pub fn new(setup: LogSetup) -> Self {
        let place = match setup.kind {
            StoreKind::Memory => Storage::Nowhere,
            StoreKind::Sqlite => Storage::Directory(tempfile::tempdir().expect("a directory")),
            StoreKind::Nats => Storage::Stream(Box::new(crate::nats::shared())),
        };
        Self {
            log: open(setup, &place),
            model: Model {
                messages: Vec::new(),
                retained: setup.retained,
                is_forgetful: false,
            },
            setup,
            place,
        }
    }

    /// Appends a message to each of `rooms` at the same time; with SQLite, in one transaction.
    pub async fn append(&mut self, rooms: &[Room]) {
        let mut appends = tokio::task::JoinSet::new();
        for room in rooms {
            let log = self.log.clone();
            appends.spawn(append(log, room.clone()));
        }
        let mut known = appends.join_all().await;
        known.sort_by_key(|known| known.id);
        self.model.messages.extend(known);
    }

    /// Closes the log and opens it again. Readers must have dropped it before.
    pub fn restart(&mut self) {
        let nothing = open(self.setup, &Storage::Nowhere);
        let old = std::mem::replace(&mut self.log, nothing);
        assert_eq!(Arc::strong_count(&old), 1, "readers have dropped the log");
        drop(old);
        self.log = open(self.setup, &self.place);
        if matches!(self.setup.kind, StoreKind::Memory) {
            self.model.messages.clear();
        }
        self.model.is_forgetful = matches!(self.setup.kind, StoreKind::Nats);
    }
}

/// Appends one message and returns its acknowledgement.
pub async fn append(log: Arc<Log>, room: Room) -> AppendedMessage {
    let draft = Draft {
        room: room.clone(),
        author: "mina".to_owned(),
        text: "x".to_owned(),
    };
    let appended = log.append(draft, None).await.expect("appends");
    AppendedMessage {
        id: appended.cursor.id,
        room,
        json: String::from_utf8(appended.json.to_vec()).expect("UTF-8"),
    }
}

fn open(setup: LogSetup, place: &Storage) -> Arc<Log> {
    let settings = LogSettings {
        retention: Retention {
            messages: setup.retained,
            age: None,
        },
        tail_bytes: setup.tail_bytes,
        encode: sse::encode,
    };
    match place {
        Storage::Nowhere => Log::in_memory(LogId::random().expect("entropy"), settings),
        Storage::Directory(directory) => {
            Log::on_sqlite(directory.path().join("chat.db"), settings).expect("opens")
        }
        Storage::Stream(options) => Log::on_nats(options, settings).expect("opens"),
    }
}
