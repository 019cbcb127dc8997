//! A worker's accelerator alone: the effect of a panicking reactor, and the requests that a gate admits.

use std::{cell::Cell, io, net::IpAddr, rc::Rc, sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::LocalSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::FastPath;
use crate::{
    delivery::{Delivery, read_query::ReadQuery, sse},
    domain::cursor::LogId,
    fastpath::{AcceleratorOptions, AcceptedConnection, PollGate},
    ledger::{
        Ledger,
        access_log::{EventLog, Format, LogWriter},
        connection_meter::ConnectionMeter,
        counters::Protocol,
    },
    limits::connections::{Admission, ConnectionCounter, ConnectionLimits},
    log::{Log, LogSettings, retention::Retention},
    presence::Presence,
};

const TIMEOUT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_reactor_that_panics_ends_its_connections_says_so_and_is_replaced() {
    LocalSet::new()
        .run_until(async {
            let lines = LogLines::default();
            let worker = TestWorker::start(lines.clone(), None).await;
            let mut bystander = worker.open("/stream?last=0").await;
            read_until(&mut bystander, "retry").await;
            let mut culprit = worker.open("/stream?client=culprit&presence=1").await;
            read_to_end(&mut bystander).await;
            read_to_end(&mut culprit).await;
            drop((bystander, culprit));
            assert_eq!(worker.connections.open(), 0, "they are no longer counted");

            let mut next = worker.open("/poll?last=0").await;
            read_until(&mut next, "\"messages\":[]").await;
            let open = |account: usize| worker.ledger.totals.totals()[account].1.open;
            assert_eq!((open(0), open(2)), (1, 0), "polls and streams");
            worker.writer.finish().expect("all is written");
            let text = String::from_utf8(lines.0.lock().clone()).expect("text");
            assert_eq!(text.matches("reactor-panicked").count(), 1, "{text}");
            assert!(text.contains("as this test wants"), "{text}");
        })
        .await;
}

/// Admits requests with the token `good`, which expires at once.
struct TestGate;

impl PollGate for TestGate {
    fn admit(
        &self,
        _: &ReadQuery,
        authorization: Option<&str>,
        peer: &dyn Fn() -> Option<IpAddr>,
    ) -> Option<Duration> {
        assert!(peer().is_some_and(|it| it.is_loopback()));
        (authorization == Some("Bearer good")).then_some(Duration::ZERO)
    }
}

#[tokio::test]
async fn a_gate_lets_polls_in_and_the_rest_goes_forward() {
    LocalSet::new()
        .run_until(async {
            let gate: Rc<dyn PollGate> = Rc::new(TestGate);
            let worker = TestWorker::start(LogLines::default(), Some(gate)).await;
            let good = "Authorization: Bearer good\r\n";
            let mut poll = worker.ask("/poll?last=0", good).await;
            read_until(&mut poll, "\"messages\":[]").await;
            // The token has expired.
            let mut long_poll = worker.ask("/poll?last=0&wait=60", good).await;
            read_until(&mut long_poll, "\"messages\":[]").await;
            assert_eq!(worker.forwarded.get(), 0);
            for (target, fields) in [
                ("/stream?last=0", good),
                ("/poll?last=0", ""),
                ("/poll?last=0", "Authorization: Bearer bad\r\n"),
                ("/poll?last=0", "Authorization: Basic good\r\n"),
                (
                    "/poll?last=0",
                    "Authorization: Bearer good\r\nAuthorization: Bearer good\r\n",
                ),
            ] {
                let before = worker.forwarded.get();
                let mut refused = worker.ask(target, fields).await;
                read_to_end(&mut refused).await;
                assert_eq!(worker.forwarded.get(), before + 1, "{target} {fields}");
            }
        })
        .await;
}

struct TestWorker {
    listener: TcpListener,
    path: FastPath,
    ledger: Arc<Ledger>,
    connections: Arc<ConnectionCounter>,
    writer: LogWriter,
    /// Connections handed to HTTP, which this test closes.
    forwarded: Rc<Cell<usize>>,
}

impl TestWorker {
    async fn start(lines: LogLines, gate: Option<Rc<dyn PollGate>>) -> Self {
        let (events, writer) = EventLog::to(lines, Format::Text).expect("a thread");
        let id: LogId = "t1".parse().expect("a log id");
        let settings = LogSettings {
            retention: Retention::UNLIMITED,
            tail_bytes: 1024 * 1024,
            encode: sse::encode,
        };
        let log = Log::in_memory(id, settings);
        let delivery = Delivery {
            presence: Arc::new(Presence::new(encode_or_panic)),
            ..Delivery::new(log)
        };
        let forwarded = Rc::new(Cell::new(0));
        let options = AcceleratorOptions {
            is_on: true,
            gate,
            trusts_proxies: false,
            delivery: Arc::new(delivery),
            stopping: CancellationToken::new(),
            keep_alive: TIMEOUT,
            events: events.clone(),
            refusals: Arc::default(),
            forward: Rc::new({
                let forwarded = forwarded.clone();
                move |_| forwarded.set(forwarded.get() + 1)
            }),
        };
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.expect("a port"),
            path: FastPath::new(options),
            ledger: Arc::new(Ledger::new(events, false)),
            connections: Arc::new(ConnectionCounter::new(ConnectionLimits::default())),
            writer,
            forwarded,
        }
    }

    /// A connection that has sent its request.
    async fn open(&self, target: &str) -> TcpStream {
        self.ask(target, "").await
    }

    /// The same, with additional header fields.
    async fn ask(&self, target: &str, fields: &str) -> TcpStream {
        let address = self.listener.local_addr().expect("bound");
        let mut client = TcpStream::connect(address).await.expect("connects");
        let (tcp, _) = self.listener.accept().await.expect("accepts");
        let Admission::Admitted(permit) = self.connections.admit(None) else {
            panic!("nothing is limited");
        };
        self.path.serve(AcceptedConnection {
            tcp,
            meter: ConnectionMeter::new(self.ledger.clone(), Protocol::Http1),
            permit: Some(permit),
        });
        let request = format!("GET {target} HTTP/1.1\r\nHost: test\r\n{fields}\r\n");
        client.write_all(request.as_bytes()).await.expect("sends");
        client
    }
}

/// Panics in code that a reactor calls.
fn encode_or_panic(json: &str) -> Bytes {
    assert!(!json.contains("culprit"), "as this test wants");
    sse::presence(json)
}

async fn read_until(client: &mut TcpStream, end: &str) {
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains(end) {
        let read = timeout(TIMEOUT, client.read_buf(&mut text)).await;
        assert_ne!(read.expect("in time").expect("reads"), 0, "it ended");
    }
}

/// Whether it is closed or reset.
async fn read_to_end(client: &mut TcpStream) {
    let mut rest = Vec::new();
    let _ = timeout(TIMEOUT, client.read_to_end(&mut rest))
        .await
        .expect("it ends");
}

#[derive(Clone, Default)]
struct LogLines(Arc<Mutex<Vec<u8>>>);

impl io::Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
