//! A process with as many readers as it may have sockets. Each reads a stream, checks that every message arrives once
//! and in order, and reconnects to another server if its server is gone.
//!
//! It is this same executable started again with `ARGUMENT`.

use std::io::{ErrorKind, Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::epoll::Epoll;
use super::report::limits::readers::FirstByteTimes;
use super::report::spread::spread;
use super::rounds::delays;
use super::sse::Decoder;
use super::worker;

/// The first argument that makes this executable a process of readers.
pub const ARGUMENT: &str = "__readers";
/// Longest wait for all streams to open, or to receive a message.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Streams that are opened at once.
const BATCH: usize = 100;

/// A request to a process of readers.
#[derive(Debug, Serialize, Deserialize)]
pub enum ReaderRequest {
    /// Open `count` streams.
    Open { server: SocketAddr, count: usize },
    /// Wait until each reader has received the message with this number.
    Receive { number: u64 },
    /// Reopen all streams at this server, each after its last event.
    Move { server: SocketAddr },
}

/// The reply to a request.
#[derive(Debug, Serialize, Deserialize)]
pub enum ReaderReply {
    Opened(FirstByteTimes),
    Received(ArrivalDelays),
}

/// Microseconds from the publishes to the arrivals.
#[derive(Debug, Serialize, Deserialize)]
pub struct ArrivalDelays {
    pub p50_us: u64,
    pub p99_us: u64,
    pub longest_us: u64,
}

/// The text of a message, with its number and the time of its publish on the clock that all processes share.
pub fn text(number: u64) -> String {
    format!(
        "{number} {} should this page poll, or should it use SSE?",
        now_us()
    )
}

pub fn serve() -> Result<()> {
    let mut readers = ReaderSet::default();
    worker::serve(|request| readers.execute(request))
}

#[derive(Default)]
struct ReaderSet {
    epoll: Option<Epoll>,
    list: Vec<Reader>,
    delays: Option<Histogram<u64>>,
}

struct Reader {
    socket: TcpStream,
    stream: Decoder,
    asked_at: Instant,
    /// From its request to the head of its answer.
    wait: Option<Duration>,
    progress: ReaderProgress,
}

/// How far a reader has read.
#[derive(Clone, Default)]
struct ReaderProgress {
    /// The number of the last message; `None` before the first, which may have any number.
    number: Option<u64>,
    last_event_id: String,
}

impl ReaderSet {
    fn execute(&mut self, request: ReaderRequest) -> Result<ReaderReply> {
        match request {
            ReaderRequest::Open { server, count } => {
                self.open(server, vec![ReaderProgress::default(); count])
            }
            ReaderRequest::Move { server } => {
                let places = self.list.drain(..).map(|reader| reader.progress);
                let places = places.collect();
                self.open(server, places)
            }
            ReaderRequest::Receive { number } => self.receive(number),
        }
    }

    /// Opens a stream for each of `places`, in batches.
    fn open(&mut self, server: SocketAddr, places: Vec<ReaderProgress>) -> Result<ReaderReply> {
        let began_at = Instant::now();
        self.epoll = Some(Epoll::new()?);
        let mut places = places.into_iter();
        let count = places.len();
        while self.list.len() < count {
            let first = self.list.len();
            for place in places.by_ref().take(BATCH) {
                self.connect(server, place)?;
            }
            let deadline = began_at + TIMEOUT;
            while self.list[first..].iter().any(|one| one.wait.is_none()) {
                ensure!(Instant::now() < deadline, "not every stream opened");
                self.poll_sockets()?;
            }
        }
        let ms = |wait: Duration| wait.as_secs_f64() * 1e3;
        let waits = self.list.iter().filter_map(|reader| reader.wait);
        let waits = spread(waits.map(ms)).context("no reader")?;
        Ok(ReaderReply::Opened(FirstByteTimes {
            all_ms: ms(began_at.elapsed()),
            median_ms: waits.median,
            longest_ms: waits.max,
        }))
    }

    fn connect(&mut self, server: SocketAddr, progress: ReaderProgress) -> Result<()> {
        let mut socket = TcpStream::connect_timeout(&server, TIMEOUT).context("connect")?;
        socket.set_nodelay(true)?;
        let resume = match &progress.last_event_id[..] {
            "" => String::new(),
            id => format!("Last-Event-ID: {id}\r\n"),
        };
        let request = format!(
            "GET /stream?room=bench&last=0 HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{resume}\r\n"
        );
        socket.write_all(request.as_bytes())?;
        socket.set_nonblocking(true)?;
        let epoll = self.epoll.as_ref().context("an epoll set")?;
        epoll.add(socket.as_fd(), self.list.len() as u64)?;
        self.list.push(Reader {
            socket,
            stream: Decoder::new(),
            asked_at: Instant::now(),
            wait: None,
            progress,
        });
        Ok(())
    }

    fn receive(&mut self, number: u64) -> Result<ReaderReply> {
        let deadline = Instant::now() + TIMEOUT;
        let has_it = |reader: &Reader| reader.progress.number == Some(number);
        let mut next = 0;
        // All readers before `next` have received it, and it is the last message so far.
        while next < self.list.len() {
            ensure!(
                Instant::now() < deadline,
                "a reader has received message {:?} instead of {number}",
                self.list[next].progress.number
            );
            self.poll_sockets()?;
            while self.list.get(next).is_some_and(has_it) {
                next += 1;
            }
        }
        let delays = self.delays.take().context("nothing came")?;
        Ok(ReaderReply::Received(ArrivalDelays {
            p50_us: delays.value_at_quantile(0.5),
            p99_us: delays.value_at_quantile(0.99),
            longest_us: delays.max(),
        }))
    }

    /// Reads from the sockets that are ready.
    fn poll_sockets(&mut self) -> Result<()> {
        let mut buffer = [0; 16 * 1024];
        let epoll = self.epoll.as_mut().context("an epoll set")?;
        let delays = match &mut self.delays {
            Some(delays) => delays,
            none => none.insert(delays()?),
        };
        for index in 0..epoll.wait(100)? {
            let token = usize::try_from(epoll.token(index)).context("a token")?;
            let reader = self.list.get_mut(token).context("a reader")?;
            loop {
                match reader.socket.read(&mut buffer) {
                    Ok(0) => bail!("the server closed a stream"),
                    Ok(count) => {
                        reader.on_bytes(&buffer[..count], delays)?;
                        if count < buffer.len() {
                            break;
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error).context("read a stream"),
                }
            }
        }
        Ok(())
    }
}

impl Reader {
    fn on_bytes(&mut self, bytes: &[u8], delays: &mut Histogram<u64>) -> Result<()> {
        let progress = &mut self.progress;
        let mut outcome = Ok(());
        self.stream.feed(bytes, |event| {
            if outcome.is_ok() {
                outcome = progress.on_event(event, delays);
            }
        })?;
        outcome?;
        if self.wait.is_none() && self.stream.is_open() {
            self.wait = Some(self.asked_at.elapsed());
        }
        Ok(())
    }
}

impl ReaderProgress {
    /// Handles an event. Fails if it is a message but not the next one.
    fn on_event(&mut self, event: &[u8], delays: &mut Histogram<u64>) -> Result<()> {
        let event = std::str::from_utf8(event)?;
        for line in event.lines() {
            if let Some(id) = line.strip_prefix("id: ") {
                id.clone_into(&mut self.last_event_id);
            }
        }
        let Some((_, text)) = event.split_once("\"text\":\"") else {
            return Ok(());
        };
        let mut words = text.split(' ').map(str::parse::<u64>);
        let number = words.next().context("a number")??;
        let published_us = words.next().context("a moment")??;
        let is_next = self.number.is_none_or(|last| last + 1 == number);
        ensure!(is_next, "{number} came after {:?}", self.number);
        self.number = Some(number);
        delays.saturating_record(now_us().saturating_sub(published_us));
        Ok(())
    }
}

/// Microseconds on the machine's monotonic clock.
fn now_us() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is valid for writing.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec.cast_unsigned() * 1_000_000 + time.tv_nsec.cast_unsigned() / 1000
}
