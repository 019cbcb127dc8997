//! One stream on a blocking socket.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::sse::Decoder;

/// An open stream. Dropping it closes its connection.
pub struct Reader {
    socket: TcpStream,
    decoder: Decoder,
    /// Events that arrived together with the head.
    early: Vec<Event>,
}

/// An event that carries data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: Option<String>,
    pub data: String,
}

impl Reader {
    /// Sends the request for a stream without waiting for the answer.
    pub fn connect(address: SocketAddr, path: &str, last_event_id: Option<&str>) -> Result<Self> {
        let mut socket = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        socket.set_nodelay(true)?;
        let resume = last_event_id.map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{resume}\r\n"
        );
        socket.write_all(request.as_bytes())?;
        Ok(Self {
            socket,
            decoder: Decoder::new(),
            early: Vec::new(),
        })
    }

    /// Sends the request for a stream and waits for the answer's head.
    pub fn open(address: SocketAddr, path: &str, last_event_id: Option<&str>) -> Result<Self> {
        let mut reader = Self::connect(address, path, last_event_id)?;
        let deadline = Instant::now() + Duration::from_secs(10);
        match reader.wait_open(deadline)? {
            true => Ok(reader),
            false => bail!("the stream did not open"),
        }
    }

    /// Waits for the head. Returns false if it has not arrived by `deadline`.
    pub fn wait_open(&mut self, deadline: Instant) -> Result<bool> {
        while !self.decoder.is_open() {
            let mut events = std::mem::take(&mut self.early);
            let read = self.read_until(deadline, &mut events);
            self.early = events;
            if read?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Waits for the next events, at least one. Fails if none has arrived by `deadline`.
    pub fn wait_events(&mut self, deadline: Instant) -> Result<Vec<Event>> {
        let mut events = std::mem::take(&mut self.early);
        while events.is_empty() {
            let read = self.read_until(deadline, &mut events)?;
            read.context("no event came in time")?;
        }
        Ok(events)
    }

    /// Reads once. Returns `None` if nothing has arrived by `deadline`.
    fn read_until(&mut self, deadline: Instant, events: &mut Vec<Event>) -> Result<Option<()>> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        self.socket.set_read_timeout(Some(left))?;
        let mut buffer = [0; 64 * 1024];
        match self.socket.read(&mut buffer) {
            Ok(0) => bail!("the server ended the stream"),
            Ok(count) => {
                let take = |event: &[u8]| events.extend(parse(event));
                self.decoder.feed(&buffer[..count], take)?;
                Ok(Some(()))
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(None)
            }
            Err(error) => Err(error).context("read a stream"),
        }
    }
}

fn parse(event: &[u8]) -> Option<Event> {
    let text = std::str::from_utf8(event).ok()?;
    let values = |name: &'static str| {
        let lines = text
            .lines()
            .filter_map(move |line| line.strip_prefix(name)?.strip_prefix(':'));
        lines.map(|value| value.strip_prefix(' ').unwrap_or(value))
    };
    let data: Vec<_> = values("data").collect();
    let data = (!data.is_empty()).then(|| data.join("\n"))?;
    let id = values("id").next_back().map(str::to_owned);
    Some(Event { id, data })
}
