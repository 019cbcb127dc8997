//! The server's log lines, as text or JSON, written by a separate thread.
//!
//! Requests only add to a buffer. If the reader of the log does not keep up, lines are dropped and counted: memory
//! stays bounded, and the next line says how many are missing.

use std::{
    fmt::{self, Write as _},
    io::{self, ErrorKind, Write},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use parking_lot::{Condvar, Mutex};
use serde_json::{Map, Value, json};

use super::{
    access_log_entry::{AccessLogEntry, RequestPhase},
    counters::{Account, CounterSnapshot, Protocol},
    terminal_line,
};
use crate::domain::{client_label::ClientLabel, room_set::RoomSet};

/// The status of a request whose client left before the answer, as nginx logs it.
pub const STATUS_CLIENT_CLOSED_REQUEST: u16 = 499;

/// The most bytes of unwritten lines.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// How long the end of the server waits for the last lines to be written.
const FINISH_TIMEOUT: Duration = Duration::from_millis(500);
/// How long lines are gathered for one write.
const FLUSH_INTERVAL: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Text,
    /// Text, with requests and summaries as [`terminal_line`] has them.
    Terminal,
    Json,
}

/// A line's name and its fields, in order.
struct LogRecord<'a> {
    event: &'a str,
    fields: &'a [(&'a str, Value)],
}

/// The log. Cloning shares it.
#[derive(Clone)]
pub struct EventLog {
    shared: Arc<SharedBuffer>,
}

/// The lines that wait for the writing thread.
struct SharedBuffer {
    format: Format,
    buffer: Mutex<Buffer>,
    changed: Condvar,
}

#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    dropped: u64,
    /// The number of lines that could not be written.
    lost: u64,
    /// Why the last lines could not be written.
    failure: Option<String>,
    closed: bool,
    /// Whether all lines are written.
    finished: bool,
}

/// The handle of the writing thread, for the end of the server.
pub struct LogWriter(Arc<SharedBuffer>);

