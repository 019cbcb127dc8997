//! Opens a log on each of the stores.

use std::{path::PathBuf, sync::Arc};

use super::{
    Log,
    entry::FrameEncoder,
    retention::Retention,
    store::{OpenError, Store, memory::Memory, nats, sqlite},
    tail_cache::TailCache,
};
use crate::domain::cursor::LogId;

/// The settings of a log on any store.
#[derive(Debug, Clone, Copy)]
pub struct LogSettings {
    pub retention: Retention,
    /// The memory for the newest messages of all rooms.
    pub tail_bytes: usize,
    pub encode: FrameEncoder,
}

impl Log {
    /// A new log in the memory of this process.
    pub fn in_memory(id: LogId, settings: LogSettings) -> Arc<Self> {
        let tails = settings.tails(id, 0);
        let memory = Memory::new(id, settings.retention, settings.encode, tails.clone());
        Self::new(Store::Memory(Box::new(memory)), tails)
    }

    /// The log in a SQLite file, which is created if it does not exist.
    pub fn on_sqlite(path: PathBuf, settings: LogSettings) -> Result<Arc<Self>, OpenError> {
        let opened = sqlite::SqliteHandle::open(path)?;
        let tails = settings.tails(opened.log, opened.head);
        let sqlite = opened.serve(settings.retention, settings.encode, tails.clone())?;
        Ok(Self::new(Store::Sqlite(sqlite), tails))
    }

    /// The log in a JetStream stream, which is created if it does not exist.
    pub fn on_nats(options: &nats::Options, settings: LogSettings) -> Result<Arc<Self>, OpenError> {
        let opened = nats::NatsHandle::open(options, settings.retention)?;
        let tails = settings.tails(opened.log, opened.head);
        let nats = opened.serve(settings.encode, tails.clone());
        Ok(Self::new(Store::Nats(nats), tails))
    }

    /// The log of `store`, which must append to the same `tails`.
    fn new(store: Store, tails: Arc<TailCache>) -> Arc<Self> {
        Arc::new(Self { store, tails })
    }
}

impl LogSettings {
    fn tails(&self, log: LogId, head: u64) -> Arc<TailCache> {
        Arc::new(TailCache::new(self.tail_bytes, log, head))
    }
}
