//! Answers at the addresses while the server waits for its store, over every protocol: the process is up, but not
//! ready. The ledger counts none of these requests.

use std::{
    io,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use actix_http::{HttpService, KeepAlive, Request, Response, body::BoxBody};
use actix_server::{ServerBuilder, ServerHandle};
use actix_service::{Service, ServiceFactory, fn_factory, fn_service};
use actix_web::{
    App, HttpResponse, ResponseError as _,
    rt::{System, net::TcpStream},
    web,
};
use futures_util::TryFutureExt as _;
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::oneshot,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::{
    application::bare_service,
    connection::{HttpIo, HttpServer},
    http2::Http2Server,
    incoming::IncomingConnection,
    listener::Listener,
    tls_connection::{HttpsIo, TlsConnectionServer},
    workers::{DISCONNECT_TIMEOUT, TlsListener},
};
use crate::{
    fastpath::AcceptedConnection,
    http::{
        health::healthz, middleware::no_store::forbid_storing, policy::Policy, problem::Problem,
        routes::readable,
    },
    ledger::{Ledger, access_log::EventLog, connection_meter::ConnectionMeter, counters::Protocol},
    log::store::StoreUnavailable,
    net::{connection::next_connection_id, socket},
};

/// How long an open request may take to finish when the wait is over, in seconds.
const SHUTDOWN_TIMEOUT: u64 = 1;

/// Where to answer, and by which rules.
pub struct Standby<'a> {
    pub listener: &'a Listener,
    pub tls: Option<&'a TlsListener>,
    pub policy: &'a Arc<Policy>,
    pub stall_timeout: Duration,
    pub keep_alive: Duration,
}

/// Answers until it is dropped; later connections go to the real server.
pub struct StandbyServer {
    handle: Option<ServerHandle>,
    thread: Option<JoinHandle<io::Result<()>>>,
    /// Cancelled when HTTP/2 connections must get GOAWAY.
    draining: CancellationToken,
}

impl StandbyServer {
    pub fn serve(standby: &Standby<'_>, events: &EventLog) -> io::Result<Self> {
        let listener = standby.listener.try_clone()?;
        let tls = standby.tls.map(|tls| {
            let listener = tls.listener.try_clone()?;
            io::Result::Ok((listener, tls.config.clone()))
        });
        let tls = tls.transpose()?;
        let draining = CancellationToken::new();
        let connections = StandbyConnections {
            policy: standby.policy.clone(),
            // A ledger that no one sees.
            ledger: Arc::new(Ledger::new(events.clone(), false)),
            stall_timeout: standby.stall_timeout,
            keep_alive: standby.keep_alive,
            draining: draining.clone(),
        };
        let (started, handle) = oneshot::channel();
        let thread = thread::spawn(move || {
            System::new().block_on(async {
                let server = connections.listen(listener, tls)?.run();
                // The thread that started this one waits for the handle.
                let _ = started.send(server.handle());
                server.await
            })
        });
        Ok(Self {
            // `None` if it could not start and has ended.
            handle: handle.blocking_recv().ok(),
            thread: Some(thread),
            draining,
        })
    }
}

impl Drop for StandbyServer {
    fn drop(&mut self) {
        self.draining.cancel();
        if let Some(handle) = &self.handle {
            // The signal is sent at once; the server ends with its thread.
            drop(handle.stop(true));
        }
        if let Some(thread) = self.thread.take() {
            // Its failure does not affect the real server.
            let _ = thread.join();
        }
    }
}

/// Serves the connections in the worker of a [`StandbyServer`].
#[derive(Clone)]
struct StandbyConnections {
    policy: Arc<Policy>,
    ledger: Arc<Ledger>,
    stall_timeout: Duration,
    keep_alive: Duration,
    draining: CancellationToken,
}

