//! New connections on their way to the reactor.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    task::Waker,
};

use crate::fastpath::AcceptedConnection;

#[derive(Default)]
pub struct Inbox {
    accepted: RefCell<VecDeque<AcceptedConnection>>,
    reactor: Cell<Option<Waker>>,
}

impl Inbox {
    pub fn push(&self, accepted: AcceptedConnection) {
        self.accepted.borrow_mut().push_back(accepted);
        if let Some(reactor) = self.reactor.take() {
            reactor.wake();
        }
    }

    pub fn pop(&self) -> Option<AcceptedConnection> {
        self.accepted.borrow_mut().pop_front()
    }

    /// Makes the next connection wake `reactor`. Must be called before [`Self::pop`].
    pub fn register(&self, reactor: &Waker) {
        self.reactor.set(Some(reactor.clone()));
    }
}
