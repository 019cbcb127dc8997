//! Many clients of one server that send one request and stay connected: in batches, or all before the first is
//! answered.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::epoll::Epoll;
use super::report::limits::readers::{ConnectOrder, FirstByteTimes};
use super::report::spread::spread;
use super::servers::RunningServer;
use super::usage::cpu_time;

/// The longest time until all clients have an answer.
const SERVE_TIMEOUT: Duration = Duration::from_secs(60);
/// A server is idle if it uses less CPU time than this in an interval.
const IDLE_CPU_TIME: Duration = Duration::from_micros(100);
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// The size of a batch, whose clients send their requests together.
const BATCH: usize = 50;

struct HerdClient {
    socket: TcpStream,
    asked_at: Instant,
    /// From its request to the first byte of its answer.
    wait: Option<Duration>,
    /// Whether that answer was an error, or the connection was closed.
    is_refused: bool,
}

/// Clients that stay connected until this is dropped.
pub struct Herd {
    epoll: Epoll,
    clients: Vec<HerdClient>,
    began_at: Instant,
}

impl Herd {
    /// Connects `count` clients to `server` that all send `request`. With `is_answered`, returns once each client has
    /// the beginning of its answer. Otherwise the requests wait for a message, and this returns once the server is
    /// idle.
    pub fn connect(
        server: &RunningServer,
        request: &[u8],
        count: usize,
        arrival: ConnectOrder,
        is_answered: bool,
    ) -> Result<Self> {
        let mut herd = Self {
            epoll: Epoll::new()?,
            clients: Vec::with_capacity(count),
            began_at: Instant::now(),
        };
        let batch = match arrival {
            ConnectOrder::InTurn => BATCH,
            ConnectOrder::Herd => count,
        };
        while herd.clients.len() < count {
            let first = herd.clients.len();
            for _ in first..count.min(first + batch) {
                herd.add_client(server.address)?;
            }
            for client in &mut herd.clients[first..] {
                client.asked_at = Instant::now();
                client.socket.write_all(request).context("ask")?;
            }
            if is_answered {
                herd.wait_answered(first)?;
            } else if arrival == ConnectOrder::InTurn {
                wait_idle(&server.pids_with_companion())?;
            }
        }
        Ok(herd)
    }

    fn add_client(&mut self, address: SocketAddr) -> Result<()> {
        let socket = TcpStream::connect_timeout(&address, SERVE_TIMEOUT)
            .with_context(|| format!("connect client {}", self.clients.len()))?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        self.epoll.add(socket.as_fd(), self.clients.len() as u64)?;
        self.clients.push(HerdClient {
            socket,
            asked_at: Instant::now(),
            wait: None,
            is_refused: false,
        });
        Ok(())
    }

    /// Waits until all clients from `first` on have the beginning of their answer.
    fn wait_answered(&mut self, first: usize) -> Result<()> {
        let deadline = Instant::now() + SERVE_TIMEOUT;
        let clients = &self.clients[first..];
        let mut left = clients.iter().filter(|one| one.wait.is_none()).count();
        let mut buffer = [0; 16 * 1024];
        while left > 0 {
            ensure!(Instant::now() < deadline, "{left} clients were not served");
            for index in 0..self.epoll.wait(10)? {
                let token = usize::try_from(self.epoll.token(index)).context("a token")?;
                left -= usize::from(self.clients[token].read_answer(&mut buffer)?);
            }
        }
        Ok(())
    }

    /// The number of clients refused so far. If requests must wait, every answer counts as a refusal.
    pub fn count_refused(&mut self, is_answered: bool) -> Result<usize> {
        let mut buffer = [0; 16 * 1024];
        loop {
            let ready = self.epoll.wait(0)?;
            for index in 0..ready {
                let token = usize::try_from(self.epoll.token(index)).context("a token")?;
                self.clients[token].read_answer(&mut buffer)?;
            }
            if ready == 0 {
                break;
            }
        }
        let refused = self
            .clients
            .iter()
            .filter(|client| client.is_refused || (!is_answered && client.wait.is_some()));
        Ok(refused.count())
    }

    /// How long the clients waited for the first byte; `None` if no client was answered.
    pub fn first_byte_times(&self) -> Option<FirstByteTimes> {
        let ms = |wait: Duration| wait.as_secs_f64() * 1e3;
        let waits = self.clients.iter().filter_map(|client| client.wait);
        let waits = spread(waits.map(ms))?;
        let last = self
            .clients
            .iter()
            .filter_map(|client| Some(client.asked_at + client.wait?));
        Some(FirstByteTimes {
            all_ms: ms(last.max()? - self.began_at),
            median_ms: waits.median,
            longest_ms: waits.max,
        })
    }
}

impl HerdClient {
    /// Reads the available bytes. Returns whether they are the first of the client's answer.
    fn read_answer(&mut self, buffer: &mut [u8]) -> Result<bool> {
        let mut begins = false;
        loop {
            match self.socket.read(buffer) {
                Ok(count @ 1..) => {
                    if self.wait.is_none() {
                        self.is_refused = is_error(&buffer[..count]);
                        begins |= self.begin_answer();
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(begins),
                // The server closed the connection.
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => return Err(error).context("read an answer"),
            }
        }
        self.is_refused = true;
        Ok(self.begin_answer() || begins)
    }

    /// Records the begin of an answer. Returns false if it had begun before.
    fn begin_answer(&mut self) -> bool {
        let begins = self.wait.is_none();
        self.wait.get_or_insert_with(|| self.asked_at.elapsed());
        begins
    }
}

/// Waits until these processes are idle.
fn wait_idle(pids: &[i32]) -> Result<()> {
    let deadline = Instant::now() + SERVE_TIMEOUT;
    let mut before = cpu_time(pids)?;
    loop {
        std::thread::sleep(POLL_INTERVAL);
        let now = cpu_time(pids)?;
        if now - before < IDLE_CPU_TIME {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "the server did not become idle");
        before = now;
    }
}

/// Whether the answer that begins with `head` has an error's status.
fn is_error(head: &[u8]) -> bool {
    let status = head.strip_prefix(b"HTTP/1.1 ").and_then(<[u8]>::first);
    !matches!(status, Some(b'1'..=b'3'))
}
