//! The accelerator of one worker: a [`reactor`] that serves its connections, and a new reactor if that one panics.

mod connection;
mod context;
mod inbox;
mod output;
mod reactor;
mod request;
mod response;
mod rooms;
mod signals;
mod socket;
#[cfg(test)]
mod tests;
mod timers;

use std::{any::Any, cell::Cell, panic::AssertUnwindSafe, rc::Rc};

use futures_util::FutureExt as _;

use self::{inbox::Inbox, reactor::Reactor};
use super::{AcceleratorOptions, AcceptedConnection};
use crate::net::connection::next_connection_id;

/// The accelerator of a worker's connections.
pub struct FastPath {
    options: Rc<AcceleratorOptions>,
    inbox: Rc<Inbox>,
    /// Whether there is a reactor.
    is_serving: Rc<Cell<bool>>,
}

impl FastPath {
    /// Must be called in the worker's runtime.
    pub fn new(options: AcceleratorOptions) -> Self {
        let path = Self {
            is_serving: Rc::new(Cell::new(options.is_on)),
            options: Rc::new(options),
            inbox: Rc::default(),
        };
        if path.options.is_on {
            tokio::task::spawn_local(supervise(
                path.options.clone(),
                path.inbox.clone(),
                path.is_serving.clone(),
            ));
        }
        path
    }

    /// Serves the connection for as long as it can, and then hands it forward.
    pub fn serve(&self, accepted: AcceptedConnection) {
        if self.is_serving.get() {
            self.inbox.push(accepted);
        } else {
            (self.options.forward)(accepted.forward(next_connection_id()));
        }
    }
}

/// Runs a reactor. If it panics, its connections end, and a new reactor serves the next ones.
async fn supervise(options: Rc<AcceleratorOptions>, inbox: Rc<Inbox>, is_serving: Rc<Cell<bool>>) {
    loop {
        let reactor = match Reactor::new(&options, inbox.clone()) {
            Ok(reactor) => reactor,
            Err(error) => {
                options.events.event("accelerator-off", error);
                break;
            }
        };
        let Err(panic) = AssertUnwindSafe(reactor.run()).catch_unwind().await;
        options.events.event(
            "reactor-panicked",
            format_args!(
                "the polls and streams of a worker have ended: {}",
                message(&*panic)
            ),
        );
    }
    // HTTP serves everything from now on.
    is_serving.set(false);
    while let Some(accepted) = inbox.pop() {
        (options.forward)(accepted.forward(next_connection_id()));
    }
}

/// The message of a panic.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason was given")
}
