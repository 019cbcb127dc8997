//! Ending connections from outside: by their key, or at a certain age.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

use super::FaultKey;

/// How many keys there are before it is looked which are of no use any more.
const PRUNE_THRESHOLD: usize = 64;

/// A switch that ends one connection.
#[derive(Default)]
pub struct AbortHandle(Mutex<State>);

#[derive(Default)]
struct State {
    aborted: bool,
    waker: Option<Waker>,
    /// The key of the last request.
    key: Option<FaultKey>,
    /// The last request is to be cut off.
    abort_requested: bool,
}

/// The connections that carry a key.
pub struct FaultRegistry(Mutex<FaultKeys>);

struct FaultKeys {
    connections: HashMap<FaultKey, Vec<Weak<AbortHandle>>>,
    prune_at: usize,
}

impl AbortHandle {
    pub fn abort(&self) {
        let mut state = self.0.lock();
        state.aborted = true;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    /// Done when the connection is to end.
    pub fn poll_aborted(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.aborted {
            return Poll::Ready(());
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The request that begins is to be cut off, or to be let be.
    pub fn request_abort(&self, wanted: bool) {
        self.0.lock().abort_requested = wanted;
    }

    pub fn abort_requested(&self) -> bool {
        self.0.lock().abort_requested
    }

    /// A request begins that has asked for nothing yet: nobody else's wish is to end it.
    pub fn clear_faults(&self) {
        let mut state = self.0.lock();
        state.abort_requested = false;
        state.key = None;
    }

    /// Whose the connection is from now on. True where that is news.
    fn set_key(&self, key: Option<&FaultKey>) -> bool {
        let mut state = self.0.lock();
        let news = state.key.as_ref() != key;
        if news {
            state.key = key.cloned();
        }
        news
    }
}

impl Default for FaultRegistry {
    fn default() -> Self {
        Self(Mutex::new(FaultKeys {
            connections: HashMap::new(),
            prune_at: PRUNE_THRESHOLD,
        }))
    }
}

impl FaultRegistry {
    /// Notes that a connection's request carried `key`, or none.
    pub fn register(&self, handle: &Arc<AbortHandle>, key: Option<&FaultKey>) {
        if !handle.set_key(key) {
            return;
        }
        let Some(key) = key else { return };
        let mut keys = self.0.lock();
        if keys.connections.len() >= keys.prune_at {
            keys.prune();
        }
        let connections = keys.connections.entry(key.clone()).or_default();
        connections.retain(|connection| {
            connection.strong_count() > 0 && !std::ptr::eq(connection.as_ptr(), &**handle)
        });
        connections.push(Arc::downgrade(handle));
    }

    /// Ends all connections whose last request carried `key`.
    pub fn abort(&self, key: &FaultKey) {
        let connections = self.0.lock().connections.remove(key).unwrap_or_default();
        for connection in connections.iter().filter_map(Weak::upgrade) {
            let is_its = connection.0.lock().key.as_ref() == Some(key);
            if is_its {
                connection.abort();
            }
        }
    }
}

impl FaultKeys {
    fn prune(&mut self) {
        self.connections.retain(|_, connections| {
            connections.retain(|connection| connection.strong_count() > 0);
            !connections.is_empty()
        });
        self.prune_at = (2 * self.connections.len()).max(PRUNE_THRESHOLD);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_aborted(handle: &AbortHandle) -> bool {
        let cx = Context::from_waker(Waker::noop());
        handle.poll_aborted(&cx).is_ready()
    }

    fn key(text: &str) -> FaultKey {
        text.parse().expect("a key")
    }

    #[test]
    fn a_key_ends_the_connections_whose_last_request_carried_it() {
        let registry = FaultRegistry::default();
        let connections: [Arc<AbortHandle>; 4] = Default::default();
        let [mine, also_mine, theirs, was_mine] = &connections;
        for connection in [mine, also_mine, was_mine] {
            registry.register(connection, Some(&key("mine")));
        }
        registry.register(theirs, Some(&key("theirs")));
        registry.register(was_mine, None);
        registry.abort(&key("mine"));
        assert!(is_aborted(mine) && is_aborted(also_mine));
        assert!(!is_aborted(theirs) && !is_aborted(was_mine));
    }

    #[test]
    fn a_connection_that_others_use_in_between_is_kept_once() {
        let registry = FaultRegistry::default();
        let connection = Arc::default();
        for _ in 0..100 {
            registry.register(&connection, Some(&key("mine")));
            connection.clear_faults();
        }
        assert_eq!(registry.0.lock().connections[&key("mine")].len(), 1);
        registry.abort(&key("mine"));
        assert!(!is_aborted(&connection), "the last request was another's");
    }

    #[test]
    fn keys_of_connections_that_are_gone_are_forgotten() {
        let registry = FaultRegistry::default();
        for i in 0..10_000 {
            registry.register(&Arc::default(), Some(&key(&format!("k{i}"))));
        }
        assert!(registry.0.lock().connections.len() <= PRUNE_THRESHOLD);
    }
}
