//! Ending connections from outside: by their key, or at a certain age.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

use super::FaultKey;

/// How many keys there are before it is looked which are of no use any more.
const FIRST_PRUNING: usize = 64;

/// A switch that ends one connection.
#[derive(Default)]
pub struct Severing(Mutex<State>);

#[derive(Default)]
struct State {
    severed: bool,
    waker: Option<Waker>,
    /// The key of the last request.
    key: Option<FaultKey>,
    /// The last request is to be cut off.
    cut: bool,
}

/// The connections that carry a key.
pub struct Keyring(Mutex<Keys>);

struct Keys {
    connections: HashMap<FaultKey, Vec<Weak<Severing>>>,
    prune_at: usize,
}

impl Severing {
    pub fn sever(&self) {
        let mut state = self.0.lock();
        state.severed = true;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    /// Done when the connection is to end.
    pub fn poll_severed(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.severed {
            return Poll::Ready(());
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The request that begins is to be cut off, or to be let be.
    pub fn want_cut(&self, cut: bool) {
        self.0.lock().cut = cut;
    }

    pub fn is_cut_wanted(&self) -> bool {
        self.0.lock().cut
    }

    /// A request begins that has asked for nothing yet: nobody else's wish is to end it.
    pub fn spare(&self) {
        let mut state = self.0.lock();
        state.cut = false;
        state.key = None;
    }

    /// Whose the connection is from now on. True where that is news.
    fn carry(&self, key: Option<&FaultKey>) -> bool {
        let mut state = self.0.lock();
        let news = state.key.as_ref() != key;
        if news {
            state.key = key.cloned();
        }
        news
    }
}

impl Default for Keyring {
    fn default() -> Self {
        Self(Mutex::new(Keys {
            connections: HashMap::new(),
            prune_at: FIRST_PRUNING,
        }))
    }
}

impl Keyring {
    /// Notes that a connection's request carried `key`, or none.
    pub fn note(&self, severing: &Arc<Severing>, key: Option<&FaultKey>) {
        if !severing.carry(key) {
            return;
        }
        let Some(key) = key else { return };
        let mut keys = self.0.lock();
        if keys.connections.len() >= keys.prune_at {
            keys.prune();
        }
        let connections = keys.connections.entry(key.clone()).or_default();
        connections.retain(|connection| {
            connection.strong_count() > 0 && !std::ptr::eq(connection.as_ptr(), &**severing)
        });
        connections.push(Arc::downgrade(severing));
    }

    /// Ends all connections whose last request carried `key`.
    pub fn sever(&self, key: &FaultKey) {
        let connections = self.0.lock().connections.remove(key).unwrap_or_default();
        for connection in connections.iter().filter_map(Weak::upgrade) {
            let is_its = connection.0.lock().key.as_ref() == Some(key);
            if is_its {
                connection.sever();
            }
        }
    }
}

impl Keys {
    fn prune(&mut self) {
        self.connections.retain(|_, connections| {
            connections.retain(|connection| connection.strong_count() > 0);
            !connections.is_empty()
        });
        self.prune_at = (2 * self.connections.len()).max(FIRST_PRUNING);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_severed(severing: &Severing) -> bool {
        let cx = Context::from_waker(Waker::noop());
        severing.poll_severed(&cx).is_ready()
    }

    fn key(text: &str) -> FaultKey {
        text.parse().expect("a key")
    }

    #[test]
    fn a_key_ends_the_connections_whose_last_request_carried_it() {
        let keyring = Keyring::default();
        let connections: [Arc<Severing>; 4] = Default::default();
        let [mine, also_mine, theirs, was_mine] = &connections;
        for connection in [mine, also_mine, was_mine] {
            keyring.note(connection, Some(&key("mine")));
        }
        keyring.note(theirs, Some(&key("theirs")));
        keyring.note(was_mine, None);
        keyring.sever(&key("mine"));
        assert!(is_severed(mine) && is_severed(also_mine));
        assert!(!is_severed(theirs) && !is_severed(was_mine));
    }

    #[test]
    fn a_connection_that_others_use_in_between_is_kept_once() {
        let keyring = Keyring::default();
        let connection = Arc::default();
        for _ in 0..100 {
            keyring.note(&connection, Some(&key("mine")));
            connection.spare();
        }
        assert_eq!(keyring.0.lock().connections[&key("mine")].len(), 1);
        keyring.sever(&key("mine"));
        assert!(!is_severed(&connection), "the last request was another's");
    }

    #[test]
    fn keys_of_connections_that_are_gone_are_forgotten() {
        let keyring = Keyring::default();
        for i in 0..10_000 {
            keyring.note(&Arc::default(), Some(&key(&format!("k{i}"))));
        }
        assert!(keyring.0.lock().connections.len() <= FIRST_PRUNING);
    }
}
