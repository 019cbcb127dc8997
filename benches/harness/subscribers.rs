//! The load of the fan-out: many SSE subscribers in one epoll loop, each read until it has the whole message.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use memchr::memmem;

use super::epoll::Epoll;
use super::http;
use super::rounds::{self, Work};
use super::sse::Decoder;

/// Longest wait for all subscribers to open, or to receive a message.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Streams that are opened at once. If they were more than a listener's backlog, the kernel would drop some, and each
/// of those would retry only after a second.
const BATCH: usize = 100;

/// Occurs once in an event that carries a message.
const DATA_FIELD: &[u8] = b"\ndata:";

struct Subscriber {
    socket: TcpStream,
    stream: Decoder,
}

impl Subscriber {
    fn connect(address: SocketAddr, request: &[u8]) -> Result<Self> {
        let mut socket =
            TcpStream::connect_timeout(&address, RESPONSE_TIMEOUT).context("connect")?;
        socket.set_nodelay(true)?;
        socket.write_all(request)?;
        socket.set_nonblocking(true)?;
        let stream = Decoder::new();
        Ok(Self { socket, stream })
    }
}

/// The messages that subscribers have yet to receive. They are counted for each subscriber: in a sum, one that came twice
/// would make up for one that another subscriber never received.
struct PendingMessages {
    of_each: Vec<u64>,
    all: u64,
}

impl PendingMessages {
    fn new(subscribers: usize, each: u64) -> Self {
        Self {
            of_each: vec![each; subscribers],
            all: each * subscribers as u64,
        }
    }

    /// Notes that `subscriber` received `count` messages. Fails if they are more than were published.
    fn take(&mut self, subscriber: usize, count: u64) -> Result<()> {
        let left = &mut self.of_each[subscriber];
        let after = left.checked_sub(count);
        *left = after.with_context(|| {
            format!("subscriber {subscriber} received more messages than were published")
        })?;
        self.all -= count;
        Ok(())
    }
}

/// Subscribers of one server.
pub struct Subscribers {
    epoll: Epoll,
    list: Vec<Subscriber>,
    buffer: Vec<u8>,
    /// Whether the load spins on its own core instead of sleeping.
    spin: bool,
    /// When the expected message was published.
    published_at: Instant,
    /// Microseconds from there to each arrival.
    delays: Histogram<u64>,
}

impl Subscribers {
    /// Opens `count` streams and waits until each has received the head of its answer.
    pub fn open(address: SocketAddr, path: &str, count: usize, spin: bool) -> Result<Self> {
        Self::open_each(address, |_| path.to_owned(), count, spin)
    }

    /// The same with a separate path for each stream.
    pub fn open_each(
        address: SocketAddr,
        path: impl Fn(usize) -> String,
        count: usize,
        spin: bool,
    ) -> Result<Self> {
        let mut subscribers = Self {
            epoll: Epoll::new()?,
            list: Vec::with_capacity(count),
            buffer: vec![0; 64 * 1024],
            spin,
            published_at: Instant::now(),
            delays: rounds::delays()?,
        };
        while subscribers.list.len() < count {
            let batch = subscribers.list.len()..count.min(subscribers.list.len() + BATCH);
            for token in batch.clone() {
                let request = http::get_stream(&path(token));
                let subscriber = Subscriber::connect(address, &request)
                    .with_context(|| format!("subscriber {token}"))?;
                let socket = subscriber.socket.as_fd();
                subscribers.epoll.add(socket, token as u64)?;
                subscribers.list.push(subscriber);
            }
            subscribers.wait_open(batch)?;
        }
        Ok(subscribers)
    }

