//! One connection from its socket to its end.

use std::{net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use actix_http::{Request, Response, body::BoxBody};
use actix_service::Service;
use actix_web::rt::net::TcpStream;
use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{http2::Http2Server, visitor::Visitor};
use crate::{
    fastpath::FastPath,
    http::policy::Policy,
    ledger::{Ledger, connection_meter::ConnectionMeter, counters::Protocol},
    net::{
        connection::ConnectionHandle,
        metered::{ByteMeter, Metered},
        preface::{FirstBytes, classify},
        prefixed::PrefixedIo,
        socket::Socket,
        timeouts::TimedIo,
    },
};

/// A client that says nothing for this long never will.
const FIRST_BYTES_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection stays that is refused.
pub const REFUSED_TIMEOUT: Duration = Duration::from_secs(10);

/// What HTTP runs on, over cleartext.
pub type HttpIo = TimedIo<Metered<Socket, ConnectionMeter>, ConnectionMeter>;

/// What every connection of a worker is served with.
pub struct ConnectionServer<H, S> {
    pub http: H,
    pub http2: Http2Server<S>,
    pub fast_path: FastPath,
    pub ledger: Arc<Ledger>,
    pub policy: Arc<Policy>,
    pub stall_timeout: Duration,
    pub keep_alive: Duration,
    /// Cancelled when connections that wait for a request must close.
    pub stopping: CancellationToken,
}

impl<H, S> ConnectionServer<H, S>
where
    H: Service<(HttpIo, Option<SocketAddr>), Response = ()>,
    S: Service<Request, Response = Response<BoxBody>>,
    S::Future: 'static,
    S::Error: Into<Response<BoxBody>> + 'static,
{
    pub async fn serve(self: Rc<Self>, tcp: TcpStream) -> Result<(), H::Error> {
        let Some(visitor) = Visitor::admit(&tcp, &self.policy) else {
            return Ok(());
        };
        if visitor.refusal.is_some() {
            // It is told so, and has no reason to stay. Boxed, as every connection would take the space.
            let served = Box::pin(self.serve_visitor(tcp, &visitor));
            return timeout(REFUSED_TIMEOUT, served).await.unwrap_or(Ok(()));
        }
        self.serve_visitor(tcp, &visitor).await
    }

    async fn serve_visitor(&self, tcp: TcpStream, visitor: &Visitor) -> Result<(), H::Error> {
        let connection = ConnectionHandle::refused(visitor.refusal);
        let meter = ConnectionMeter::new(self.ledger.clone(), Protocol::Http1);
        let socket = Socket::new(tcp, self.stall_timeout, connection.clone());
        let io = Metered::new(socket, meter.clone());
        let served = connection.run_until_aborted(async {
            let (mut io, input) = match visitor.refusal {
                // Why is told by HTTP.
                Some(_) => (io, Bytes::new()),
                None => match self.fast_path.serve(io, &connection, &meter).await {
                    Some(forward) => forward,
                    None => return Ok(()),
                },
            };
            let Some((protocol, input)) = self.read_until_decided(&mut io, input).await else {
                return Ok(());
            };
            let (connection, meter) = (connection.clone(), meter.clone());
            if protocol == FirstBytes::Http2 {
                meter.establish(Protocol::H2, 0);
                let io = PrefixedIo::new(io, input);
                Box::pin(self.http2.serve(io, None, meter, visitor)).await;
                return Ok(());
            }
            let io = TimedIo::new(io, input, self.keep_alive, connection, meter);
            // Boxed, as most connections never come here.
            Box::pin(self.http.call((io, visitor.peer))).await
        });
        served.await.unwrap_or(Ok(()))
    }

    /// Reads on from `input` until it is clear which protocol the client speaks. `None` if it says
    /// too little for that.
    async fn read_until_decided(
        &self,
        io: &mut (impl AsyncRead + Unpin),
        input: Bytes,
    ) -> Option<(FirstBytes, Bytes)> {
        let mut input = match input.try_into_mut() {
            Ok(input) => input,
            Err(input) => BytesMut::from(&input[..]),
        };
        let read = async {
            loop {
                match classify(&input) {
                    FirstBytes::Undecided => {}
                    decided => return Some(decided),
                }
                if io.read_buf(&mut input).await.ok()? == 0 {
                    return None;
                }
            }
        };
        let in_time = timeout(FIRST_BYTES_TIMEOUT, read);
        let decided = self.stopping.run_until_cancelled(in_time).await?.ok()??;
        Some((decided, input.freeze()))
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

    fn has_answer(&self) -> bool {
        self.has_answer()
    }
}
