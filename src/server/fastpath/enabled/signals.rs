//! The signals that wake a reactor, from any thread: a connection can continue its read of the log, or a room has a
//! new message.

use std::{
    sync::Arc,
    task::{Wake, Waker},
};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

/// The signals that a reactor has not handled yet.
#[derive(Default)]
pub struct Signals {
    raised: Mutex<RaisedSignals>,
    reactor: AtomicWaker,
}

/// Keys of the connections and rooms that signalled. Some may have left since.
#[derive(Default)]
pub struct RaisedSignals {
    pub connections: Vec<u32>,
    pub rooms: Vec<u32>,
}

impl Signals {
    /// Makes the next signal wake `reactor`. Must be called before [`Self::take`].
    pub fn register(&self, reactor: &Waker) {
        self.reactor.register(reactor);
    }

    /// Moves the raised signals into `raised`, which must be empty.
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
