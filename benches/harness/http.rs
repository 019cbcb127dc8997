//! A small blocking HTTP/1.1 client on one kept-alive connection: for publishing, asking and
//! learning. The loads (`subscribers`, `pollers`) have their own loops.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// How long any one answer may take.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// One kept-alive connection.
pub struct Connection {
    socket: TcpStream,
    received: Vec<u8>,
}

/// A whole answer with its head.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Bytes of head and body together, as they crossed the socket.
    pub wire_bytes: usize,
    pub body: Vec<u8>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Result<Self> {
        let socket = TcpStream::connect_timeout(&address, RESPONSE_TIMEOUT)
            .with_context(|| format!("connect to {address}"))?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(RESPONSE_TIMEOUT))?;
        socket.set_write_timeout(Some(RESPONSE_TIMEOUT))?;
        Ok(Self {
            socket,
            received: Vec::new(),
        })
    }

    pub fn send(&mut self, request: &[u8]) -> Result<()> {
        self.socket.write_all(request).context("send a request")
    }

    /// Waits for the answer to the last request. Only answers with a `Content-Length` are
    /// understood.
    pub fn answer(&mut self) -> Result<Answer> {
        loop {
            if let Some(shape) = shape(&self.received)? {
                let all = shape.head_bytes + shape.body_bytes;
                if self.received.len() >= all {
                    let body = self.received[shape.head_bytes..all].to_vec();
                    self.received.drain(..all);
                    return Ok(Answer {
                        status: shape.status,
                        wire_bytes: all,
                        body,
                    });
                }
            }
            let bytes = self.read_some()?;
            self.received.extend_from_slice(&bytes);
        }
    }

    pub fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.send(request)?;
        self.answer()
    }

    /// Whatever comes next, raw.
    pub fn read_some(&mut self) -> Result<Vec<u8>> {
        let mut buffer = vec![0; 64 * 1024];
        let count = self
            .socket
            .read(&mut buffer)
            .context("wait for an answer")?;
        ensure!(count > 0, "the server closed the connection");
        buffer.truncate(count);
        Ok(buffer)
    }
}

/// Where an answer's head and body end.
pub struct Shape {
    pub status: u16,
    pub head_bytes: usize,
    pub body_bytes: usize,
}

/// The shape of the answer that `bytes` begins with; `None` until its head is complete.
pub fn shape(bytes: &[u8]) -> Result<Option<Shape>> {
    let Some(head_bytes) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head_bytes = head_bytes + 4;
    let head = std::str::from_utf8(&bytes[..head_bytes]).context("the head is no text")?;
    let status = head
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok())
        .with_context(|| format!("no HTTP/1.1 answer: {head}"))?;
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map(|(_, value)| value.trim().parse().context("Content-Length"));
    let Some(body_bytes) = length.transpose()? else {
        bail!("an answer without Content-Length: {head}");
    };
    Ok(Some(Shape {
        status,
        head_bytes,
        body_bytes,
    }))
}

pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

/// The head of a stream's request, as a browser's EventSource would ask.
pub fn get_stream(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        .into_bytes()
}

pub fn post(path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}
