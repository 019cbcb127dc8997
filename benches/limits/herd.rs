//! Many clients of one server that ask once and stay: one after the other, or all before the first is answered.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::epoll::Epoll;
use super::report::limits::readers::{Arrival, Served};
use super::report::spread::spread;

/// How long it may take until all are served.
const SERVE_TIMEOUT: Duration = Duration::from_secs(60);
/// Clients that ask at once where they come one after the other.
const BATCH: usize = 50;

struct Client {
    socket: TcpStream,
    asked_at: Instant,
    /// From its request to the first byte of its answer.
    wait: Option<Duration>,
}

/// Clients that stay connected until this is dropped.
pub struct Herd {
    epoll: Epoll,
    clients: Vec<Client>,
    began_at: Instant,
}

impl Herd {
    /// Connects `count` clients that all send `request`. With `is_answered`, each has the beginning of its answer when this
    /// returns; without, a request is to wait.
    pub fn come(
        address: SocketAddr,
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
                herd.connect(address)?;
            }
            for client in &mut herd.clients[first..] {
                client.asked_at = Instant::now();
                client.socket.write_all(request).context("ask")?;
            }
            if is_answered {
                herd.wait_served(first)?;
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
                let client = &mut self.clients[token];
                if client.has_read(&mut buffer)? && client.wait.is_none() {
                    client.wait = Some(client.asked_at.elapsed());
                    left -= 1;
                }
            }
        }
        Ok(())
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
    /// Reads what is there, and says whether it was something.
    fn has_read(&mut self, buffer: &mut [u8]) -> Result<bool> {
        let mut has_read = false;
        loop {
            match self.socket.read(buffer) {
                Ok(0) => bail!("the server closed a connection"),
                Ok(_) => has_read = true,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(has_read),
                Err(error) => return Err(error).context("read an answer"),
            }
        }
    }
}
