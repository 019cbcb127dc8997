//! The real application, inside the test's process.

use std::{
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
};

use poll_vs_sse_server::{
    config::{Config, StoreChoice, TlsConfig},
    http::lab::{EmbeddedPage, File},
    log::store::nats::Options,
    net::certificate::CertificateSource,
};

/// The page that is embedded in the binary.
static PAGE: EmbeddedPage = include!(concat!(env!("OUT_DIR"), "/lab.rs"));
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::{
    TEST_TIMEOUT,
    bridge::{self, form_under_test},
    client::TestClient,
    eventually, nats,
    protocol_client::ProtocolForm,
};

/// The store of a test's server.
#[derive(Debug, Clone, Copy)]
pub enum StoreKind {
    Memory,
    Sqlite,
    Nats,
}

/// Whether the accelerator is on. The suite must pass with it and without it. The environment variable is that of the
/// program itself.
pub fn has_fast_path() -> bool {
    std::env::var("POLL_VS_SSE_HTTP_FAST_PATH").as_deref() != Ok("off")
}

/// A server in a separate thread, stopped on drop.
pub struct Server {
    /// Another server may use the same file afterwards, so dropping this one waits for its end.
    has_successor: bool,
    /// The address at which tests reach it over HTTP/1.1, for any protocol form of the suite.
    addr: SocketAddr,
    clear_addr: SocketAddr,
    tls_addr: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    pub lines: LogLines,
    _directory: Option<TempDir>,
}

/// Log lines as the server writes them.
#[derive(Clone, Default)]
pub struct LogLines(Arc<Mutex<Vec<u8>>>);

impl Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("whole").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl LogLines {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("whole").clone()).expect("UTF-8")
    }

    pub fn all(&self) -> Vec<String> {
        self.text().lines().map(str::to_owned).collect()
    }

    /// Waits until `n` lines hold all of `words`, and returns them.
    pub fn with(&self, n: usize, words: &[&str]) -> Vec<String> {
        let found = || -> Vec<String> {
            let mut lines = self.all();
            lines.retain(|line| words.iter().all(|word| line.contains(word)));
            lines
        };
        eventually(&format!("{n} lines with {words:?}"), || found().len() >= n);
        let found = found();
        assert_eq!(found.len(), n, "{words:?}: {found:#?}");
        found
    }
}

impl Server {
    /// A server with a new, empty log.
    pub fn with(store: StoreKind, configure: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        let directory = match store {
            StoreKind::Memory => None,
            StoreKind::Sqlite => {
                let directory = tempfile::tempdir().expect("a directory");
                config.store = StoreChoice::Sqlite(directory.path().join("chat.db"));
                Some(directory)
            }
            StoreKind::Nats => {
                config.store = StoreChoice::Nats(Box::new(nats::shared()));
                None
            }
        };
        configure(&mut config);
        let mut server = Self::start(config);
        server._directory = directory;
        server.has_successor = false;
        server
    }

    pub fn memory() -> Self {
        Self::with(StoreKind::Memory, |_| {})
    }

    /// A server that speaks every protocol form, with a new certificate.
    pub fn on_every_form() -> Self {
        Self::on_every_form_with(|_| {})
    }

    pub fn on_every_form_with(configure: impl FnOnce(&mut Config)) -> Self {
        Self::with(StoreKind::Memory, |config| {
            config.tls = Some(any_port_tls());
            configure(config);
        })
    }

    /// The address for this protocol form.
    pub fn protocol_addr(&self, form: ProtocolForm) -> SocketAddr {
        match self.tls_addr {
            Some(tls_addr) if form.is_tls() => tls_addr,
            _ => self.clear_addr,
        }
    }

    /// A server on an existing file.
    pub fn on_file(path: PathBuf) -> Self {
        Self::start(Config {
            store: StoreChoice::Sqlite(path),
            ..Config::default()
        })
    }

    /// A server of a group.
    pub fn on_nats(options: &Options) -> Self {
        Self::start(Config {
            store: StoreChoice::Nats(Box::new(options.clone())),
            ..Config::default()
        })
    }

    pub fn start(mut config: Config) -> Self {
        config.http_fast_path &= has_fast_path();
        let form = form_under_test();
        if form.is_tls() && config.tls.is_none() {
            config.tls = Some(any_port_tls());
        }
        let lines = LogLines::default();
        let (stop, stopped) = oneshot::channel::<()>();
        let (started, addrs) = mpsc::channel();
        let out = lines.clone();
        let thread = thread::spawn(move || {
            let server = poll_vs_sse_server::lifecycle::server::Server::build(config, PAGE, out)
                .expect("builds");
            started
                .send((server.addr(), server.tls_addr()))
                .expect("the test waits");
            let stop = async {
                // The sender is dropped as the signal; nothing is ever sent.
                let _ = stopped.await;
            };
            actix_web::rt::System::new()
                .block_on(server.run(stop))
                .expect("runs and stops");
        });
        let (addr, tls_addr) = addrs.recv_timeout(TEST_TIMEOUT).expect("starts");
        Self {
            has_successor: true,
            clear_addr: addr,
            addr: match form {
                ProtocolForm::Http1 => addr,
                _ => bridge::open(tls_addr.filter(|_| form.is_tls()).unwrap_or(addr), form),
            },
            tls_addr,
            stop: Some(stop),
            thread: Some(thread),
            lines,
            _directory: None,
        }
    }

    /// Stops and waits for the end.
    pub fn stop(&mut self) {
        self.stop = None;
        let Some(thread) = self.thread.take() else {
            return;
        };
        eventually("the server stops", || thread.is_finished());
        thread.join().expect("stops without a panic");
    }
}

impl TestClient for Server {
    fn addr(&self) -> SocketAddr {
        self.addr
    }
}

fn any_port_tls() -> TlsConfig {
    TlsConfig {
        bind: SocketAddr::from(([127, 0, 0, 1], 0)),
        certificate: CertificateSource::SelfSigned,
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop = None;
        // Stopping takes actix a third of a second, so tests that do not need it do not wait.
        if self.has_successor && !thread::panicking() {
            self.stop();
        }
    }
}
