//! The counters of each client label, for a bounded number of them.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use lru::LruCache;
use parking_lot::Mutex;

use super::{client_rooms::ClientRooms, counters::CounterTable};
use crate::domain::{client_label::ClientLabel, room::Room};

/// How many labels with an open connection are passed over to find one without.
const MAX_PASSED_OVER: usize = 32;

/// The counters of one client label.
pub struct ClientCounters {
    pub label: ClientLabel,
    pub counters: CounterTable,
    pub rooms: Arc<ClientRooms>,
}

impl ClientCounters {
    /// Notes that the client was used in these rooms.
    pub fn record_rooms<'a>(&self, rooms: impl IntoIterator<Item = &'a Room>) {
        for room in rooms {
            self.rooms.record(room);
        }
    }
}

/// If it is full, the label that connected least recently is forgotten, of those without an open connection.
pub struct ClientTable {
    clients: Mutex<LruCache<ClientLabel, Arc<ClientCounters>>>,
    /// The number of labels forgotten to make room for others.
    forgotten: AtomicU64,
}

impl Default for ClientTable {
    fn default() -> Self {
        Self {
            clients: Mutex::new(LruCache::new(ClientLabel::MAX_REMEMBERED)),
            forgotten: AtomicU64::new(0),
        }
    }
}

impl ClientTable {
    /// The counters of a client, created when it is first seen.
    pub fn open(&self, label: &ClientLabel) -> Arc<ClientCounters> {
        let mut clients = self.clients.lock();
        if let Some(known) = clients.get(label) {
            return known.clone();
        }
        if clients.len() == ClientLabel::MAX_REMEMBERED.get() {
            forget_one(&mut clients);
            self.forgotten.fetch_add(1, Relaxed);
        }
        let new = Arc::new(ClientCounters {
            label: label.clone(),
            counters: CounterTable::default(),
            rooms: Arc::default(),
        });
        clients.put(label.clone(), new.clone());
        new
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

fn forget_one(clients: &mut LruCache<ClientLabel, Arc<ClientCounters>>) {
    for _ in 0..MAX_PASSED_OVER {
        let Some((label, counters)) = clients.pop_lru() else {
            return;
        };
        // A connection of the client holds its counters as well.
        if Arc::strong_count(&counters) == 1 {
            return;
        }
        clients.put(label, counters);
    }
    clients.pop_lru();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_with_an_open_connection_is_not_forgotten_for_new_ones() {
        let table = ClientTable::default();
        let label = |name: String| name.parse::<ClientLabel>().expect("a label");
        let polling = label("polling".to_owned());
        let open = table.open(&polling);
        drop(table.open(&label("gone".to_owned())));
        for i in 0..2 * ClientLabel::MAX_REMEMBERED.get() {
            table.open(&label(format!("client-{i}")));
        }
        assert!(Arc::ptr_eq(
            &open,
            &table.find(&polling).expect("remembered")
        ));
        assert!(table.find(&label("gone".to_owned())).is_none());
        assert_eq!(table.remembered(), ClientLabel::MAX_REMEMBERED.get());
    }

    #[test]
    fn the_table_is_bounded_even_if_all_clients_are_connected() {
        let table = ClientTable::default();
        let label = |i: usize| {
            format!("client-{i}")
                .parse::<ClientLabel>()
                .expect("a label")
        };
        let open: Vec<_> = (0..ClientLabel::MAX_REMEMBERED.get() + 10)
            .map(|i| table.open(&label(i)))
            .collect();
        assert_eq!(table.remembered(), ClientLabel::MAX_REMEMBERED.get());
        assert_eq!(table.forgotten(), 10);
        drop(open);
    }
}
