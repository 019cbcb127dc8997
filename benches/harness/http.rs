//! A small blocking HTTP/1.1 client on one kept-alive connection, for publishing, polling and learning a frame. The
//! loads (`subscribers`, `pollers`) have their own loops.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use poll_vs_sse_instrument::http::answer_reader::AnswerReader;

/// The longest time for an answer.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// One kept-alive connection.
pub struct Connection {
    socket: TcpStream,
    received: Vec<u8>,
    is_closed: bool,
}

/// A whole answer with its head.
#[derive(Debug, Default)]
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

    /// The same with another time limit for each answer.
    pub fn open_within(address: SocketAddr, within: Duration) -> Result<Self> {
        let socket = TcpStream::connect_timeout(&address, within)
            .with_context(|| format!("connect to {address}"))?;
        socket.set_nodelay(true)?;
        socket.set_write_timeout(Some(within))?;
        Self::from_socket_within(socket, within)
    }

    /// A connection over a connected socket.
    pub fn from_socket(socket: TcpStream) -> Result<Self> {
        Self::from_socket_within(socket, RESPONSE_TIMEOUT)
    }

    fn from_socket_within(socket: TcpStream, within: Duration) -> Result<Self> {
        socket.set_read_timeout(Some(within))?;
        Ok(Self {
            socket,
            received: Vec::new(),
            is_closed: false,
        })
    }

    pub fn send(&mut self, request: &[u8]) -> Result<()> {
        self.socket.write_all(request).context("send a request")
    }

    /// Waits for the answer to the last request. Its body has a length, is chunked, or lasts until the connection ends.
    pub fn answer(&mut self) -> Result<Answer> {
        let mut reader = AnswerReader::default();
        let mut answer = Answer::default();
        let mut is_ended = false;
        loop {
            let body = &mut answer.body;
            let taken = reader.feed(&self.received, |part| body.extend_from_slice(part))?;
            self.received.drain(..taken);
            answer.wire_bytes += taken;
            if reader.is_complete() || is_ended {
                break;
            }
            is_ended = self.receive()? == 0;
            ensure!(
                !is_ended || reader.may_end(),
                "the server closed the connection"
            );
        }
        let head = reader.head().context("the answer has no head")?;
        answer.status = head.status;
        self.is_closed = head.closes || is_ended;
        Ok(answer)
    }

    /// Whether the server closes the connection after the last answer.
    pub fn is_closed(&self) -> bool {
        self.is_closed
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

    /// Sends a request and waits for its answer.
    pub fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.send(request)?;
        self.answer()
    }

    /// Reads the next available bytes.
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
