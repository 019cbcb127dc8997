//! A server with its subscribers over HTTP/2 and TLS, several of them on one connection.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use hyper::Request;
use memchr::memmem;
use poll_vs_sse_instrument::http::{
    chromium::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES},
    event_stream::{EventDecoder, split_events},
};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::certificate::Certificate;
use super::frame::{self, PublishTemplate, STREAM};
use super::http::Connection;
use super::rounds::{self, Contender, Work};
use super::servers::RunningServer;
use super::subscribers::is_message;
use super::usage;

/// Longest wait for a stream to open, or for all streams to receive a message.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// A server that also speaks TLS.
pub struct TlsServer {
    pub server: RunningServer,
    pub over_tls: SocketAddr,
    pub publish: PublishTemplate,
}

/// The number of streams, and how many of them share a connection.
#[derive(Clone, Copy)]
pub struct StreamCounts {
    pub all: usize,
    pub per_connection: usize,
}

pub struct Http2StreamsSide {
    name: &'static str,
    server: RunningServer,
    publish: PublishTemplate,
    publisher: Connection,
    runtime: Runtime,
    readers: LocalSet,
    arrivals: Rc<ArrivalCounter>,
    streams: usize,
    published: u64,
    /// The server's memory for each stream.
    pub held_bytes: f64,
}

/// The number of readers that have received the expected message.
#[derive(Default)]
struct ArrivalCounter {
    tag: RefCell<String>,
    count: Cell<usize>,
    wrong: RefCell<Option<String>>,
    changed: Notify,
}

impl ArrivalCounter {
    fn fail(&self, why: String) {
        self.wrong.borrow_mut().get_or_insert(why);
        self.changed.notify_one();
    }
}

impl Http2StreamsSide {
    pub fn open(
        name: &'static str,
        server: TlsServer,
        certificate: &Certificate,
        streams: StreamCounts,
    ) -> Result<Self> {
        let TlsServer {
            server,
            over_tls,
            publish,
        } = server;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let readers = LocalSet::new();
        let arrivals = Rc::<ArrivalCounter>::default();
        let connector = certificate.connector()?;
        let pids = server.process.pids();
        let before_kib = usage::settled_pss_kib(&pids)?;
        let opening = async {
            let mut opened = 0;
            while opened < streams.all {
                let count = streams.per_connection.min(streams.all - opened);
                open_connection(&connector, over_tls, count, &arrivals).await?;
                opened += count;
            }
            anyhow::Ok(())
        };
        readers
            .block_on(&runtime, opening)
            .with_context(|| format!("subscribe to {name}"))?;
        let held_kib = usage::settled_pss_kib(&pids)? as f64 - before_kib as f64;
        let mut side = Self {
            name,
            publisher: Connection::open(server.address)?,
            server,
            publish,
            runtime,
            readers,
            arrivals,
            streams: streams.all,
            published: 0,
            held_bytes: held_kib * 1024.0 / streams.all as f64,
        };
        // The server would close the publisher's connection while the other sides open if no request had come on it.
        side.deliver()?;
        Ok(side)
    }

    /// Publishes one message and waits until all readers have received it.
    fn deliver(&mut self) -> Result<Work> {
        let number = self.published;
        self.published += 1;
        let arrivals = &self.arrivals;
        *arrivals.tag.borrow_mut() = frame::tag(number);
        arrivals.count.set(0);
        self.publisher.send(&self.publish.request(number))?;
        let waiting = async {
            while arrivals.count.get() < self.streams && arrivals.wrong.borrow().is_none() {
                arrivals.changed.notified().await;
            }
        };
        let waiting = async { timeout(RESPONSE_TIMEOUT, waiting).await };
        let outcome = self.readers.block_on(&self.runtime, waiting);
        if let Some(why) = arrivals.wrong.borrow().as_ref() {
            bail!("{}: {why}", self.name);
        }
        let units = arrivals.count.get();
        ensure!(
            outcome.is_ok(),
            "{}: only {units} of {} received the message",
            self.name,
            self.streams
        );
        let answer = self.publisher.answer()?;
        ensure!(
            answer.status / 100 == 2,
            "publish: status {}",
            answer.status
        );
        Ok(Work {
            units: units as u64,
            wire_bytes: 0,
        })
    }
}

/// Opens one connection with `streams` streams. A separate task reads each stream.
async fn open_connection(
    connector: &TlsConnector,
    address: SocketAddr,
    streams: usize,
    arrivals: &Rc<ArrivalCounter>,
) -> Result<()> {
    let socket = TcpStream::connect(address).await.context("connect")?;
    socket.set_nodelay(true)?;
    let name = ServerName::from(address.ip());
    let socket = connector.connect(name, socket).await.context("TLS")?;
    let (mut sender, connection) = h2::client::Builder::new()
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .enable_push(false)
        .handshake::<_, Bytes>(socket)
        .await?;
    // If the connection ends, each of its streams fails and reports it.
    spawn_local(connection);
    for _ in 0..streams {
        sender = sender.ready().await?;
        let request = Request::get(format!("https://{address}{STREAM}"))
            .header("accept", "text/event-stream")
            .body(())?;
        let (answer, _) = sender.send_request(request, true)?;
        let answer = timeout(RESPONSE_TIMEOUT, answer).await??;
        let status = answer.status();
        ensure!(status == 200, "a stream was refused: {status}");
        spawn_local(read_stream(answer.into_body(), arrivals.clone()));
    }
    Ok(())
}

/// Reads a stream. Its end is reported as a failure.
async fn read_stream(mut body: h2::RecvStream, arrivals: Rc<ArrivalCounter>) {
    let mut decoder = EventDecoder::default();
    let mut last = String::new();
    while let Some(chunk) = body.data().await {
        let Ok(chunk) = chunk else { break };
        let _ = body.flow_control().release_capacity(chunk.len());
        decoder.push(&chunk);
        match decoder.take() {
            Ok(whole) => {
                split_events(whole).for_each(|event| on_event(event, &mut last, &arrivals))
            }
            Err(error) => return arrivals.fail(error.to_string()),
        }
    }
    arrivals.fail("the server ended a stream".to_owned());
}

fn on_event(event: &[u8], last: &mut String, arrivals: &ArrivalCounter) {
    if !is_message(event) {
        return;
    }
    let tag = arrivals.tag.borrow();
    if memmem::find(event, tag.as_bytes()).is_none() || *last == *tag {
        return arrivals.fail("a message was a duplicate or unexpected".to_owned());
    }
    last.clone_from(&tag);
    arrivals.count.set(arrivals.count.get() + 1);
    arrivals.changed.notify_one();
}

impl Contender for Http2StreamsSide {
    fn name(&self) -> &'static str {
        self.name
    }

    fn pids(&self) -> Vec<i32> {
        self.server.process.pids()
    }

    fn warm_up(&mut self) -> Result<()> {
        self.deliver().map(|_| ())
    }

    fn work(&mut self, amount: u64) -> Result<Work> {
        rounds::repeat(amount, || self.deliver())
    }

    fn units_expected(&self, amount: u64) -> u64 {
        amount * self.streams as u64
    }
}