impl StandbyConnections {
    fn listen(
        self,
        cleartext: Listener,
        tls: Option<(Listener, Arc<ServerConfig>)>,
    ) -> io::Result<ServerBuilder> {
        let builder = ServerBuilder::new()
            .workers(1)
            .shutdown_timeout(SHUTDOWN_TIMEOUT)
            .disable_signals();
        let (connections, addr) = (self.clone(), cleartext.addr());
        let mut builder = cleartext.add_to(builder, "http", move || connections.http(addr))?;
        if let Some((listener, config)) = tls {
            let addr = listener.addr();
            builder =
                listener.add_to(builder, "https", move || self.https(addr, config.clone()))?;
        }
        Ok(builder)
    }

    fn http(
        &self,
        addr: SocketAddr,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), InitError = ()> + use<> {
        let this = self.clone();
        fn_factory(move || {
            let this = this.clone();
            async move {
                let server = Rc::new(HttpServer {
                    http: http1::<HttpIo>(addr).new_service(()).await?,
                    http2: this.http2(application().new_service(()).await?),
                    policy: this.policy.clone(),
                    keep_alive: this.keep_alive,
                    stopping: this.draining.clone(),
                });
                Ok(fn_service(move |tcp: TcpStream| {
                    let incoming = IncomingConnection::admit(&tcp, &this.policy);
                    let served = incoming.map(|mut incoming| {
                        socket::configure(&tcp, this.stall_timeout);
                        let accepted = AcceptedConnection {
                            tcp,
                            meter: ConnectionMeter::new(this.ledger.clone(), Protocol::Http1),
                            permit: incoming.take_permit(),
                        };
                        let forwarded = accepted.forward(next_connection_id());
                        Box::pin(server.clone().serve_admitted(forwarded, incoming))
                    });
                    async move {
                        // Without even room to refuse it, the connection closes.
                        if let Some(served) = served {
                            served.await;
                        }
                        Ok::<_, ()>(())
                    }
                }))
            }
        })
    }

    fn https(
        &self,
        addr: SocketAddr,
        config: Arc<ServerConfig>,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), InitError = ()> + use<> {
        let this = self.clone();
        fn_factory(move || {
            let (this, config) = (this.clone(), config.clone());
            async move {
                let server = Rc::new(TlsConnectionServer {
                    acceptor: TlsAcceptor::from(config),
                    http: http1::<HttpsIo>(addr).new_service(()).await?,
                    http2: this.http2(application().new_service(()).await?),
                    ledger: this.ledger.clone(),
                    policy: this.policy.clone(),
                    stall_timeout: this.stall_timeout,
                    keep_alive: this.keep_alive,
                });
                Ok(fn_service(move |tcp: TcpStream| {
                    // An error was answered, if it could be.
                    server.clone().serve(tcp).map_err(|_| ())
                }))
            }
        })
    }

    fn http2<S>(&self, service: S) -> Http2Server<S>
    where
        S: Service<Request, Response = Response<BoxBody>>,
    {
        Http2Server {
            service,
            stall_timeout: self.stall_timeout,
            keep_alive: self.keep_alive,
            refusals: self.policy.refusals.clone(),
            draining: self.draining.clone(),
        }
    }
}

fn http1<Io>(
    addr: SocketAddr,
) -> impl ServiceFactory<(Io, Option<SocketAddr>), Config = (), Response = (), InitError = ()>
where
    Io: AsyncRead + AsyncWrite + Unpin + 'static,
{
    HttpService::build()
        // The next request of a client must go to the real server.
        .keep_alive(KeepAlive::Disabled)
        // `TimedIo` has a timer for this.
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        .h1_allow_half_closed(true)
        .local_addr(addr)
        .h1(application())
}

fn application() -> impl ServiceFactory<
    Request,
    Config = (),
    Response = Response<BoxBody>,
    Error = Response<BoxBody>,
    InitError = (),
> {
    let app = App::new()
        .service(readable("/healthz", healthz))
        .default_service(web::to(store_unavailable))
        .wrap_fn(|request, next| next.call(request).map_ok(forbid_storing));
    bare_service(app)
}

async fn store_unavailable() -> HttpResponse {
    Problem::from(StoreUnavailable("waited for".to_owned())).error_response()
}
