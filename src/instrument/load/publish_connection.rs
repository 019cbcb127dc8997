//! The connection that a message is published on: blocking, one request at a time.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Error, Result, ensure};

use super::{
    connect::connect_within,
    http::{Body, Head, Timeout, UnexpectedStatus},
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// A connection that was idle for longer may have been closed by the server.
const STALE_AFTER: Duration = Duration::from_secs(2);

/// See the module.
pub struct PublishConnection {
    addr: SocketAddr,
    stream: Option<(TcpStream, Instant)>,
    /// What the server calls itself, once it has answered.
    pub server: Option<String>,
}

impl PublishConnection {
    pub fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            stream: None,
            server: None,
        }
    }

    /// Sends a request and waits for its answer, which must be a 2xx.
    pub fn send(&mut self, request: &[u8]) -> Result<()> {
        let kept = self.stream.take();
        let fresh = kept.filter(|(_, used)| used.elapsed() < STALE_AFTER);
        let stream = match fresh {
            Some((stream, _)) => stream,
            None => self.open()?,
        };
        let head = exchange(&stream, request, &mut self.server)?;
        if !head.closes {
            self.stream = Some((stream, Instant::now()));
        }
        ensure!(head.status / 100 == 2, UnexpectedStatus(head.status));
        Ok(())
    }

    fn open(&self) -> Result<TcpStream> {
        let stream = connect_within(self.addr, PATIENCE)
            .with_context(|| format!("cannot connect to {}", self.addr))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }
}

fn exchange(mut stream: &TcpStream, request: &[u8], server: &mut Option<String>) -> Result<Head> {
    stream.write_all(request).context("cannot send")?;
    let mut buffer = [0; 4096];
    let mut raw = Vec::new();
    let mut more = |raw: &mut Vec<u8>| -> Result<usize> {
        let count = stream
            .read(&mut buffer)
            .map_err(|error| match error.kind() {
                // What a read that took too long is called differs between systems.
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Error::new(Timeout),
                _ => Error::new(error).context("no answer"),
            })?;
        raw.extend_from_slice(&buffer[..count]);
        Ok(count)
    };
    let head = loop {
        let header = |name: &str, value: &[u8]| {
            if server.is_none() && name.eq_ignore_ascii_case("server") {
                *server = Some(String::from_utf8_lossy(value).into_owned());
            }
        };
        match Head::parse(&raw, header)? {
            Some(head) if head.status >= 200 => break head,
            Some(head) => drop(raw.drain(..head.length)),
            None => ensure!(
                more(&mut raw)? > 0,
                "the connection was closed without an answer"
            ),
        }
    };
    raw.drain(..head.length);
    let mut body = Body::new(head.framing);
    loop {
        body.take(&mut raw, &mut Vec::new())?;
        if body.is_done() {
            return Ok(head);
        }
        if more(&mut raw)? == 0 {
            ensure!(body.may_end(), "the answer was cut short");
            return Ok(head);
        }
    }
}
