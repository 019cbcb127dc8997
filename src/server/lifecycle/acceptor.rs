//! How a worker serves the connections of a listener.

use std::{
    cell::RefCell,
    collections::HashMap,
    future::{Future, Ready, ready},
    rc::{Rc, Weak},
    task::{Context, Poll},
};

use actix_service::{Service, ServiceFactory, fn_factory};
use actix_web::rt::net::TcpStream;
use futures_util::{TryFutureExt as _, future::Either};

/// Serves a connection in a task of its own.
type Accept = dyn Fn(TcpStream);

thread_local! {
    /// How this worker serves the connections of each listener, by the listener's name.
    static ACCEPTORS: RefCell<HashMap<&'static str, Weak<Accept>>> = RefCell::default();
}

/// The service of a listener in a worker. actix-server asks for one for each of the listener's sockets; they share the
/// first, so that a worker has one application and one accelerator.
pub fn once_per_worker<F, A>(
    listener: &'static str,
    new: impl Fn() -> F + 'static,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), InitError = ()>
where
    F: Future<Output = Result<A, ()>> + 'static,
    A: Fn(TcpStream) + 'static,
{
    fn_factory(move || {
        let existing = ACCEPTORS.with_borrow(|it| it.get(listener).and_then(Weak::upgrade));
        match existing {
            Some(accept) => Either::Left(ready(Ok(Acceptor(accept)))),
            None => Either::Right(new().map_ok(move |accept| {
                let accept: Rc<Accept> = Rc::new(accept);
                ACCEPTORS.with_borrow_mut(|it| it.insert(listener, Rc::downgrade(&accept)));
                Acceptor(accept)
            })),
        }
    })
}

/// Accepts a listener's connections without waiting for any of them.
struct Acceptor(Rc<Accept>);

impl Service<TcpStream> for Acceptor {
    type Response = ();
    type Error = ();
    type Future = Ready<Result<(), ()>>;

    fn poll_ready(&self, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&self, tcp: TcpStream) -> Self::Future {
        (self.0)(tcp);
        ready(Ok(()))
    }
}
