//! What wakes a reactor, from any thread: a connection whose read of the log goes on, and a room in
//! which something happened.

use std::{
    sync::Arc,
    task::{Wake, Waker},
};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

/// The signals that a reactor has not looked at.
#[derive(Default)]
pub struct Signals {
    raised: Mutex<RaisedSignals>,
    reactor: AtomicWaker,
}

/// Keys of the connections and the rooms that signalled. One may be there that has left since.
#[derive(Default)]
pub struct RaisedSignals {
    pub connections: Vec<u32>,
    pub rooms: Vec<u32>,
}

impl Signals {
    /// The next signal wakes `reactor`. To be called before [`Self::take`].
    pub fn register(&self, reactor: &Waker) {
        self.reactor.register(reactor);
    }

    /// Moves what was raised into `raised`, which is empty.
    pub fn take(&self, raised: &mut RaisedSignals) {
        std::mem::swap(raised, &mut *self.raised.lock());
    }

    /// Signals for a connection.
    pub fn connection_waker(self: &Arc<Self>, key: u32) -> Waker {
        Waker::from(Arc::new(ConnectionSignal {
            signals: self.clone(),
            key,
        }))
    }

    /// Signals for a room.
    pub fn room_waker(self: &Arc<Self>, key: u32) -> Waker {
        Waker::from(Arc::new(RoomSignal {
            signals: self.clone(),
            key,
        }))
    }
}

struct ConnectionSignal {
    signals: Arc<Signals>,
    key: u32,
}

impl Wake for ConnectionSignal {
    fn wake(self: Arc<Self>) {
        self.signals.raised.lock().connections.push(self.key);
        self.signals.reactor.wake();
    }
}

struct RoomSignal {
    signals: Arc<Signals>,
    key: u32,
}

impl Wake for RoomSignal {
    fn wake(self: Arc<Self>) {
        self.signals.raised.lock().rooms.push(self.key);
        self.signals.reactor.wake();
    }
}
