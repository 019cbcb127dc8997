//! The counters of each client label, for a bounded number of them.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use lru::LruCache;
use parking_lot::Mutex;

use super::counters::CounterTable;
use crate::domain::client_label::ClientLabel;

/// The most client labels that are remembered; the least recently seen is forgotten first.
const MAX_CLIENTS: NonZeroUsize = NonZeroUsize::new(20_000).expect("not zero");

/// The counters of one client label.
pub struct ClientCounters {
    pub label: ClientLabel,
    pub counters: CounterTable,
}

pub struct ClientTable {
    clients: Mutex<LruCache<ClientLabel, Arc<ClientCounters>>>,
    /// The number of labels forgotten to make room for others.
    forgotten: AtomicU64,
}

impl Default for ClientTable {
    fn default() -> Self {
        Self {
            clients: Mutex::new(LruCache::new(MAX_CLIENTS)),
            forgotten: AtomicU64::new(0),
        }
    }
}

impl ClientTable {
    /// The counters of a client, created when it is first seen.
    pub fn open(&self, label: &ClientLabel) -> Arc<ClientCounters> {
        let mut clients = self.clients.lock();
        let is_full = clients.len() == MAX_CLIENTS.get();
        let new = || {
            self.forgotten.fetch_add(u64::from(is_full), Relaxed);
            Arc::new(ClientCounters {
                label: label.clone(),
                counters: CounterTable::default(),
            })
        };
        clients.get_or_insert_ref(label, new).clone()
    }

    /// The counters of a client that was seen before. This does not count as seeing it.
    pub fn find(&self, label: &ClientLabel) -> Option<Arc<ClientCounters>> {
        self.clients.lock().peek(label).cloned()
    }

    /// How many labels are remembered.
    pub fn remembered(&self) -> usize {
        self.clients.lock().len()
    }

    /// How many labels were forgotten since the start to make room for others.
    pub fn forgotten(&self) -> u64 {
        self.forgotten.load(Relaxed)
    }
}
