//! The work of each worker: the application behind HTTP/1.1 and HTTP/2, on each listener.

use std::{net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use actix_http::{Extensions, HttpService, KeepAlive, Request, Response, body::BoxBody};
use actix_server::{Server, ServerBuilder};
use actix_service::ServiceFactory;
use actix_web::rt::net::TcpStream;
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::spawn_local,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::{
    acceptor::once_per_worker,
    application::bare_service,
    connection::{ConnectionServer, HttpIo, HttpServer},
    http2::Http2Server,
    listener::Listener,
    poll_gate::PolicyGate,
    process_limits::ProcessLimits,
    tls_connection::{HttpsIo, TlsConnectionServer},
};
use crate::{
    fastpath::{self, FastPath},
    http::routes::{AppState, app},
    ledger::connection_meter::ConnectionMeter,
    net::timed_io::TimedIo,
};

/// How long open requests may take to finish when the server stops.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the server continues to read a refused request's body, so that the client sees the refusal.
pub const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The most bytes that wait for a reader in this process before its answer is polled for more.
const WRITE_BUFFER_BYTES: usize = poll_vs_sse_model::server_limits::WRITE_BYTES;

/// The data that the workers need to serve connections.
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

/// The TLS listener and its certificate.
pub struct TlsListener {
    pub listener: Listener,
    pub config: Arc<ServerConfig>,
}

impl Workers {
    /// Starts the workers on the listeners.
    pub fn run(self, cleartext: &Listener, tls: Option<&TlsListener>) -> std::io::Result<Server> {
        // Connections are counted when they are admitted, because most have no task here.
        let accepted_ahead = ProcessLimits::read().refused_connections() as usize;
        let builder = ServerBuilder::new()
            .workers(self.count)
            .max_concurrent_connections(accepted_ahead)
            .shutdown_timeout(SHUTDOWN_TIMEOUT.as_secs())
            .disable_signals();
        let (workers, addr) = (self.clone(), cleartext.addr());
        let mut builder = cleartext.add_to(builder, "http", move || workers.http(addr))?;
        if let Some(TlsListener { listener, config }) = tls {
            let (addr, config) = (listener.addr(), config.clone());
            builder =
                listener.add_to(builder, "https", move || self.https(addr, config.clone()))?;
        }
        Ok(builder.run())
    }

    fn http(
        &self,
        addr: SocketAddr,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), InitError = ()> + use<> {
        let (http1, http2) = (self.http1::<HttpIo>(addr), self.application());
        let workers = self.clone();
        once_per_worker("http", move || {
            let (http1, http2) = (http1.new_service(()), http2.new_service(()));
            let workers = workers.clone();
            async move {
                let http = Rc::new(HttpServer {
                    http: http1.await?,
                    http2: workers.http2(http2.await?),
                    policy: workers.state.policy.clone(),
                    keep_alive: workers.keep_alive,
                    stopping: workers.stopping.clone(),
                });
                let forward = http.clone();
                let server = ConnectionServer {
                    http,
                    fast_path: FastPath::new(fastpath::AcceleratorOptions {
                        is_on: workers.http_fast_path
                            && workers.state.policy.knows_readers_by_address(),
                        gate: PolicyGate::from_policy(&workers.state.policy, &workers.state.ledger),
                        trusts_proxies: !workers.state.policy.proxies.is_empty(),
                        delivery: workers.state.delivery.clone(),
                        stopping: workers.stopping.clone(),
                        keep_alive: workers.keep_alive,
                        events: workers.state.ledger.log.clone(),
                        refusals: workers.state.policy.refusals.clone(),
                        forward: Rc::new(move |forwarded| {
                            spawn_local(forward.clone().serve(forwarded));
                        }),
                    }),
                    ledger: workers.state.ledger.clone(),
                    stall_timeout: workers.stall_timeout,
                };
                Ok(move |tcp| server.serve(tcp))
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
        once_per_worker("https", move || {
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
                Ok(move |tcp| {
                    let server = server.clone();
                    spawn_local(async move {
                        // An error was answered, if it could be.
                        let _ = server.serve(tcp).await;
                    });
                })
            }
        })
    }

    fn http2<S>(&self, service: S) -> Http2Server<S> {
        Http2Server {
            service,
            stall_timeout: self.stall_timeout,
            keep_alive: self.keep_alive,
            refusals: self.state.policy.refusals.clone(),
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
        bare_service(app(self.state.clone()))
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

/// A connection whose requests can find out which connection they came over.
pub trait ConnectionData {
    fn insert_into(&self, data: &mut Extensions);
}

impl<Io> ConnectionData for TimedIo<Io, ConnectionMeter> {
    fn insert_into(&self, data: &mut Extensions) {
        data.insert(self.connection.clone());
        data.insert(self.meter.clone());
    }
}
