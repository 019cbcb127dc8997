//! How the server stops: it takes no more connections, readers leave, then open requests end.

use std::{future::Future, net::Shutdown as Direction, sync::Arc, time::Duration};

use actix_server::ServerHandle;
use socket2::SockRef;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{listener::Listener, workers::SHUTDOWN_TIMEOUT};
use crate::{delivery::Delivery, ledger::Ledger, limits::connections::ConnectionCounter};

/// How often to check whether readers are still connected.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The same for connections that end at once.
const CLOSED_POLL_INTERVAL: Duration = Duration::from_millis(5);

/// The parts of the server that take part in a stop.
pub struct Shutdown {
    pub delivery: Arc<Delivery>,
    pub ledger: Arc<Ledger>,
    pub server: ServerHandle,
    pub listeners: Vec<Listener>,
    /// The open connections.
    pub connections: Arc<ConnectionCounter>,
    /// Cancelled when readers must leave: HTTP/2 connections get GOAWAY.
    pub draining: CancellationToken,
    /// Cancelled when connections that wait for a request must close.
    pub stopping: CancellationToken,
}

impl Shutdown {
    /// Takes no more connections, ends all readers over `span`, or as soon as `force` completes, and then stops the
    /// server.
    pub async fn run(self, span: Duration, force: impl Future<Output = ()>) {
        self.end_readers(span);
        if !span.is_zero() {
            self.ledger.log.event(
                "draining",
                format_args!("readers leave within {}", humantime::format_duration(span)),
            );
            self.refuse_connections().await;
            tokio::select! {
                () = sleep(span) => {}
                () = self.wait_until_idle() => {}
                () = force => {}
            }
            self.end_readers(Duration::ZERO);
        }
        self.server.pause().await;
        self.stopping.cancel();
        // Connections that are still open by then are cut.
        let _ = timeout(SHUTDOWN_TIMEOUT, self.wait_until_closed()).await;
        self.server.stop(true).await;
    }

    fn end_readers(&self, span: Duration) {
        self.draining.cancel();
        // The order matters: a notified reader asks when it must leave.
        self.delivery.drain.begin(span);
        self.delivery.log.end_readers();
    }

    /// Refuses connections, instead of letting them wait in a queue that nothing empties.
    async fn refuse_connections(&self) {
        self.server.pause().await;
        // If the system cannot refuse them, they wait until the server ends.
        for socket in self.listeners.iter().flat_map(Listener::sockets) {
            let _ = SockRef::from(socket).shutdown(Direction::Both);
        }
    }

    async fn wait_until_closed(&self) {
        while self.connections.open() > 0 {
            sleep(CLOSED_POLL_INTERVAL).await;
        }
    }

    async fn wait_until_idle(&self) {
        while self
            .ledger
            .totals
            .totals()
            .iter()
            .any(|(_, it)| it.open > 0)
        {
            sleep(POLL_INTERVAL).await;
        }
    }
}
