//! Building the server, and running it until it is told to stop.

use std::{
    future::{Future, pending},
    io::Write,
    net::{SocketAddr, TcpListener},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix_http::{HttpService, KeepAlive};
use actix_server::ServerBuilder;
use actix_service::{
    IntoServiceFactory as _, ServiceFactory as _, ServiceFactoryExt as _, fn_factory, fn_service,
    map_config,
};
use actix_web::{dev::AppConfig, rt::net::TcpStream};
use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use super::{
    background::BackgroundTasks,
    connection::{ConnectionServer, HttpIo},
    listener::{bind, max_clients},
    open_store::open_log,
    shutdown::Shutdown,
};
use crate::{
    config::Config,
    delivery::Delivery,
    fastpath::FastPath,
    http::{
        lab::Page,
        middleware::faults::FaultTargets,
        routes::{AppState, app},
    },
    ledger::{
        Ledger,
        access_log::{EventLog, LogWriter},
        summary_table::summary_table,
    },
    log::Log,
};

/// How long requests under way may take to finish when the server stops, seconds.
const SHUTDOWN_TIMEOUT: u64 = 1;
/// How long a refused request's body is read on, so that the client sees the refusal.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Bytes that wait for a reader in this process before its answer is asked for more.
const WRITE_BUFFER_BYTES: usize = poll_vs_sse_model::server_limits::WRITE_BYTES;

/// A server that is bound and ready to run.
pub struct Server {
    addr: SocketAddr,
    listener: TcpListener,
    config: Config,
    page: Page,
    log: Arc<Log>,
    ledger: Arc<Ledger>,
    writer: LogWriter,
}

impl Server {
    /// Opens the store and binds the address. Log lines go to `out`.
    pub fn build(
        config: Config,
        page: Page,
        out: impl Write + Send + 'static,
    ) -> anyhow::Result<Self> {
        let listener =
            bind(config.bind).with_context(|| format!("cannot listen on {}", config.bind))?;
        let addr = listener.local_addr()?;
        let (events, writer) = EventLog::to(out, config.log_format)?;
        let log = match open_log(&config, &events, &listener) {
            Ok(log) => log,
            Err(error) => {
                writer.finish();
                return Err(error);
            }
        };
        let ledger = Arc::new(Ledger::new(events, config.request_log));
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

    /// The address it listens on; known before it runs.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `stop` is done: then takes no connections, ends streams and waiting long-polls,
    /// and prints the ledger's totals.
    pub async fn run(self, stop: impl Future<Output = ()> + 'static) -> anyhow::Result<()> {
        self.run_until(stop, pending()).await
    }

    /// The same; as soon as `force` is done, readers are given no more time to leave.
    pub async fn run_until(
        self,
        stop: impl Future<Output = ()> + 'static,
        force: impl Future<Output = ()> + 'static,
    ) -> anyhow::Result<()> {
        let state = AppState {
            delivery: Arc::new(Delivery::new(self.log.clone())),
            ledger: self.ledger.clone(),
            faults: Arc::new(FaultTargets::default()),
            page: self.page,
        };
        let stopping = CancellationToken::new();
        let listener = self.listener.try_clone()?;
        let server = self.listen(&state, &stopping)?;
        let shutdown = Shutdown {
            delivery: state.delivery.clone(),
            ledger: self.ledger.clone(),
            server: server.handle(),
            listener,
            stopping,
        };
        let addr = self.addr;
        let events = &self.ledger.log;
        events.event("started", format_args!("listening on http://{addr}"));
        let background = BackgroundTasks::spawn(&self.ledger, &state.delivery.presence, &self.log);
        let drain = self.config.drain;
        let shutdown = actix_web::rt::spawn(async move {
            stop.await;
            shutdown.run(drain, force).await;
        });
        let result = server.await;
        shutdown.abort();
        background.stop().await;
        self.log.close().await;
        events.event("stopped", "what each transport cost:");
        events.write_raw(&summary_table(&self.ledger.totals.totals()));
        self.writer.finish();
        Ok(result?)
    }

    /// Starts the workers, each with the application and what its connections are served with.
    fn listen(
        &self,
        state: &AppState,
        stopping: &CancellationToken,
    ) -> anyhow::Result<actix_server::Server> {
        let Config {
            workers,
            stall_timeout,
            keep_alive,
            http_fast_path,
            ..
        } = self.config;
        let (addr, ledger) = (self.addr, self.ledger.clone());
        let (state, stopping) = (state.clone(), stopping.clone());
        let worker = move || {
            let (stopping, ledger) = (stopping.clone(), ledger.clone());
            let (delivery, waiting) = (state.delivery.clone(), stopping.clone());
            let app = app(state.clone())
                .into_factory()
                .map_err(|error: actix_web::Error| error.error_response());
            let http = HttpService::build()
                // `TimedIo` has a timer for both of these.
                .keep_alive(KeepAlive::Os)
                .client_request_timeout(Duration::ZERO)
                .client_disconnect_timeout(DISCONNECT_TIMEOUT)
                .h1_allow_half_closed(false)
                .h1_write_buffer_size(WRITE_BUFFER_BYTES)
                .graceful_shutdown_signal(move || stopping.clone().cancelled_owned())
                .local_addr(addr)
                .on_connect_ext(|io: &HttpIo, data| {
                    data.insert(io.connection.clone());
                    data.insert(io.meter.clone());
                })
                .h1(map_config(app, |()| AppConfig::default()));
            fn_factory(move || {
                let http = http.new_service(());
                let (ledger, delivery) = (ledger.clone(), delivery.clone());
                let waiting = waiting.clone();
                async move {
                    let server = Rc::new(ConnectionServer {
                        http: http.await?,
                        fast_path: FastPath::new(http_fast_path, delivery, waiting, keep_alive),
                        ledger,
                        stall_timeout,
                        keep_alive,
                    });
                    Ok::<_, ()>(fn_service(move |tcp: TcpStream| server.clone().serve(tcp)))
                }
            })
        };
        let listener = self.listener.try_clone()?;
        Ok(ServerBuilder::new()
            .workers(workers)
            .max_concurrent_connections(max_clients().div_ceil(workers))
            .shutdown_timeout(SHUTDOWN_TIMEOUT)
            .disable_signals()
            .listen("http", listener, worker)?
            .run())
    }
}
