//! How a connection is ended from outside, where the failure lab asks for that.

use std::{future::Future, rc::Rc, sync::Arc, task::Poll, time::Duration};

use socket2::SockRef;

use super::Connection;
use crate::faults::abort::AbortHandle;

impl Connection {
    /// What may end the connection; there from the first time it is asked for.
    pub fn severing(&self) -> &Arc<AbortHandle> {
        self.0.severing.get_or_init(Arc::default)
    }

    /// Whether something may end the connection.
    pub fn is_severable(&self) -> bool {
        self.0.severing.get().is_some()
    }

    /// Closes it after `delay`, as rudely as a middlebox does: with a reset. It is let be where its
    /// last request did not ask for that, as a proxy sends the requests of many over one connection.
    pub fn cut_after(&self, delay: Duration) {
        self.severing().request_abort(true);
        self.set_linger(Some(Duration::ZERO));
        if self.0.is_doomed.replace(true) {
            return;
        }
        let shared = Rc::downgrade(&self.0);
        actix_web::rt::spawn(async move {
            tokio::time::sleep(delay).await;
            if let Some(shared) = shared.upgrade() {
                shared.is_doomed.set(false);
                let severing = shared.severing.get();
                severing
                    .filter(|it| it.abort_requested())
                    .inspect(|it| it.abort());
            }
        });
    }

    /// A request begins: what those before it asked for is not to end it.
    pub fn spare(&self) {
        if let Some(severing) = self.0.severing.get() {
            severing.clear_faults();
            self.set_linger(None);
        }
    }

    /// Where that cannot be set, it is closed more politely.
    fn set_linger(&self, linger: Option<Duration>) {
        let _ = self.with_socket(|socket| SockRef::from(&*socket).set_linger(linger));
    }

    /// Runs `work`, which is all the connection does, until that is done or the connection severed.
    pub async fn until_severed<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        std::future::poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(done));
            }
            // After the work: that is where the wish to be severable comes from.
            match self.0.severing.get() {
                Some(severing) => severing.poll_aborted(cx).map(|()| None),
                None => Poll::Pending,
            }
        })
        .await
    }
}
