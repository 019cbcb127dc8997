//! The server's life: from the store and the address, over requests, to the last table.

use std::{
    io::Write,
    net::{SocketAddr, TcpListener},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix_http::{HttpService, KeepAlive};
use actix_server::{GracefulShutdownSignal, ServerBuilder};
use actix_service::{
    IntoServiceFactory as _, Service, ServiceFactory as _, ServiceFactoryExt as _, fn_factory,
    fn_service, map_config,
};
use actix_web::{
    App,
    body::MessageBody,
    dev::{AppConfig, ServiceRequest, ServiceResponse},
    http::ConnectionType,
    middleware::{Next, from_fn},
    rt::net::TcpStream,
    web,
};
use actix_web_lab::middleware::CatchPanic;
use anyhow::Context as _;
use socket2::{Domain, SockRef, Socket, TcpKeepalive, Type};

use crate::{
    config::Config,
    faults::abort::FaultRegistry,
    http::{lab::Page, routes::routes},
    ledger::{
        Ledger,
        connection::Connection,
        counts::Figures,
        lines::{Lines, Writer},
        metered::Metered,
        table::table,
    },
    lifecycle::drain::{Drain, Stop},
    lifecycle::open_store::open_log,
    log::Log,
    presence::{self, Presence},
    transport::{Served, poller::serve_polls},
};

/// How often each transport's figures become a log line, seconds.
const SUMMARY_EVERY: u64 = 10;
/// How often the store is asked to drop what it no longer retains.
const RETIRE_EVERY: Duration = Duration::from_secs(1);
/// How long requests under way may take to finish when the server stops, seconds.
const SHUTDOWN_TIMEOUT: u64 = 1;
/// How long a refused request's body is read on, so that the client sees the refusal.
const LINGER: Duration = Duration::from_secs(1);
/// Bytes that wait for a reader in this process before its answer is asked for more.
const WRITE_BUFFER: usize = poll_vs_sse_model::server_limits::WRITE_BYTES;
/// Bytes that the kernel takes for a reader beyond what is on its way; without a bound it takes
/// megabytes for one that has stopped reading. On Linux.
const UNSENT: u32 = 128 * 1024;
/// Descriptors that are not for clients: files, the store, the runtime.
const OWN_DESCRIPTORS: u64 = 128;

/// A server that is bound and ready to run.
pub struct Server {
    addr: SocketAddr,
    listener: TcpListener,
    config: Config,
    page: Page,
    log: Arc<Log>,
    ledger: Arc<Ledger>,
    writer: Writer,
}

impl Server {
    /// Opens the store and binds the address. Log lines go to `out`.
    pub fn build(
        config: Config,
        page: Page,
        out: impl Write + Send + 'static,
    ) -> anyhow::Result<Self> {
        let listener =
            listen(config.bind).with_context(|| format!("cannot listen on {}", config.bind))?;
        let addr = listener.local_addr()?;
        let (lines, writer) = Lines::to(out, config.log_format)?;
        let log = match open_log(&config, &lines, &listener) {
            Ok(log) => log,
            Err(error) => {
                drop(lines);
                writer.finish();
                return Err(error);
            }
        };
        let ledger = Arc::new(Ledger::new(lines, config.request_log));
        Ok(Self {
            addr,
            listener,
            config,
            page,
            log,
            ledger,
            writer,
        })
    }

    /// Where it listens; known before it runs.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `stop` is done: then takes no connections, ends streams and waiting long-polls,
    /// and prints the ledger's totals.
    pub async fn run(self, stop: impl Future<Output = ()> + 'static) -> anyhow::Result<()> {
        self.run_until(stop, std::future::pending()).await
    }

    /// The same; as soon as `at_once` is done, readers are given no more time to leave.
    pub async fn run_until(
        self,
        stop: impl Future<Output = ()> + 'static,
        at_once: impl Future<Output = ()> + 'static,
    ) -> anyhow::Result<()> {
        let Self {
            addr,
            listener,
            config,
            page,
            log,
            ledger,
            writer,
        } = self;
        let clients = descriptor_limit().saturating_sub(OWN_DESCRIPTORS).max(1) as usize;
        let builder = ServerBuilder::new();
        let stopping = builder.graceful_shutdown_signal();
        let served_ledger = ledger.clone();
        let presence = Arc::new(Presence::default());
        let served = Arc::new(Served {
            log: log.clone(),
            presence: presence.clone(),
            drain: Arc::new(Drain::default()),
            keyring: FaultRegistry::default(),
        });
        let drain = served.drain.clone();
        let bound = listener.try_clone()?;
        let server = builder
            .workers(config.workers)
            .max_concurrent_connections(clients.div_ceil(config.workers))
            .shutdown_timeout(SHUTDOWN_TIMEOUT)
            .disable_signals()
            .listen("http", listener, move || {
                let (stopping, stopping_polls) = (stopping.clone(), stopping.clone());
                let ledger = served_ledger.clone();
                let app = App::new()
                    .app_data(web::Data::from(served.clone()))
                    .app_data(web::Data::from(served.log.clone()))
                    .app_data(web::Data::from(served.presence.clone()))
                    .app_data(web::Data::from(served_ledger.clone()))
                    .configure(|app| routes(app, page))
                    .wrap(from_fn(close_where_due))
                    .wrap(CatchPanic::default())
                    .into_factory()
                    .map_err(|error: actix_web::Error| error.error_response());
                let http = HttpService::build()
                    // `Metered` has a timer for both of these.
                    .keep_alive(KeepAlive::Os)
                    .client_request_timeout(Duration::ZERO)
                    .client_disconnect_timeout(LINGER)
                    .h1_allow_half_closed(false)
                    .h1_write_buffer_size(WRITE_BUFFER)
                    .graceful_shutdown_signal(move || {
                        let stopping = stopping.clone();
                        async move { stopping.notified().await }
                    })
                    .local_addr(addr)
                    .on_connect_ext(|io: &Metered, data| {
                        data.insert(io.connection.clone());
                    })
                    .h1(map_config(app, |()| AppConfig::default()));
                let (served, ledger) = (served.clone(), ledger.clone());
                fn_factory(move || {
                    let http = http.new_service(());
                    let (served, ledger) = (served.clone(), ledger.clone());
                    let stopping = stopping_polls.clone();
                    async move {
                        let http = Rc::new(http.await?);
                        Ok::<_, ()>(fn_service(move |socket: TcpStream| {
                            prepare(&socket, config.stall_timeout);
                            let connection = Connection::new(socket, ledger.clone());
                            let stopping = stopping.clone();
                            serve(connection, served.clone(), http.clone(), stopping)
                        }))
                    }
                })
            })?
            .run();

        ledger
            .lines
            .note("started", format_args!("listening on http://{addr}"));
        let summaries = actix_web::rt::spawn(summarise(ledger.clone()));
        let sweeping = actix_web::rt::spawn(sweep(presence));
        let retiring = actix_web::rt::spawn(retire(log.clone(), ledger.lines.clone()));
        let stop_all = Stop {
            drain,
            log: log.clone(),
            ledger: ledger.clone(),
            server: server.handle(),
            listener: bound,
        };
        let stopping = actix_web::rt::spawn(async move {
            stop.await;
            stop_all.over(config.drain, at_once).await;
        });
        let result = server.await;
        stopping.abort();
        summaries.abort();
        sweeping.abort();
        retiring.abort();
        log.close().await;
        ledger.lines.note("stopped", "what each transport cost:");
        ledger.lines.verbatim(&table(&ledger.figures()));
        writer.finish();
        Ok(result?)
    }
}

/// Serves one connection: its polls, then what else comes over `http`, then what a handler left
/// to be done with the socket.
async fn serve<H>(
    connection: Connection,
    served: Arc<Served>,
    http: Rc<H>,
    stopping: GracefulShutdownSignal,
) -> Result<(), H::Error>
where
    H: Service<(Metered, Option<SocketAddr>), Response = ()>,
{
    // Boxed, so that its memory is free again while a sequel runs.
    let requests = Box::pin(async {
        let polls = serve_polls(&connection, &served, stopping.notified());
        let Some(ahead) = polls.await else {
            return Ok(());
        };
        // The peer's address is for access logs, which the ledger's lines are in place of.
        http.call((Metered::new(connection.clone(), ahead), None))
            .await
    });
    let result = connection.until_severed(requests).await;
    if let Some(sequel) = connection.sequel() {
        connection.until_severed(sequel).await;
    }
    result.unwrap_or(Ok(()))
}

/// Tells the client that its connection is to close, where that is to go.
async fn close_where_due(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> actix_web::Result<ServiceResponse<impl MessageBody>> {
    let served = request.app_data::<web::Data<Served>>().cloned();
    if let Some(connection) = request.conn_data::<Connection>() {
        connection.spare();
    }
    let mut response = next.call(request).await?;
    let connection = response.request().conn_data::<Connection>();
    let is_due = |served: web::Data<Served>| connection.is_some_and(|c| served.drain.has_come(c));
    if served.is_some_and(is_due) {
        response
            .response_mut()
            .head_mut()
            .set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}

/// Binds with a backlog that a herd of reconnecting clients fits into: one that does not is told
/// nothing, and tries again only after a second.
fn listen(addr: SocketAddr) -> std::io::Result<TcpListener> {
    const BACKLOG: i32 = 4096;
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Sets what every client's socket needs.
fn prepare(io: &TcpStream, stall_timeout: Duration) {
    let socket = SockRef::from(io);
    // A socket on which an option cannot be set still works, if less well.
    let _ = socket.set_tcp_nodelay(true);
    // A peer that vanished without a word is found out by probes where nothing is sent ...
    let probes = TcpKeepalive::new()
        .with_time(stall_timeout / 2)
        .with_interval((stall_timeout / 6).max(Duration::from_secs(1)));
    let _ = socket.set_tcp_keepalive(&probes);
    #[cfg(target_os = "linux")]
    {
        // ... and by what it does not acknowledge; a reader that takes nothing is cut the same way.
        let _ = socket.set_tcp_user_timeout(Some(stall_timeout));
        let _ = socket.set_tcp_notsent_lowat(UNSENT);
    }
}

/// How many files this process may open, after raising the soft limit to the hard one.
fn descriptor_limit() -> u64 {
    const COMMON: u64 = 1024;
    rlimit::increase_nofile_limit(u64::MAX).unwrap_or(COMMON)
}

/// Writes each transport's figures of the last seconds, where it had traffic.
async fn summarise(ledger: Arc<Ledger>) {
    let mut before = ledger.figures();
    let mut ticks = tokio::time::interval(Duration::from_secs(SUMMARY_EVERY));
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let now = ledger.figures();
        for ((transport, figures), (_, earlier)) in now.into_iter().zip(before) {
            let recent: Figures = figures.since(earlier);
            if !recent.is_idle() {
                ledger.lines.summary(SUMMARY_EVERY, transport, recent);
            }
        }
        before = now;
    }
}

/// Notices pollers that have left.
async fn sweep(presence: Arc<Presence>) {
    let mut ticks = tokio::time::interval(presence::EXPIRY_INTERVAL);
    loop {
        ticks.tick().await;
        presence.expire_pollers();
    }
}

/// Keeps the store to its retention, and tells the operator when it goes away and comes back.
async fn retire(log: Arc<Log>, lines: Lines) {
    let mut ticks = tokio::time::interval(RETIRE_EVERY);
    let mut away = false;
    loop {
        ticks.tick().await;
        let result = match log.prune().await {
            Ok(()) if !log.store_status().up => log.ready().await,
            result => result,
        };
        match result {
            Err(error) if !away => {
                away = true;
                lines.note("store-away", error);
            }
            Ok(()) if away => {
                away = false;
                lines.note("store-back", "the store answers again");
            }
            _ => {}
        }
    }
}
