//! The counters of each client label, for a bounded number of them.

use std::{num::NonZeroUsize, sync::Arc};

use lru::LruCache;
use parking_lot::Mutex;

use super::counters::CounterTable;
use crate::domain::client_label::ClientLabel;

/// Client labels that are remembered; the least recently seen goes first.
const MAX_CLIENTS: NonZeroUsize = NonZeroUsize::new(20_000).expect("not zero");

pub struct ClientTable(Mutex<LruCache<ClientLabel, Arc<CounterTable>>>);

impl Default for ClientTable {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MAX_CLIENTS)))
    }
}

impl ClientTable {
    /// The counters of a client, opened when it is first seen.
    pub fn open(&self, label: &ClientLabel) -> Arc<CounterTable> {
        self.0.lock().get_or_insert_ref(label, Arc::default).clone()
    }

    /// The counters of a client that was seen before; looking does not make it seen.
    pub fn find(&self, label: &ClientLabel) -> Option<Arc<CounterTable>> {
        self.0.lock().peek(label).cloned()
    }
}
