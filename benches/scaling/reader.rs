//! One stream on a blocking socket, read on demand, for readers that stall, that are timed individually, or that
//! reconnect.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, Result, bail, ensure};

use super::http::{self, RESPONSE_TIMEOUT};
use super::sse::Decoder;

/// A message that a reader received.
pub struct ReceivedMessage {
    pub id: u64,
    pub cursor: String,
}

/// A stream that is read only on demand.
pub struct Reader {
    socket: TcpStream,
    decoder: Decoder,
    buffer: Vec<u8>,
    /// Messages that arrived together with the head.
    early: Vec<ReceivedMessage>,
}

impl Reader {
    /// Subscribes, and reads the answer's head.
    pub fn open(address: SocketAddr, path: &str, after: Option<&str>) -> Result<Self> {
        let mut socket =
            TcpStream::connect_timeout(&address, RESPONSE_TIMEOUT).context("connect")?;
        socket.set_read_timeout(Some(RESPONSE_TIMEOUT))?;
        let mut request = http::get_stream(path);
        if let Some(cursor) = after {
            request = http::with_fields(request, &[("Last-Event-ID", cursor)]);
        }
        socket.write_all(&request)?;
        let mut reader = Self {
            socket,
            decoder: Decoder::new(),
            buffer: vec![0; 1024],
            early: Vec::new(),
        };
        let mut early = Vec::new();
        while !reader.decoder.is_open() {
            ensure!(reader.read_some(&mut early)?, "the server refused a stream");
        }
        reader.early = early;
        Ok(reader)
    }

    /// Reads once. Returns false at the end of the stream.
    pub fn read_some(&mut self, seen: &mut Vec<ReceivedMessage>) -> Result<bool> {
        if !self.early.is_empty() {
            seen.append(&mut self.early);
            return Ok(true);
        }
        let count = match self.socket.read(&mut self.buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
            Err(error) => return Err(error).context("read a stream"),
        };
        let mut wrong = Ok(());
        self.decoder.feed(&self.buffer[..count], |event| {
            match message(event) {
                Ok(message) => seen.extend(message),
                Err(error) => wrong = Err(error),
            };
        })?;
        wrong?;
        // The buffer grows only now: a stalled reader needs no large one.
        self.buffer.resize(64 * 1024, 0);
        Ok(count > 0)
    }

    pub fn read_to_end(&mut self, seen: &mut Vec<ReceivedMessage>) -> Result<()> {
        while self.read_some(seen)? {}
        Ok(())
    }
}

/// The message in an event; `None` for a comment or a bare `retry`.
fn message(event: &[u8]) -> Result<Option<ReceivedMessage>> {
    let text = std::str::from_utf8(event).context("the event is not UTF-8")?;
    let field = |name| text.lines().find_map(|line| line.strip_prefix(name));
    let Some(data) = field("data: ") else {
        return Ok(None);
    };
    if field("event: ").is_some() {
        bail!("an event instead of a message: {text}");
    }
    let data: serde_json::Value = serde_json::from_str(data)?;
    Ok(Some(ReceivedMessage {
        id: data["id"].as_u64().context("a message without an id")?,
        cursor: field("id: ")
            .context("a message without a cursor")?
            .to_owned(),
    }))
}
