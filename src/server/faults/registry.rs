//! The connections that carry each key: a client that knows a key may end them.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use parking_lot::Mutex;

use super::FaultKey;

/// The keys of connections, by connection id.
#[derive(Default)]
pub struct FaultRegistry(Mutex<FaultKeys>);

/// A connection that may carry a key, until it ends.
pub struct FaultKeyGuard {
    registry: Arc<FaultRegistry>,
    connection: u64,
}

impl Drop for FaultKeyGuard {
    fn drop(&mut self) {
        self.registry.remove(self.connection);
    }
}

#[derive(Default)]
struct FaultKeys {
    by_connection: HashMap<u64, FaultKey>,
    connections: HashMap<FaultKey, HashSet<u64>>,
}

impl FaultRegistry {
    /// Records that the connection's latest request carried `key`.
    pub fn set_key(&self, connection: u64, key: &FaultKey) {
        let mut keys = self.0.lock();
        keys.remove(connection);
        keys.by_connection.insert(connection, key.clone());
        let connections = keys.connections.entry(key.clone()).or_default();
        connections.insert(connection);
    }

    /// Forgets the connection's key when the guard is dropped.
    pub fn guard(self: &Arc<Self>, connection: u64) -> FaultKeyGuard {
        FaultKeyGuard {
            registry: self.clone(),
            connection,
        }
    }

    /// Removes the connection's key, because its latest request carried none or it has ended.
    pub fn remove(&self, connection: u64) {
        self.0.lock().remove(connection);
    }

    /// The connections whose latest request carried `key`.
    pub fn connections(&self, key: &FaultKey) -> Vec<u64> {
        let keys = self.0.lock();
        let connections = keys.connections.get(key);
        connections.map_or_else(Vec::new, |them| them.iter().copied().collect())
    }
}

impl FaultKeys {
    fn remove(&mut self, connection: u64) {
        let Some(key) = self.by_connection.remove(&connection) else {
            return;
        };
        if let Some(connections) = self.connections.get_mut(&key) {
            connections.remove(&connection);
            if connections.is_empty() {
                self.connections.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> FaultKey {
        text.parse().expect("a key")
    }

    #[test]
    fn a_key_stands_for_the_connections_whose_last_request_carried_it() {
        let registry = FaultRegistry::default();
        for connection in 1..=3 {
            registry.set_key(connection, &key("mine"));
        }
        registry.set_key(4, &key("theirs"));
        registry.remove(3);
        registry.set_key(2, &key("theirs"));
        assert_eq!(registry.connections(&key("mine")), [1]);
        assert_eq!(registry.connections(&key("theirs")).len(), 2);
    }

    #[test]
    fn connections_that_have_ended_take_no_memory() {
        let registry = FaultRegistry::default();
        for connection in 0..10_000 {
            registry.set_key(connection, &key(&format!("k{connection}")));
            registry.remove(connection);
        }
        let keys = registry.0.lock();
        assert!(keys.by_connection.is_empty() && keys.connections.is_empty());
    }
}