impl EventLog {
    /// A log that is written to `out`.
    pub fn to(
        mut out: impl Write + Send + 'static,
        format: Format,
    ) -> io::Result<(Self, LogWriter)> {
        let shared = Arc::new(SharedBuffer {
            format,
            buffer: Mutex::default(),
            changed: Condvar::new(),
        });
        let source = shared.clone();
        thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || {
                let mut is_lost = false;
                while let Some(lines) = source.drain() {
                    let written = out.write_all(&lines).and_then(|()| out.flush());
                    // The server keeps serving even if it cannot write its log.
                    is_lost = source.note_lost(&lines, written, is_lost);
                }
                source.buffer.lock().finished = true;
                source.changed.notify_all();
            })?;
        let log = Self {
            shared: shared.clone(),
        };
        Ok((log, LogWriter(shared)))
    }

    /// Logs an event for the operator.
    pub fn event(&self, event: &str, text: impl fmt::Display) {
        self.write(LogRecord {
            event,
            fields: &[("detail", text.to_string().into())],
        });
    }

    pub fn request(&self, entry: &AccessLogEntry, protocol: Protocol) {
        if self.shared.format == Format::Terminal {
            return self.write_raw(&terminal_line::request(Timestamp::now(), entry));
        }
        let event = match entry.phase {
            RequestPhase::Answered => "request",
            RequestPhase::Opened => "opened",
            RequestPhase::Closed => "closed",
        };
        let text = |value: Option<&str>| value.map_or(Value::Null, Value::from);
        let rooms = entry.rooms.as_ref().map(RoomSet::to_string);
        self.write(LogRecord {
            event,
            fields: &[
                ("transport", entry.account.as_str().into()),
                ("room", text(rooms.as_deref())),
                (
                    "client",
                    text(entry.client.as_ref().map(ClientLabel::as_str)),
                ),
                ("status", entry.status.into()),
                ("messages", entry.messages.into()),
                ("wire_bytes_in", entry.wire_bytes_in.into()),
                ("wire_bytes_out", entry.wire_bytes_out.into()),
                (
                    "duration_ms",
                    json!((entry.duration.as_secs_f64() * 1e6).round() / 1e3),
                ),
                ("protocol", protocol.name().into()),
                ("tls", protocol.is_tls().into()),
            ],
        });
    }

    /// Logs what a transport cost in the last `seconds`.
    pub fn summary(&self, seconds: u64, account: Account, figures: CounterSnapshot) {
        if self.shared.format == Format::Terminal {
            let at = Timestamp::now();
            return self.write_raw(&terminal_line::summary(at, seconds, account, &figures));
        }
        let bytes = figures.wire_bytes_in + figures.wire_bytes_out;
        let per_message = match figures.messages {
            0 => Value::Null,
            messages => (bytes / messages).into(),
        };
        self.write(LogRecord {
            event: "summary",
            fields: &[
                ("seconds", seconds.into()),
                ("transport", account.as_str().into()),
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

    /// Writes text as it is, such as the closing table.
    pub fn write_raw(&self, text: &str) {
        self.shared.add(text.as_bytes());
    }

    fn write(&self, line: LogRecord<'_>) {
        let text = match self.shared.format {
            Format::Text | Format::Terminal => line.text(),
            Format::Json => line.json(),
        };
        self.shared.add(text.as_bytes());
    }
}

impl LogRecord<'_> {
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

impl SharedBuffer {
    fn add(&self, text: &[u8]) {
        let mut buffer = self.buffer.lock();
        if buffer.bytes.len() + text.len() > BUFFER_BYTES {
            buffer.dropped += 1;
            return;
        }
        let was_empty = buffer.bytes.is_empty();
        buffer.bytes.extend_from_slice(text);
        if was_empty {
            self.changed.notify_one();
        }
    }

    /// Counts lines that could not be written, and reports the reason the first time. Returns whether lines were
    /// lost.
    fn note_lost(&self, lines: &[u8], written: io::Result<()>, is_known: bool) -> bool {
        let error = match written {
            Ok(()) => return false,
            // The reader of the log has gone.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return true,
            Err(error) => error,
        };
        let mut buffer = self.buffer.lock();
        buffer.lost += lines.iter().filter(|byte| **byte == b'\n').count() as u64;
        buffer.failure = Some(error.to_string());
        drop(buffer);
        if !is_known {
            // If standard error fails too, the error cannot be reported.
            let _ = writeln!(
                io::stderr(),
                "poll-vs-sse: the log cannot be written: {error}; the server continues"
            );
        }
        true
    }

    /// Takes all waiting lines, and waits until there are some. `None` when the log is closed and empty.
    fn drain(&self) -> Option<Vec<u8>> {
        let mut buffer = self.buffer.lock();
        while buffer.bytes.is_empty() {
            if buffer.closed {
                return None;
            }
            self.changed.wait(&mut buffer);
        }
        if !buffer.closed {
            drop(buffer);
            thread::sleep(FLUSH_INTERVAL);
            buffer = self.buffer.lock();
        }
        let dropped = std::mem::take(&mut buffer.dropped);
        let lost = std::mem::take(&mut buffer.lost);
        buffer.failure = None;
        let mut lines = std::mem::take(&mut buffer.bytes);
        if lost > 0 {
            let note = self.note(&format!("{lost} log lines could not be written here"));
            lines.splice(0..0, note.into_bytes());
        }
        if dropped > 0 {
            let note = self.note(&format!("{dropped} log lines dropped here"));
            lines.extend_from_slice(note.as_bytes());
        }
        Some(lines)
    }

    /// A line about the log itself.
    fn note(&self, text: &str) -> String {
        match self.format {
            Format::Text | Format::Terminal => format!("({text})\n"),
            Format::Json => {
                let fields = &[("detail", text.into())];
                let event = "log-incomplete";
                LogRecord { event, fields }.json()
            }
        }
    }
}

impl LogWriter {
    /// Waits until the remaining lines are written. A reader that has stopped, such as a paused terminal, does not
    /// prevent the server from ending.
    ///
    /// # Errors
    ///
    /// Why the last lines could not be written.
    pub fn finish(self) -> Result<(), String> {
        let deadline = Instant::now() + FINISH_TIMEOUT;
        let mut buffer = self.0.buffer.lock();
        buffer.closed = true;
        self.0.changed.notify_all();
        while !buffer.finished {
            if self.0.changed.wait_until(&mut buffer, deadline).timed_out() {
                return Ok(());
            }
        }
        buffer.failure.take().map_or(Ok(()), Err)
    }
}
