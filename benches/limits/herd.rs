//! Many clients of one server that ask once and stay: one after the other, or all before the first is answered.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::epoll::Epoll;
use super::report::limits::readers::{Arrival, Served};
use super::report::spread::spread;
use super::servers::RunningServer;
use super::usage::cpu_time;

/// How long it may take until all are served.
const SERVE_TIMEOUT: Duration = Duration::from_secs(60);
/// A server is idle if it takes less CPU than this from one look to the next.
const IDLE: Duration = Duration::from_micros(100);
const LOOK: Duration = Duration::from_millis(50);
/// Clients that ask at once where they come one after the other.
const BATCH: usize = 50;

struct Client {
    socket: TcpStream,
    asked_at: Instant,
    /// From its request to the first byte of its answer.
    wait: Option<Duration>,
    /// That answer was an error, or the connection was closed.
    is_refused: bool,
}

/// Clients that stay connected until this is dropped.
pub struct Herd {
    epoll: Epoll,
    clients: Vec<Client>,
    began_at: Instant,
}

impl Herd {
    /// Connects `count` clients of `server` that all send `request`. With `is_answered`, each has the beginning of its answer
    /// when this returns; without, a request is to wait, and has come when the server does nothing more.
    pub fn come(
        server: &RunningServer,
        request: &[u8],
        count: usize,
        arrival: Arrival,
        is_answered: bool,
    ) -> Result<Self> {
        let mut herd = Self {
            epoll: Epoll::new()?,
            clients: Vec::with_capacity(count),
            began_at: Instant::now(),
        };
        let batch = match arrival {
            Arrival::InTurn => BATCH,
            Arrival::Herd => count,
        };
        while herd.clients.len() < count {
            let first = herd.clients.len();
            for _ in first..count.min(first + batch) {
                herd.connect(server.address)?;
            }
            for client in &mut herd.clients[first..] {
                client.asked_at = Instant::now();
                client.socket.write_all(request).context("ask")?;
            }
            if is_answered {
                herd.wait_served(first)?;
            } else if arrival == Arrival::InTurn {
                wait_idle(&server.pids_with_beside())?;
            }
        }
        Ok(herd)
    }

    fn connect(&mut self, address: SocketAddr) -> Result<()> {
        let socket = TcpStream::connect_timeout(&address, SERVE_TIMEOUT)
            .with_context(|| format!("connect client {}", self.clients.len()))?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        self.epoll.add(socket.as_fd(), self.clients.len() as u64)?;
        self.clients.push(Client {
            socket,
            asked_at: Instant::now(),
            wait: None,
            is_refused: false,
        });
        Ok(())
    }

    /// Waits until all from `first` on have the beginning of their answer.
    fn wait_served(&mut self, first: usize) -> Result<()> {
        let deadline = Instant::now() + SERVE_TIMEOUT;
        let clients = &self.clients[first..];
        let mut left = clients.iter().filter(|one| one.wait.is_none()).count();
        let mut buffer = [0; 16 * 1024];
        while left > 0 {
            ensure!(
                Instant::now() < deadline,
                "{left} clients were never served"
            );
            for index in 0..self.epoll.wait(10)? {
                let token = usize::try_from(self.epoll.token(index)).context("a token")?;
                left -= usize::from(self.clients[token].is_answered_now(&mut buffer)?);
            }
        }
        Ok(())
    }

    /// How many were refused, so far and up to now; where requests are to wait, every answer is a refusal.
    pub fn refused(&mut self, is_answered: bool) -> Result<usize> {
        let mut buffer = [0; 16 * 1024];
        loop {
            let ready = self.epoll.wait(0)?;
            for index in 0..ready {
                let token = usize::try_from(self.epoll.token(index)).context("a token")?;
                self.clients[token].is_answered_now(&mut buffer)?;
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

    /// How long they waited, where they were answered.
    pub fn served(&self) -> Option<Served> {
        let ms = |wait: Duration| wait.as_secs_f64() * 1e3;
        let waits = self.clients.iter().filter_map(|client| client.wait);
        let waits = spread(waits.map(ms))?;
        let last = self
            .clients
            .iter()
            .filter_map(|client| Some(client.asked_at + client.wait?));
        Some(Served {
            all_ms: ms(last.max()? - self.began_at),
            median_ms: waits.median,
            longest_ms: waits.max,
        })
    }
}

impl Client {
    /// Reads what is there, and says whether its answer began with it.
    fn is_answered_now(&mut self, buffer: &mut [u8]) -> Result<bool> {
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
                // The server closed it.
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => return Err(error).context("read an answer"),
            }
        }
        self.is_refused = true;
        Ok(self.begin_answer() || begins)
    }

    /// False if it had begun before.
    fn begin_answer(&mut self) -> bool {
        let begins = self.wait.is_none();
        self.wait.get_or_insert_with(|| self.asked_at.elapsed());
        begins
    }
}

/// Waits until these processes do nothing.
fn wait_idle(pids: &[i32]) -> Result<()> {
    let deadline = Instant::now() + SERVE_TIMEOUT;
    let mut before = cpu_time(pids)?;
    loop {
        std::thread::sleep(LOOK);
        let now = cpu_time(pids)?;
        if now - before < IDLE {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "the server never rests");
        before = now;
    }
}

/// Whether an answer that begins so has an error's status.
fn is_error(head: &[u8]) -> bool {
    let status = head.strip_prefix(b"HTTP/1.1 ").and_then(<[u8]>::first);
    !matches!(status, Some(b'1'..=b'3'))
}
