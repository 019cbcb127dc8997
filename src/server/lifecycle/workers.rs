//! What each worker runs: the application behind HTTP/1.1 and HTTP/2, on each listener.

use std::{
    net::{SocketAddr, TcpListener},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix_http::{Extensions, HttpService, KeepAlive, Request, Response, body::BoxBody};
use actix_server::{Server, ServerBuilder};
use actix_service::{
    IntoServiceFactory as _, ServiceFactory, ServiceFactoryExt as _, fn_factory, fn_service,
    map_config,
};
use actix_web::{
    dev::{AppConfig, ServiceResponse},
    rt::net::TcpStream,
};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::{
    connection::{ConnectionServer, HttpIo},
    http2::Http2Server,
    process_limits::ProcessLimits,
    tls_connection::{HttpsIo, TlsConnectionServer},
};
use crate::{
    fastpath::FastPath,
    http::routes::{AppState, app},
    ledger::connection_meter::ConnectionMeter,
    net::timeouts::TimedIo,
};

/// How long requests under way may take to finish when the server stops, seconds.
const SHUTDOWN_TIMEOUT: u64 = 1;
/// How long a refused request's body is read on, so that the client sees the refusal.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Bytes that wait for a reader in this process before its answer is asked for more.
const WRITE_BUFFER_BYTES: usize = poll_vs_sse_model::server_limits::WRITE_BYTES;

/// What the workers need to serve connections.
#[derive(Clone)]
pub struct Workers {
    pub state: AppState,
    pub count: usize,
    pub http_fast_path: bool,
    pub stall_timeout: Duration,
    pub keep_alive: Duration,
    /// Cancelled when readers must leave.
    pub draining: CancellationToken,
    /// Cancelled when connections that wait for a request must close.
    pub stopping: CancellationToken,
}

/// The TLS listener, and what it answers with.
pub struct TlsListener {
    pub listener: TcpListener,
    pub config: Arc<ServerConfig>,
}

impl Workers {
    /// Starts them on the listeners.
    pub fn run(self, cleartext: TcpListener, tls: Option<TlsListener>) -> std::io::Result<Server> {
        let limits = ProcessLimits::read();
        // Beyond those that are served some are told so, wherever they are.
        let connections =
            limits.connections(self.count) as usize + limits.refused_connections() as usize;
        let builder = ServerBuilder::new()
            .workers(self.count)
            .max_concurrent_connections(connections)
            .shutdown_timeout(SHUTDOWN_TIMEOUT)
            .disable_signals();
        let addr = cleartext.local_addr()?;
        let workers = self.clone();
        let builder = builder.listen("http", cleartext, move || workers.http(addr))?;
        let builder = match tls {
            None => builder,
            Some(TlsListener { listener, config }) => {
                let addr = listener.local_addr()?;
                builder.listen("https", listener, move || self.https(addr, config.clone()))?
            }
        };
        Ok(builder.run())
    }

    fn http(
        &self,
        addr: SocketAddr,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), InitError = ()> + use<> {
        let (http1, http2) = (self.http1::<HttpIo>(addr), self.application());
        let workers = self.clone();
        fn_factory(move || {
            let (http1, http2) = (http1.new_service(()), http2.new_service(()));
            let workers = workers.clone();
            async move {
                let fast_path = FastPath::new(
                    workers.http_fast_path && workers.state.policy.is_open_to_readers(),
                    workers.state.delivery.clone(),
                    workers.stopping.clone(),
                    workers.keep_alive,
                );
                let server = Rc::new(ConnectionServer {
                    http: http1.await?,
                    http2: workers.http2(http2.await?),
                    fast_path,
                    ledger: workers.state.ledger.clone(),
                    policy: workers.state.policy.clone(),
                    stall_timeout: workers.stall_timeout,
                    keep_alive: workers.keep_alive,
                    stopping: workers.stopping.clone(),
                });
                Ok::<_, ()>(fn_service(move |tcp: TcpStream| server.clone().serve(tcp)))
            }
        })
    }

    fn https(
        &self,
        addr: SocketAddr,
        config: Arc<ServerConfig>,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), InitError = ()> + use<> {
        let (http1, http2) = (self.http1::<HttpsIo>(addr), self.application());
        let workers = self.clone();
        fn_factory(move || {
            let (http1, http2) = (http1.new_service(()), http2.new_service(()));
            let (workers, config) = (workers.clone(), config.clone());
            async move {
                let server = Rc::new(TlsConnectionServer {
                    acceptor: TlsAcceptor::from(config),
                    http: http1.await?,
                    http2: workers.http2(http2.await?),
                    ledger: workers.state.ledger.clone(),
                    policy: workers.state.policy.clone(),
                    stall_timeout: workers.stall_timeout,
                    keep_alive: workers.keep_alive,
                });
                Ok::<_, ()>(fn_service(move |tcp: TcpStream| server.clone().serve(tcp)))
            }
        })
    }

    fn http2<S>(&self, service: S) -> Http2Server<S> {
        Http2Server {
            service,
            stall_timeout: self.stall_timeout,
            keep_alive: self.keep_alive,
            draining: self.draining.clone(),
        }
    }

    /// The application as a service of bare requests and answers.
    fn application(
        &self,
    ) -> impl ServiceFactory<
        Request,
        Config = (),
        Response = Response<BoxBody>,
        Error = Response<BoxBody>,
        InitError = (),
    > + use<> {
        let app = app(self.state.clone())
            .into_factory()
            .map(|response: ServiceResponse<_>| Response::from(response).map_into_boxed_body())
            .map_err(|error: actix_web::Error| Response::from(error.error_response()));
        map_config(app, |()| AppConfig::default())
    }

    /// HTTP/1.1 on connections of this kind.
    fn http1<Io>(
        &self,
        addr: SocketAddr,
    ) -> impl ServiceFactory<(Io, Option<SocketAddr>), Config = (), Response = (), InitError = ()>
    + use<Io>
    where
        Io: AsyncRead + AsyncWrite + Unpin + ConnectionData + 'static,
    {
        let stopping = self.stopping.clone();
        HttpService::build()
            // `TimedIo` has a timer for both of these.
            .keep_alive(KeepAlive::Os)
            .client_request_timeout(Duration::ZERO)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .h1_allow_half_closed(true)
            .h1_write_buffer_size(WRITE_BUFFER_BYTES)
            .graceful_shutdown_signal(move || stopping.clone().cancelled_owned())
            .local_addr(addr)
            .on_connect_ext(|io: &Io, data| io.insert_into(data))
            .h1(self.application())
    }
}

/// A connection that tells its requests what they came over.
pub trait ConnectionData {
    fn insert_into(&self, data: &mut Extensions);
}

impl<Io> ConnectionData for TimedIo<Io, ConnectionMeter> {
    fn insert_into(&self, data: &mut Extensions) {
        data.insert(self.connection.clone());
        data.insert(self.meter.clone());
    }
}
