//! One connection from its socket to its end.

use std::{net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use actix_http::{Request, Response, body::BoxBody};
use actix_service::Service;
use actix_web::rt::net::TcpStream;
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    task::spawn_local,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{http2::Http2Server, incoming::IncomingConnection};
use crate::{
    fastpath::{AcceptedConnection, FastPath, ForwardedConnection},
    http::policy::Policy,
    ledger::{Ledger, connection_meter::ConnectionMeter, counters::Protocol},
    limits::refusals::RefusalReason,
    net::{
        connection::{ConnectionHandle, next_connection_id},
        metered::{ByteMeter, Metered},
        preface::{FirstBytes, classify},
        prefixed::PrefixedIo,
        socket::{self, Socket},
        timed_io::TimedIo,
    },
};

/// How long a client may take to send its first bytes.
const FIRST_BYTES_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a refused connection stays open.
pub const REFUSED_TIMEOUT: Duration = Duration::from_secs(10);

/// The I/O type of HTTP over cleartext.
pub type HttpIo = TimedIo<Metered<Socket, ConnectionMeter>, ConnectionMeter>;

/// Serves the connections of a worker.
pub struct ConnectionServer<H, S> {
    pub fast_path: FastPath,
    pub http: Rc<HttpServer<H, S>>,
    pub ledger: Arc<Ledger>,
    pub stall_timeout: Duration,
}

/// Serves the connections that the accelerator does not serve, or no longer serves.
pub struct HttpServer<H, S> {
    pub http: H,
    pub http2: Http2Server<S>,
    pub policy: Arc<Policy>,
    pub keep_alive: Duration,
    /// Cancelled when connections that wait for a request must close.
    pub stopping: CancellationToken,
}

impl<H, S> ConnectionServer<H, S>
where
    H: Service<(HttpIo, Option<SocketAddr>), Response = ()> + 'static,
    S: Service<Request, Response = Response<BoxBody>> + 'static,
    S::Future: 'static,
    S::Error: Into<Response<BoxBody>> + 'static,
{
    pub fn serve(&self, tcp: TcpStream) {
        let policy = &self.http.policy;
        let Some(mut incoming) = IncomingConnection::admit(&tcp, policy) else {
            return;
        };
        socket::configure(&tcp, self.stall_timeout);
        let accepted = AcceptedConnection {
            tcp,
            meter: ConnectionMeter::new(self.ledger.clone(), Protocol::Http1),
            permit: incoming.take_permit(),
        };
        if incoming.refusal.is_none() {
            self.fast_path.serve(accepted);
            return;
        }
        let forwarded = accepted.forward(next_connection_id());
        spawn_local(self.http.clone().serve_admitted(forwarded, incoming));
    }
}

impl<H, S> HttpServer<H, S>
where
    H: Service<(HttpIo, Option<SocketAddr>), Response = ()>,
    S: Service<Request, Response = Response<BoxBody>>,
    S::Future: 'static,
    S::Error: Into<Response<BoxBody>> + 'static,
{
    pub async fn serve(self: Rc<Self>, forwarded: ForwardedConnection) {
        // A newly registered socket counts as ready only after the system's event, and the HTTP layer drops an error
        // that it cannot write at once, and closes.
        let writable = timeout(FIRST_BYTES_TIMEOUT, forwarded.tcp.writable());
        let writable = Box::pin(self.stopping.run_until_cancelled(writable)).await;
        if !matches!(writable, Some(Ok(Ok(())))) {
            return;
        }
        let incoming = IncomingConnection::admitted(&forwarded.tcp);
        self.serve_visitor(forwarded, &incoming).await;
    }

    /// Serves a new connection, or refuses its requests if there is no room for it.
    pub async fn serve_admitted(
        self: Rc<Self>,
        forwarded: ForwardedConnection,
        incoming: IncomingConnection,
    ) {
        match incoming.refusal {
            None => self.serve(forwarded).await,
            // HTTP answers with the reason for the refusal, and then closes the connection.
            Some(_) => {
                let refused = self.serve_visitor(forwarded, &incoming);
                let _ = timeout(REFUSED_TIMEOUT, refused).await;
            }
        }
    }

    /// Each phase is boxed, so that an idle connection does not hold space for how it began, or for the protocol that
    /// it does not speak.
    async fn serve_visitor(&self, forwarded: ForwardedConnection, incoming: &IncomingConnection) {
        let ForwardedConnection {
            tcp,
            input,
            id,
            meter,
            permit: _permit,
        } = forwarded;
        let connection = ConnectionHandle::with_id(id, incoming.refusal);
        let mut io = Metered::new(Socket::new(tcp, connection.clone()), meter.clone());
        let decided = connection.run_until_aborted(self.read_until_decided(&mut io, input));
        let Some(Some((protocol, input))) = Box::pin(decided).await else {
            return;
        };
        let served: LocalBoxFuture<'_, ()> = match protocol {
            FirstBytes::Http2 => {
                meter.establish(Protocol::H2, 0);
                let io = PrefixedIo::new(io, input);
                Box::pin(self.http2.serve(io, None, meter, incoming))
            }
            _ => self.serve_http1(io, input, &connection, meter, incoming),
        };
        connection.run_until_aborted(served).await;
    }

    fn serve_http1<'a>(
        &'a self,
        io: Metered<Socket, ConnectionMeter>,
        input: Bytes,
        connection: &ConnectionHandle,
        meter: ConnectionMeter,
        incoming: &IncomingConnection,
    ) -> LocalBoxFuture<'a, ()> {
        let refusals = self.policy.refusals.clone();
        let io = TimedIo::new(
            io,
            input,
            self.keep_alive,
            connection.clone(),
            meter,
            refusals,
        );
        let served = self.http.call((io, incoming.peer));
        // An error was answered, if it could be.
        Box::pin(served.map(drop))
    }

    /// Reads after `input` until it is clear which protocol the client speaks. `None` if the client sends too little.
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
        let Ok(decided) = self.stopping.run_until_cancelled(in_time).await? else {
            self.policy.refusals.count(RefusalReason::Head);
            return None;
        };
        Some((decided?, input.freeze()))
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
