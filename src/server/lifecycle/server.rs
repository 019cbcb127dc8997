//! Builds the server, and runs it until it must stop.

use std::{
    future::{Future, pending},
    io::Write,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{
    background::BackgroundTasks,
    listener::Listener,
    memory::share_if_limited,
    open_store::open_log,
    process_limits::ProcessLimits,
    reload::ReloadedFiles,
    shutdown::Shutdown,
    standby::Standby,
    workers::{TlsListener, Workers},
};
use crate::{
    access::{Access, JwtRules, keys::KeySource, own_origins::OwnPorts},
    config::{Config, StoreChoice, TlsConfig},
    delivery::{Delivery, poll_cache::PollCache},
    http::{lab::EmbeddedPage, middleware::faults::FaultTargets, policy::Policy, routes::AppState},
    ledger::{
        Ledger,
        access_log::{EventLog, LogWriter},
        summary_table::summary_table,
    },
    log::{Log, store::OpenError},
    net::{
        certificate::{CertificateSource, CurrentCertificate},
        tls::server_config,
    },
};

/// A server that is bound and ready to run.
pub struct Server {
    listener: Listener,
    config: Config,
    page: EmbeddedPage,
    log: Arc<Log>,
    ledger: Arc<Ledger>,
    writer: LogWriter,
    tls: Option<Tls>,
    policy: Arc<Policy>,
}

/// The TLS listener, and the certificate that it shows now.
struct Tls {
    listener: TlsListener,
    certificate: Arc<CurrentCertificate>,
}

impl Tls {
    fn bind(config: &TlsConfig, stall_timeout: Duration) -> anyhow::Result<Self> {
        let flags = match config.certificate {
            CertificateSource::SelfSigned => "--tls",
            CertificateSource::Files { .. } => "--tls-cert, --tls-key",
        };
        let certificate = CurrentCertificate::load(config.certificate.clone()).context(flags)?;
        let certificate = Arc::new(certificate);
        let listener = Listener::bind(config.bind, stall_timeout)
            .with_context(|| format!("--bind-tls: cannot listen on {}", config.bind))?;
        let config = server_config(certificate.clone()).context("cannot set up TLS")?;
        let config = Arc::new(config);
        Ok(Self {
            listener: TlsListener { listener, config },
            certificate,
        })
    }

    fn addr(&self) -> SocketAddr {
        self.listener.listener.addr()
    }
}

/// Reads the keys for tokens. The error names their flag.
fn read_keys(rules: JwtRules) -> anyhow::Result<Access> {
    let flag = match rules.keys {
        KeySource::Secret(_) => "--jwt-secret-file",
        KeySource::Jwks(_) => "--jwks",
    };
    Access::new(rules).context(flag)
}

impl Server {
    /// Opens the store and binds the address. Log lines go to `out`.
    pub fn build(
        config: Config,
        page: EmbeddedPage,
        out: impl Write + Send + 'static,
    ) -> anyhow::Result<Self> {
        share_if_limited();
        // Before the store is opened, so that bad keys leave no files behind.
        let access = config.access.jwt.clone().map(read_keys).transpose()?;
        let origins = config.access.cors_origins.clone();
        let limits = ProcessLimits::read().bound(config.limits.clone(), config.workers);
        let mut policy = Policy::new(access, origins, limits);
        let listener = Listener::bind(config.bind, config.stall_timeout)
            .with_context(|| format!("--bind: cannot listen on {}", config.bind))?;
        let tls = config.tls.as_ref();
        let tls = tls
            .map(|tls| Tls::bind(tls, config.stall_timeout))
            .transpose()?;
        // Browsers send a token's cookie to one scheme only, so the page could not use it at its other origin.
        if let Some(tls) = tls.as_ref().filter(|_| policy.access.is_none()) {
            policy.own_ports = Some(OwnPorts {
                http: listener.addr().port(),
                https: tls.addr().port(),
            });
        }
        let (events, writer) = EventLog::to(out, config.log_format)?;
        let policy = Arc::new(policy);
        let standby = Standby {
            listener: &listener,
            tls: tls.as_ref().map(|tls| &tls.listener),
            policy: &policy,
            stall_timeout: config.stall_timeout,
            keep_alive: config.keep_alive,
        };
        let log = match open_log(&config, &events, &standby) {
            Ok(log) => log,
            Err(error) => {
                // The error that counts is the one above.
                let _ = writer.finish();
                let flag = error.downcast_ref::<OpenError>().map(OpenError::flag);
                return Err(error.context(flag.unwrap_or("--store")));
            }
        };
        let ledger = Arc::new(Ledger::new(events, config.request_log));
        Ok(Self {
            listener,
            config,
            page,
            log,
            ledger,
            writer,
            tls,
            policy,
        })
    }

    /// The address that it listens on, which is known before it runs.
    pub fn addr(&self) -> SocketAddr {
        self.listener.addr()
    }

    /// The address that it listens on for TLS, if any.
    pub fn tls_addr(&self) -> Option<SocketAddr> {
        self.tls.as_ref().map(Tls::addr)
    }

    /// Serves until `stop` completes. Then it takes no more connections, ends streams and waiting long-polls, and
    /// prints the ledger's totals.
    pub async fn run(self, stop: impl Future<Output = ()> + 'static) -> anyhow::Result<()> {
        let reload = signal(SignalKind::hangup())?;
        self.run_until(stop, pending(), reload).await
    }

    /// The same, but when `force` completes, readers get no more time to leave. At each signal of `reload`, also if it
    /// came before, it reads the certificate and the keys for tokens again.
    pub async fn run_until(
        self,
        stop: impl Future<Output = ()> + 'static,
        force: impl Future<Output = ()> + 'static,
        reload: Signal,
    ) -> anyhow::Result<()> {
        let state = AppState {
            delivery: Arc::new(Delivery {
                poll_cache: self.config.poll_cache.map(|max_age| PollCache { max_age }),
                ..Delivery::new(self.log.clone())
            }),
            ledger: self.ledger.clone(),
            faults: Arc::new(FaultTargets::default()),
            policy: self.policy.clone(),
            page: self.page,
        };
        let workers = Workers {
            state: state.clone(),
            count: self.config.workers,
            http_fast_path: self.config.http_fast_path,
            stall_timeout: self.config.stall_timeout,
            keep_alive: self.config.keep_alive,
            draining: CancellationToken::new(),
            stopping: CancellationToken::new(),
        };
        let (draining, stopping) = (workers.draining.clone(), workers.stopping.clone());
        let connections = self.policy.connections.clone();
        let addr = self.addr();
        let tls_addr = self.tls_addr();
        let (tls, certificate) = self.tls.map(|it| (it.listener, it.certificate)).unzip();
        let server = workers.run(&self.listener, tls.as_ref())?;
        let tls_listener = tls.map(|tls| tls.listener);
        let shutdown = Shutdown {
            delivery: state.delivery.clone(),
            ledger: self.ledger.clone(),
            server: server.handle(),
            listeners: std::iter::once(self.listener).chain(tls_listener).collect(),
            connections: connections.clone(),
            draining,
            stopping,
        };
        let events = &self.ledger.log;
        events.event("started", format_args!("listening on http://{addr}"));
        if let (Some(addr), Some(certificate)) = (tls_addr, &certificate) {
            let fingerprint = certificate.fingerprint();
            let text = format_args!("listening on https://{addr}, certificate {fingerprint}");
            events.event("started", text);
        }
        let store = format_args!("messages are kept in {}", self.config.store);
        events.event("started", store);
        let limits = ProcessLimits::read();
        let has_file = matches!(self.config.store, StoreChoice::Sqlite(_));
        for warning in limits.warnings(self.config.workers, has_file) {
            events.event("limited", warning);
        }
        let background = BackgroundTasks::spawn(
            &self.ledger,
            &state.delivery.presence,
            &self.log,
            &connections,
        );
        if let Some(warning) = self.policy.access.as_ref().and_then(|it| it.key_warning()) {
            events.event("keys-warning", warning);
        }
        let files = ReloadedFiles {
            certificate,
            policy: self.policy.clone(),
            events: events.clone(),
        };
        background.run(files.reload_on(reload));
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
        let written = self.writer.finish();
        result?;
        written.map_err(|why| anyhow!("the last lines of the log could not be written: {why}"))
    }
}
