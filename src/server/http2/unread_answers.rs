//! How many bytes of complete answers may wait for the client of one connection.
//!
//! A complete answer is in memory until its client has taken it. An HTTP/1.1 connection has one such answer at a time,
//! but an HTTP/2 client may ask for a hundred and take none. So further requests wait until it has taken some.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use super::limits::MAX_CONCURRENT_STREAMS;

/// Further requests of the connection wait from this size on. Two of the largest answers fit, so that a client that
/// pauses one of them is still answered.
const MAX_BYTES: u64 = 1024 * 1024;
/// More wakers than a connection has streams are partly those of streams that are gone. All are woken then, and those
/// that still wait ask again.
const MAX_WAITING: usize = 2 * MAX_CONCURRENT_STREAMS as usize;

/// The answers of one connection that its client has not taken.
#[derive(Debug, Default)]
pub struct UnreadAnswers {
    bytes: Cell<u64>,
    waiting: RefCell<Vec<Waker>>,
}

impl UnreadAnswers {
    /// Ready if another answer may be made.
    pub fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        if self.bytes.get() < MAX_BYTES {
            return Poll::Ready(());
        }
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            if waiting.len() == MAX_WAITING {
                waiting.drain(..).for_each(Waker::wake);
            }
            waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Counts an answer until the value is dropped.
    pub fn hold(self: Rc<Self>, bytes: u64) -> UnreadAnswer {
        self.bytes.set(self.bytes.get() + bytes);
        UnreadAnswer {
            answers: self,
            bytes,
        }
    }
}

/// An answer that its client has not taken completely.
#[derive(Debug)]
pub struct UnreadAnswer {
    answers: Rc<UnreadAnswers>,
    bytes: u64,
}

impl Drop for UnreadAnswer {
    fn drop(&mut self) {
        let bytes = &self.answers.bytes;
        bytes.set(bytes.get() - self.bytes);
        self.answers
            .waiting
            .take()
            .into_iter()
            .for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Context;

    use futures_util::task::noop_waker_ref;

    use super::*;

    #[test]
    fn requests_wait_while_too_much_is_unread() {
        let answers = Rc::new(UnreadAnswers::default());
        let cx = Context::from_waker(noop_waker_ref());
        let most = answers.clone().hold(MAX_BYTES - 1);
        assert!(answers.poll_room(&cx).is_ready());
        let rest = answers.clone().hold(1);
        assert!(answers.poll_room(&cx).is_pending());
        drop(rest);
        assert!(answers.poll_room(&cx).is_ready());
        drop(most);
        assert_eq!(answers.bytes.get(), 0);
    }
}
