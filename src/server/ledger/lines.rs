//! The server's log lines, as text or JSON, written by a thread of their own.
//!
//! Requests only add to a buffer. Where its reader does not keep up, lines are dropped and counted
//! rather than kept: memory stays bounded, and the next line says how many are missing.

use std::{
    fmt::{self, Write as _},
    io::Write,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use parking_lot::{Condvar, Mutex};
use serde_json::{Map, Value, json};

use super::{
    ClientLabel,
    connection::CLIENT_LEFT,
    counts::{Figures, Transport},
};
use crate::domain::room::Room;

/// Unwritten lines that are kept at the most.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// How long lines are gathered for one write.
const GATHER: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

/// Where in an answer's life a request line was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The answer is complete.
    Answered,
    /// A stream began.
    Opened,
    /// A stream ended.
    Closed,
}

/// What a request line tells.
#[derive(Debug)]
pub struct RequestLine {
    pub phase: Phase,
    pub transport: Transport,
    /// `None` where the request was refused before its room was known.
    pub room: Option<Room>,
    pub client: Option<ClientLabel>,
    /// [`CLIENT_LEFT`] where it was not answered.
    pub status: u16,
    pub messages: u64,
    pub wire_bytes_in: u64,
    pub wire_bytes_out: u64,
    started: Instant,
}

impl RequestLine {
    pub fn new(transport: Transport, room: Option<&Room>, client: Option<&ClientLabel>) -> Self {
        Self {
            phase: Phase::Answered,
            transport,
            room: room.cloned(),
            client: client.cloned(),
            status: CLIENT_LEFT,
            messages: 0,
            wire_bytes_in: 0,
            wire_bytes_out: 0,
            started: Instant::now(),
        }
    }
}

/// A line's name and its fields, in order.
struct Line<'a> {
    event: &'a str,
    fields: &'a [(&'a str, Value)],
}

/// The log. Cloning shares it.
#[derive(Clone)]
pub struct Lines {
    format: Format,
    shared: Arc<Shared>,
}

struct Shared {
    buffer: Mutex<Buffer>,
    filled: Condvar,
}

#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    dropped: u64,
    closed: bool,
}

/// Ends the writing thread when the server is done.
pub struct Writer {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

impl Lines {
    /// A log that is written to `out`.
    pub fn to(
        mut out: impl Write + Send + 'static,
        format: Format,
    ) -> std::io::Result<(Self, Writer)> {
        let shared = Arc::new(Shared {
            buffer: Mutex::default(),
            filled: Condvar::new(),
        });
        let source = shared.clone();
        let thread = thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || {
                while let Some(lines) = source.take() {
                    // A log that cannot be written is no reason to stop serving.
                    let _ = out.write_all(&lines).and_then(|()| out.flush());
                }
            })?;
        Ok((
            Self {
                format,
                shared: shared.clone(),
            },
            Writer { shared, thread },
        ))
    }

    /// Something the operator should know.
    pub fn note(&self, event: &str, text: impl fmt::Display) {
        self.write(Line {
            event,
            fields: &[("detail", text.to_string().into())],
        });
    }

    pub fn request(&self, line: &RequestLine) {
        let event = match line.phase {
            Phase::Answered => "request",
            Phase::Opened => "opened",
            Phase::Closed => "closed",
        };
        let text = |value: Option<&str>| value.map_or(Value::Null, Value::from);
        self.write(Line {
            event,
            fields: &[
                ("transport", line.transport.as_str().into()),
                ("room", text(line.room.as_ref().map(Room::as_str))),
                (
                    "client",
                    text(line.client.as_ref().map(ClientLabel::as_str)),
                ),
                ("status", line.status.into()),
                ("messages", line.messages.into()),
                ("wire_bytes_in", line.wire_bytes_in.into()),
                ("wire_bytes_out", line.wire_bytes_out.into()),
                (
                    "duration_ms",
                    json!((line.started.elapsed().as_secs_f64() * 1e6).round() / 1e3),
                ),
            ],
        });
    }

    /// What a transport cost in the last `seconds`.
    pub fn summary(&self, seconds: u64, transport: Transport, figures: Figures) {
        let bytes = figures.wire_bytes_in + figures.wire_bytes_out;
        let per_message = match figures.messages {
            0 => Value::Null,
            messages => (bytes / messages).into(),
        };
        self.write(Line {
            event: "summary",
            fields: &[
                ("seconds", seconds.into()),
                ("transport", transport.as_str().into()),
                ("requests", figures.requests.into()),
                ("empty", figures.empty.into()),
                ("messages", figures.messages.into()),
                ("wire_bytes_in", figures.wire_bytes_in.into()),
                ("wire_bytes_out", figures.wire_bytes_out.into()),
                ("wire_bytes_per_message", per_message),
                ("connections", figures.connections.into()),
                ("open", figures.open.into()),
            ],
        });
    }

    /// Text that is written as it is, such as the closing table.
    pub fn verbatim(&self, text: &str) {
        self.shared.add(text.as_bytes());
    }

    fn write(&self, line: Line<'_>) {
        let text = match self.format {
            Format::Text => line.text(),
            Format::Json => line.json(),
        };
        self.shared.add(text.as_bytes());
    }
}

impl Line<'_> {
    fn text(&self) -> String {
        let mut text = format!("{:.6} {}", Timestamp::now(), self.event);
        for (name, value) in self.fields {
            // Writing to a string cannot fail.
            let _ = match value {
                Value::Null => write!(text, " {name}=-"),
                Value::String(value) if *name == "detail" => write!(text, " {value}"),
                Value::String(value) => write!(text, " {name}={value}"),
                value => write!(text, " {name}={value}"),
            };
        }
        text.push('\n');
        text
    }

    fn json(&self) -> String {
        let mut object = Map::new();
        object.insert("time".to_owned(), format!("{:.6}", Timestamp::now()).into());
        object.insert("event".to_owned(), self.event.into());
        for (name, value) in self.fields {
            object.insert((*name).to_owned(), value.clone());
        }
        let mut text = Value::Object(object).to_string();
        text.push('\n');
        text
    }
}

impl Shared {
    fn add(&self, text: &[u8]) {
        let mut buffer = self.buffer.lock();
        if buffer.bytes.len() + text.len() > BUFFER_BYTES {
            buffer.dropped += 1;
            return;
        }
        let was_empty = buffer.bytes.is_empty();
        buffer.bytes.extend_from_slice(text);
        if was_empty {
            self.filled.notify_one();
        }
    }

    /// All lines that are waiting; waits for some. `None` when the log is closed and empty.
    fn take(&self) -> Option<Vec<u8>> {
        let mut buffer = self.buffer.lock();
        while buffer.bytes.is_empty() {
            if buffer.closed {
                return None;
            }
            self.filled.wait(&mut buffer);
        }
        if !buffer.closed {
            drop(buffer);
            thread::sleep(GATHER);
            buffer = self.buffer.lock();
        }
        let dropped = std::mem::take(&mut buffer.dropped);
        let mut lines = std::mem::take(&mut buffer.bytes);
        if dropped > 0 {
            lines.extend_from_slice(format!("({dropped} log lines dropped here)\n").as_bytes());
        }
        Some(lines)
    }
}

impl Writer {
    /// Writes what is left and ends the thread.
    pub fn finish(self) {
        self.shared.buffer.lock().closed = true;
        self.shared.filled.notify_one();
        // The thread only ends by itself; a panic in it was printed already.
        let _ = self.thread.join();
    }
}
