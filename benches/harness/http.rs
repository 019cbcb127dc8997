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
    is_over: bool,
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
        Self::open_within(address, RESPONSE_TIMEOUT)
    }

    /// The same, with less time for each answer.
    pub fn open_within(address: SocketAddr, patience: Duration) -> Result<Self> {
        let socket = TcpStream::connect_timeout(&address, patience)
            .with_context(|| format!("connect to {address}"))?;
        socket.set_nodelay(true)?;
        socket.set_write_timeout(Some(patience))?;
        Self::over_within(socket, patience)
    }

    /// Over a socket that is connected already.
    pub fn over(socket: TcpStream) -> Result<Self> {
        Self::over_within(socket, RESPONSE_TIMEOUT)
    }

    fn over_within(socket: TcpStream, patience: Duration) -> Result<Self> {
        socket.set_read_timeout(Some(patience))?;
        Ok(Self {
            socket,
            received: Vec::new(),
            is_over: false,
        })
    }

    pub fn send(&mut self, request: &[u8]) -> Result<()> {
        self.socket.write_all(request).context("send a request")
    }

    /// Waits for the answer to the last request: with a length, in chunks, or up to the connection's end.
    pub fn answer(&mut self) -> Result<Answer> {
        loop {
            if let Some(answer) = self.complete(false)? {
                return Ok(answer);
            }
            let count = self.receive()?;
            if count == 0 {
                let answer = self.complete(true)?;
                return answer.context("the server closed the connection");
            }
        }
    }

    /// Whether the connection is of no more use after the last answer.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// The answer, if all of it has been received.
    fn complete(&mut self, at_end: bool) -> Result<Option<Answer>> {
        let Some(head) = Head::read(&self.received)? else {
            return Ok(None);
        };
        let rest = &self.received[head.bytes..];
        let (body, taken) = match head.framing {
            Framing::Length(length) if rest.len() >= length => (rest[..length].to_vec(), length),
            Framing::Chunks => match unchunk(rest)? {
                Some(whole) => whole,
                None => return Ok(None),
            },
            Framing::Close if at_end => (rest.to_vec(), rest.len()),
            Framing::Length(_) | Framing::Close => return Ok(None),
        };
        let wire_bytes = head.bytes + taken;
        self.received.drain(..wire_bytes);
        self.is_over = head.closes || at_end;
        Ok(Some(Answer {
            status: head.status,
            wire_bytes,
            body,
        }))
    }

    fn receive(&mut self) -> Result<usize> {
        let mut buffer = [0; 16 * 1024];
        let count = self
            .socket
            .read(&mut buffer)
            .context("wait for an answer")?;
        self.received.extend_from_slice(&buffer[..count]);
        Ok(count)
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

/// An answer's head: what it says of the body.
struct Head {
    status: u16,
    bytes: usize,
    framing: Framing,
    closes: bool,
}

enum Framing {
    Length(usize),
    Chunks,
    Close,
}

impl Head {
    /// The head that `received` begins with; `None` until it is complete.
    fn read(received: &[u8]) -> Result<Option<Self>> {
        let Some(at) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = std::str::from_utf8(&received[..at]).context("the head is no text")?;
        let status = head
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3)?.parse().ok())
            .with_context(|| format!("no HTTP/1.1 answer: {head}"))?;
        let value_of = |wanted: &str| {
            let mut headers = head.lines().filter_map(|line| line.split_once(':'));
            let found = headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.trim().to_ascii_lowercase())
        };
        let framing = match (value_of("transfer-encoding"), value_of("content-length")) {
            (Some(coding), _) if coding == "chunked" => Framing::Chunks,
            (None, Some(length)) => Framing::Length(length.parse().context("Content-Length")?),
            _ if matches!(status, 204 | 304) => Framing::Length(0),
            _ => Framing::Close,
        };
        Ok(Some(Self {
            status,
            bytes: at + 4,
            framing,
            closes: value_of("connection").is_some_and(|value| value == "close"),
        }))
    }
}

/// A body in chunks put together, and how many bytes it took; `None` until it is complete.
fn unchunk(received: &[u8]) -> Result<Option<(Vec<u8>, usize)>> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let rest = &received[at..];
        let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&rest[..end]).context("a chunk's size")?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).context("a chunk's size")?;
        let data = end + 2;
        let Some(chunk) = rest.get(data..data + size + 2) else {
            return Ok(None);
        };
        at += data + size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
        body.extend_from_slice(&chunk[..size]);
    }
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

/// A request with further fields in its head.
pub fn with_fields(request: Vec<u8>, fields: &[(&str, &str)]) -> Vec<u8> {
    const END: &[u8] = b"\r\n";
    let Some(line) = request.windows(END.len()).position(|two| two == END) else {
        return request;
    };
    let (line, rest) = request.split_at(line + END.len());
    let mut with = line.to_vec();
    for (name, value) in fields {
        with.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    with.extend_from_slice(rest);
    with
}
