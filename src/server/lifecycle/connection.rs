//! One connection from its socket to its end.

use std::{net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use actix_service::Service;
use actix_web::rt::net::TcpStream;

use crate::{
    fastpath::FastPath,
    ledger::{Ledger, connection_meter::ConnectionMeter, counters::Protocol},
    net::{
        connection::ConnectionHandle,
        metered::{ByteMeter, Metered},
        socket::Socket,
        timeouts::TimedIo,
    },
};

/// What HTTP runs on, over cleartext.
pub type HttpIo = TimedIo<Metered<Socket, ConnectionMeter>, ConnectionMeter>;

/// What every connection of a worker is served with.
pub struct ConnectionServer<H> {
    pub http: H,
    pub fast_path: FastPath,
    pub ledger: Arc<Ledger>,
    pub stall_timeout: Duration,
    pub keep_alive: Duration,
}

impl<H> ConnectionServer<H>
where
    H: Service<(HttpIo, Option<SocketAddr>), Response = ()>,
{
    pub async fn serve(self: Rc<Self>, tcp: TcpStream) -> Result<(), H::Error> {
        let connection = ConnectionHandle::default();
        let meter = ConnectionMeter::new(self.ledger.clone(), Protocol::Http1);
        let socket = Socket::new(tcp, self.stall_timeout, connection.clone());
        let io = Metered::new(socket, meter.clone());
        let served = connection.run_until_aborted(async {
            let Some((io, input)) = self.fast_path.serve(io, &connection, &meter).await else {
                return Ok(());
            };
            let (connection, meter) = (connection.clone(), meter.clone());
            let io = TimedIo::new(io, input, self.keep_alive, connection, meter);
            // The peer's address is for access logs, which the ledger's lines stand in for. Boxed, as
            // most connections never come here.
            Box::pin(self.http.call((io, None))).await
        });
        served.await.unwrap_or(Ok(()))
    }
}

impl ByteMeter for ConnectionMeter {
    fn record_read(&self, bytes: usize) {
        self.record_read(bytes);
    }

    fn record_written(&self, bytes: usize) {
        self.record_written(bytes);
    }

    fn record_flushed(&self) {
        self.record_flushed();
    }

    fn is_awaiting_head(&self) -> bool {
        self.is_awaiting_head()
    }

    fn has_request(&self) -> bool {
        self.has_request()
    }
}
