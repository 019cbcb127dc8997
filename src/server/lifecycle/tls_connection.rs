//! One connection to the TLS port, from its socket to its end.

use std::{io, net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use actix_http::{Request, Response, body::BoxBody};
use actix_service::Service;
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{connection::REFUSED_TIMEOUT, http2::Http2Server, incoming::IncomingConnection};
use crate::{
    http::policy::Policy,
    http2::tap::Overhead,
    ledger::{Ledger, connection_meter::ConnectionMeter, counters::Protocol, trace::TlsVersion},
    limits::refusals::RefusalReason,
    net::{
        connection::ConnectionHandle,
        metered::Metered,
        preface::is_tls,
        socket::{self, Socket},
        timed_io::TimedIo,
        tls::TlsSession,
        tls_records::{RecordLengths, RecordTap},
    },
};

/// The time from accepting the connection to the end of the handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The answer to plain HTTP on the TLS port.
const PLAIN_HTTP_ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    content-length: 61\r\n\
    connection: close\r\n\r\n\
    This port speaks TLS. Use https:// in front of this address.\n";

/// Boxed, because it is moved from one layer into the next.
type EncryptedIo = Box<TlsStream<RecordTap<Metered<Socket, ConnectionMeter>>>>;
/// The I/O type of HTTP/1.1 over TLS.
pub type HttpsIo = TimedIo<EncryptedIo, ConnectionMeter>;

/// Serves the TLS connections of a worker.
pub struct TlsConnectionServer<H, S> {
    pub acceptor: TlsAcceptor,
    pub http: H,
    pub http2: Http2Server<S>,
    pub ledger: Arc<Ledger>,
    pub policy: Arc<Policy>,
    pub stall_timeout: Duration,
    pub keep_alive: Duration,
}

impl<H, S> TlsConnectionServer<H, S>
where
    H: Service<(HttpsIo, Option<SocketAddr>), Response = ()>,
    S: Service<Request, Response = Response<BoxBody>>,
    S::Future: 'static,
    S::Error: Into<Response<BoxBody>> + 'static,
{
    pub async fn serve(self: Rc<Self>, tcp: TcpStream) -> Result<(), H::Error> {
        let Some(incoming) = IncomingConnection::admit(&tcp, &self.policy) else {
            return Ok(());
        };
        let served = self.serve_visitor(tcp, &incoming);
        match incoming.refusal {
            Some(_) => timeout(REFUSED_TIMEOUT, served).await.unwrap_or(Ok(())),
            None => served.await,
        }
    }

    /// Each phase is boxed, so that an idle connection does not hold space for its handshake or for the protocol that
    /// it does not speak.
    async fn serve_visitor(
        &self,
        tcp: TcpStream,
        incoming: &IncomingConnection,
    ) -> Result<(), H::Error> {
        let Some(established) = Box::pin(self.establish(tcp, incoming)).await else {
            return Ok(());
        };
        if established.session.is_http2 {
            self.serve_http2(established, incoming).await;
            return Ok(());
        }
        self.serve_http1(established, incoming).await
    }

    /// Takes a connection through its TLS handshake.
    async fn establish(
        &self,
        mut tcp: TcpStream,
        incoming: &IncomingConnection,
    ) -> Option<TlsConnection> {
        let deadline = Instant::now() + HANDSHAKE_TIMEOUT;
        match timeout_at(deadline, first_byte(&tcp)).await {
            Ok(Ok(Some(first))) if is_tls(first) => {}
            Ok(Ok(Some(_))) => {
                // An error means that the client is gone.
                let _ = tcp.write_all(PLAIN_HTTP_ANSWER).await;
                let _ = tcp.shutdown().await;
                return None;
            }
            Ok(_) => return None,
            Err(_) => return self.refuse_handshake(),
        }
        let connection = ConnectionHandle::with_refusal(incoming.refusal);
        let meter = ConnectionMeter::in_handshake(self.ledger.clone());
        socket::configure(&tcp, self.stall_timeout);
        let socket = Socket::new(tcp, connection.clone());
        let io = RecordTap::new(Metered::new(socket, meter.clone()));
        let records = io.records();
        let handshake = self.acceptor.accept(io);
        let Ok(shaken) = timeout_at(deadline, handshake).await else {
            return self.refuse_handshake();
        };
        // rustls has already sent the client an alert.
        let tls = shaken.ok()?;
        let session = TlsSession::from_connection(tls.get_ref().1);
        meter.set_tls_version(if session.is_tls13 {
            TlsVersion::V1_3
        } else {
            TlsVersion::V1_2
        });
        if session.is_tls13 {
            // The first record of application data is the client's Finished (RFC 8446, 5.2).
            records.borrow_mut().pop_front();
        }
        Some(TlsConnection {
            tls: Box::new(tls),
            session,
            connection,
            meter,
            records,
        })
    }

    /// The client is too slow.
    fn refuse_handshake<T>(&self) -> Option<T> {
        self.policy.refusals.count(RefusalReason::Handshake);
        None
    }

    fn serve_http2<'a>(
        &'a self,
        established: TlsConnection,
        incoming: &'a IncomingConnection,
    ) -> LocalBoxFuture<'a, ()> {
        let TlsConnection {
            tls,
            session,
            connection,
            meter,
            records,
        } = established;
        meter.establish(Protocol::H2Tls, 0);
        let overhead = Overhead {
            record_bytes: session.record_overhead_bytes,
            received: records,
        };
        let served = Box::pin(self.http2.serve(tls, Some(overhead), meter, incoming));
        Box::pin(async move {
            connection.run_until_aborted(served).await;
        })
    }

    fn serve_http1<'a>(
        &'a self,
        established: TlsConnection,
        incoming: &IncomingConnection,
    ) -> LocalBoxFuture<'a, Result<(), H::Error>> {
        let TlsConnection {
            tls,
            connection,
            meter,
            records,
            ..
        } = established;
        let early_bytes = records.borrow().iter().sum();
        drop(records);
        meter.establish(Protocol::Http1Tls, early_bytes);
        let io = TimedIo::new(
            tls,
            Bytes::new(),
            self.keep_alive,
            connection.clone(),
            meter,
            self.policy.refusals.clone(),
        );
        let served = Box::pin(self.http.call((io, incoming.peer)));
        Box::pin(async move {
            let served = connection.run_until_aborted(served).await;
            served.unwrap_or(Ok(()))
        })
    }
}

/// A connection after its TLS handshake.
struct TlsConnection {
    tls: EncryptedIo,
    session: TlsSession,
    connection: ConnectionHandle,
    meter: ConnectionMeter,
    records: RecordLengths,
}

/// Peeks at the first byte that the client sends. `None`: it sends none.
async fn first_byte(tcp: &TcpStream) -> io::Result<Option<u8>> {
    let mut first = [0];
    let read = tcp.peek(&mut first).await?;
    Ok((read > 0).then_some(first[0]))
}