    fn wait_open(&mut self, batch: Range<usize>) -> Result<()> {
        let deadline = Instant::now() + RESPONSE_TIMEOUT;
        while !self.list[batch.clone()]
            .iter()
            .all(|one| one.stream.is_open())
        {
            ensure!(Instant::now() < deadline, "not every stream opened");
            self.poll_sockets(10, &mut |_, _| {})?;
        }
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Reads the keep-alives received since the last message. Fails if a message is among them.
    pub fn drain(&mut self) -> Result<()> {
        let mut stray = 0;
        while self.poll_sockets(0, &mut |_, event| stray += u64::from(is_message(event)))? > 0 {}
        ensure!(stray == 0, "{stray} unexpected messages came");
        Ok(())
    }

    /// Records that a message is published now: the delays of its arrivals count from here.
    pub fn note_publish(&mut self) {
        self.published_at = Instant::now();
    }

    /// The delays since they were last taken.
    pub fn take_delays(&mut self) -> Histogram<u64> {
        let delays = self.delays.clone();
        self.delays.reset();
        delays
    }

    /// Waits until every subscriber has received the message with `tag` in its text, exactly once.
    pub fn receive(&mut self, tag: &[u8]) -> Result<Work> {
        self.receive_within(0..self.list.len(), tag)
    }

    /// The same for some of the subscribers; the others must not receive it.
    pub fn receive_within(&mut self, awaited: Range<usize>, tag: &[u8]) -> Result<Work> {
        let expected = awaited.len() as u64;
        let deadline = Instant::now() + RESPONSE_TIMEOUT;
        let mut has_it = vec![false; awaited.len()];
        let mut work = Work::default();
        let (mut deliveries, mut strays) = (0, 0);
        let timeout_ms = if self.spin { 0 } else { 100 };
        let published_at = self.published_at;
        let mut delays = std::mem::replace(&mut self.delays, rounds::delays()?);
        while deliveries < expected {
            work.wire_bytes += self.poll_sockets(timeout_ms, &mut |token, event| {
                let is_it = event.windows(tag.len()).any(|window| window == tag);
                let place = token.checked_sub(awaited.start);
                let place = place.and_then(|at| has_it.get_mut(at));
                if is_it && place.is_some_and(|has_it| !std::mem::replace(has_it, true)) {
                    deliveries += 1;
                    let delay = published_at.elapsed().as_micros();
                    delays.saturating_record(u64::try_from(delay).unwrap_or(u64::MAX));
                } else if is_message(event) {
                    strays += 1;
                }
            })?;
            ensure!(
                strays == 0,
                "{strays} messages were duplicates or unexpected"
            );
            ensure!(
                Instant::now() < deadline,
                "only {deliveries} of {expected} received the message"
            );
        }
        self.delays = delays;
        work.units = deliveries;
        Ok(work)
    }

    /// Waits until every subscriber has received `each` messages, and returns their wire bytes. Each turn reads once
    /// from every subscriber: reading one until it is empty could starve the others.
    pub fn receive_many(&mut self, each: u64) -> Result<u64> {
        let field = memmem::Finder::new(DATA_FIELD);
        let mut pending = PendingMessages::new(self.list.len(), each);
        let mut bytes = 0;
        // The last bytes of each subscriber's previous read, in which a field may begin.
        let mut tails = vec![Vec::new(); self.list.len()];
        let mut last_read = Instant::now();
        while pending.all > 0 {
            for (token, (subscriber, tail)) in self.list.iter_mut().zip(&mut tails).enumerate() {
                let begin = tail.len();
                self.buffer[..begin].copy_from_slice(tail);
                let count = match subscriber.socket.read(&mut self.buffer[begin..]) {
                    Ok(0) => bail!("the server closed a subscriber"),
                    Ok(count) => count,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                    Err(error) => return Err(error).context("read a subscriber"),
                };
                bytes += count as u64;
                last_read = Instant::now();
                let read = &self.buffer[..begin + count];
                pending.take(token, field.find_iter(read).count() as u64)?;
                let kept = read.len().min(DATA_FIELD.len() - 1);
                tail.clear();
                tail.extend_from_slice(&read[read.len() - kept..]);
            }
            ensure!(
                last_read.elapsed() < RESPONSE_TIMEOUT,
                "{} messages never came",
                pending.all
            );
        }
        Ok(bytes)
    }

    /// Reads from the sockets that are ready, and returns the number of bytes.
    fn poll_sockets(
        &mut self,
        timeout_ms: i32,
        on_event: &mut impl FnMut(usize, &[u8]),
    ) -> Result<u64> {
        let mut bytes = 0;
        for index in 0..self.epoll.wait(timeout_ms)? {
            let token = usize::try_from(self.epoll.token(index)).context("a token")?;
            let subscriber = &mut self.list[token];
            loop {
                match subscriber.socket.read(&mut self.buffer) {
                    Ok(0) => bail!("the server closed subscriber {token}"),
                    Ok(count) => {
                        bytes += count as u64;
                        subscriber
                            .stream
                            .feed(&self.buffer[..count], |event| on_event(token, event))?;
                        if count < self.buffer.len() {
                            break;
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error).context("read a subscriber"),
                }
            }
        }
        Ok(bytes)
    }
}

/// Whether an event carries a message, unlike a comment, a bare `retry`, or a control event of Durable Streams.
pub fn is_message(event: &[u8]) -> bool {
    let has_data =
        event.starts_with(b"data:") || event.windows(6).any(|window| window == b"\ndata:");
    has_data && !event.starts_with(b"event: control")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_came_twice_does_not_stand_for_another_subscribers() {
        let mut pending = PendingMessages::new(2, 3);
        pending.take(0, 2).expect("two of three");
        pending.take(0, 1).expect("the last");
        assert_eq!(pending.all, 3);
        pending.take(0, 1).expect_err("a fourth of three");
        assert_eq!(pending.all, 3);
    }
}
