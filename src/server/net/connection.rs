//! A handle to a connection, for the rest of the server: its id, and a way to abort it.

use std::{
    any::Any,
    cell::{Cell, OnceCell},
    collections::HashMap,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use parking_lot::Mutex;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::limits::refusals::RefusalReason;

/// The number of the next connection of this process.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// One connection. Clones share it.
#[derive(Clone)]
pub struct ConnectionHandle(Rc<Inner>);

struct Inner {
    id: u64,
    /// Set once something may abort the connection.
    abort: OnceCell<Registration>,
    is_abort_requested: Cell<bool>,
    is_abort_scheduled: Cell<bool>,
    is_reset_on_close: Cell<bool>,
    is_answering: Cell<bool>,
    is_input_ignored: Cell<bool>,
    is_input_needed: Cell<bool>,
    is_half_closed: Cell<bool>,
    guard: OnceCell<Box<dyn Any>>,
    refusal: Cell<Option<RefusalReason>>,
}

/// The connections that may be aborted, by id.
#[derive(Default)]
pub struct ConnectionTable(Mutex<HashMap<u64, CancellationToken>>);

struct Registration {
    id: u64,
    token: CancellationToken,
    table: Arc<ConnectionTable>,
}

/// The id of a new connection, which is unique in this process.
pub fn next_connection_id() -> u64 {
    NEXT_ID.fetch_add(1, Relaxed)
}

impl Default for ConnectionHandle {
    fn default() -> Self {
        Self::with_id(next_connection_id(), None)
    }
}

impl ConnectionHandle {
    /// The first handle to the connection with this id. `refusal`: why its requests are refused.
    pub fn with_id(id: u64, refusal: Option<RefusalReason>) -> Self {
        Self(Rc::new(Inner {
            id,
            abort: OnceCell::new(),
            is_abort_requested: Cell::new(false),
            is_abort_scheduled: Cell::new(false),
            is_reset_on_close: Cell::new(false),
            is_answering: Cell::new(false),
            is_input_ignored: Cell::new(false),
            is_input_needed: Cell::new(false),
            is_half_closed: Cell::new(false),
            guard: OnceCell::new(),
            refusal: Cell::new(refusal),
        }))
    }

    /// Unique in this process.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// A handle to a connection, or to a stream of one. With `refusal`, its requests are refused.
    pub fn with_refusal(refusal: Option<RefusalReason>) -> Self {
        Self::with_id(next_connection_id(), refusal)
    }

    /// Why its requests are refused, if they are.
    pub fn refusal(&self) -> Option<RefusalReason> {
        self.0.refusal.get()
    }

    /// Lets `table` abort the connection.
    pub fn register(&self, table: &Arc<ConnectionTable>) {
        self.token(table);
    }

    fn token(&self, table: &Arc<ConnectionTable>) -> &CancellationToken {
        let registration = self.0.abort.get_or_init(|| {
            let token = CancellationToken::new();
            table.0.lock().insert(self.id(), token.clone());
            Registration {
                id: self.id(),
                token,
                table: table.clone(),
            }
        });
        &registration.token
    }

    /// Aborts the connection after `delay` with a reset, as a middlebox does. A later request can cancel this,
    /// because a proxy sends requests of many clients over one connection.
    pub fn abort_after(&self, delay: Duration, table: &Arc<ConnectionTable>) {
        let token = self.token(table).clone();
        self.0.is_abort_requested.set(true);
        self.0.is_reset_on_close.set(true);
        if self.0.is_abort_scheduled.replace(true) {
            return;
        }
        let connection = Rc::downgrade(&self.0);
        tokio::task::spawn_local(async move {
            tokio::time::sleep(delay).await;
            if let Some(connection) = connection.upgrade() {
                connection.is_abort_scheduled.set(false);
                if connection.is_abort_requested.get() {
                    token.cancel();
                }
            }
        });
    }

    /// Cancels [`Self::abort_after`].
    pub fn cancel_abort(&self) {
        self.0.is_abort_requested.set(false);
        self.0.is_reset_on_close.set(false);
    }

    /// Whether something may abort the connection.
    pub fn is_abortable(&self) -> bool {
        self.0.abort.get().is_some()
    }

    pub fn is_reset_on_close(&self) -> bool {
        self.0.is_reset_on_close.get()
    }

    /// Calls `guard` once, and keeps the result until the connection ends.
    pub fn keep<T: Any>(&self, guard: impl FnOnce() -> T) {
        self.0.guard.get_or_init(|| Box::new(guard()));
    }

    /// Marks the connection as busy with a request until the result is dropped.
    pub fn begin_answer(&self) -> AnswerGuard {
        self.0.is_answering.set(true);
        AnswerGuard(self.clone())
    }

    /// Whether a request was begun and has no answer yet.
    pub fn is_answering(&self) -> bool {
        self.0.is_answering.get()
    }

    /// Marks the present answer as the last: whatever the client sends from now on is read and dropped.
    pub fn ignore_input(&self) {
        self.0.is_input_ignored.set(true);
    }

    pub fn is_input_ignored(&self) -> bool {
        self.0.is_input_ignored.get()
    }

    /// Sets whether the answer depends on further input from the client.
    pub fn need_input(&self, is_needed: bool) {
        self.0.is_input_needed.set(is_needed);
    }

    pub fn is_input_needed(&self) -> bool {
        self.0.is_input_needed.get()
    }

    /// Records that the client has ended its side, but may still read.
    pub fn set_half_closed(&self) {
        self.0.is_half_closed.set(true);
    }

    pub fn is_half_closed(&self) -> bool {
        self.0.is_half_closed.get()
    }

    /// Runs `work`, which is everything the connection does, until it completes or the connection is aborted.
    pub async fn run_until_aborted<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut watch = AbortWatch::default();
        poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(done));
            }
            watch.poll(self, cx).map(|()| None)
        })
        .await
    }
}

/// Exists from a request until its answer.
pub struct AnswerGuard(ConnectionHandle);

impl Drop for AnswerGuard {
    fn drop(&mut self) {
        self.0.0.is_answering.set(false);
    }
}

/// Waits until something aborts a connection.
#[derive(Default)]
pub struct AbortWatch(Option<Pin<Box<WaitForCancellationFutureOwned>>>);

impl AbortWatch {
    /// Ready once `connection` is aborted. Must be polled after the connection's work, because that makes it
    /// abortable.
    pub fn poll(&mut self, connection: &ConnectionHandle, cx: &mut Context<'_>) -> Poll<()> {
        let Some(registration) = connection.0.abort.get() else {
            return Poll::Pending;
        };
        let aborted = self
            .0
            .get_or_insert_with(|| Box::pin(registration.token.clone().cancelled_owned()));
        aborted.as_mut().poll(cx)
    }
}

impl ConnectionTable {
    /// Aborts a connection, if it is still open.
    pub fn abort(&self, id: u64) {
        let token = self.0.lock().get(&id).cloned();
        if let Some(token) = token {
            token.cancel();
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.table.0.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_is_aborted_by_its_id_and_forgotten_at_its_end() {
        let table = Arc::new(ConnectionTable::default());
        let (mine, other) = (ConnectionHandle::default(), ConnectionHandle::default());
        mine.register(&table);
        other.register(&table);
        table.abort(mine.id());
        assert_eq!(
            mine.run_until_aborted(std::future::pending::<()>()).await,
            None
        );
        assert_eq!(other.run_until_aborted(async { 1 }).await, Some(1));
        drop((mine, other));
        assert!(table.0.lock().is_empty());
    }
}
