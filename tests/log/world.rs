//! A log under test with the model of it, for either store.

use std::sync::Arc;

use poll_vs_sse::{
    cursor::LogId,
    log::{
        Log,
        memory::Memory,
        sqlite,
        store::{Retention, Store},
        tails::Tails,
    },
    message::{Draft, Room},
    transport::sse,
};
use tempfile::TempDir;

use crate::model::{Known, Model};

#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Memory,
    Sqlite,
}

/// What a log is opened with.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    pub kind: Kind,
    pub retained: Option<u64>,
    pub tail_bytes: usize,
}

pub struct World {
    setup: Setup,
    directory: TempDir,
    pub log: Arc<Log>,
    pub model: Model,
}

impl World {
    pub fn new(setup: Setup) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self {
            log: open(setup, &directory),
            model: Model {
                messages: Vec::new(),
                retained: setup.retained,
            },
            setup,
            directory,
        }
    }

    /// Appends a message to each of `rooms` at the same time: for SQLite, in one transaction.
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

    /// Opens the log anew. Readers must have let go of it.
    pub fn restart(&mut self) {
        let nothing = Setup {
            kind: Kind::Memory,
            ..self.setup
        };
        let old = std::mem::replace(&mut self.log, open(nothing, &self.directory));
        assert_eq!(Arc::strong_count(&old), 1, "readers let go of the log");
        drop(old);
        self.log = open(self.setup, &self.directory);
        if matches!(self.setup.kind, Kind::Memory) {
            self.model.messages.clear();
        }
    }
}

/// Appends one message; what the log says of it.
pub async fn append(log: Arc<Log>, room: Room) -> Known {
    let draft = Draft {
        room: room.clone(),
        author: "mina".to_owned(),
        text: "x".to_owned(),
    };
    let appended = log.append(draft, None).await.expect("appends");
    Known {
        id: appended.cursor.id,
        room,
        json: String::from_utf8(appended.json.to_vec()).expect("UTF-8"),
    }
}

fn open(setup: Setup, directory: &TempDir) -> Arc<Log> {
    let retention = Retention {
        messages: setup.retained,
        age: None,
    };
    let tails = |head| Arc::new(Tails::new(setup.tail_bytes, head));
    let (store, tails) = match setup.kind {
        Kind::Memory => {
            let (id, tails) = (LogId::random().expect("entropy"), tails(0));
            let memory = Memory::new(id, retention, sse::encode, tails.clone());
            (Store::Memory(Box::new(memory)), tails)
        }
        Kind::Sqlite => {
            let path = directory.path().join("chat.db");
            let opened = sqlite::Opened::open(path).expect("opens");
            let tails = tails(opened.head);
            let store = opened.serve(retention, sse::encode, tails.clone());
            (Store::Sqlite(store.expect("opens")), tails)
        }
    };
    Log::new(store, tails)
}
