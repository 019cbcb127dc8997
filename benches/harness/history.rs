//! A reader that catches up with a long log over one stream and checks that no message is missing.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;

use anyhow::{Context, Result, ensure};
use memchr::memmem;

use super::fill::ROOM;
use super::http::{self, Connection, RESPONSE_TIMEOUT};
use super::rounds::Work;

/// Occurs once in each message of a stream.
const ID_FIELD: &[u8] = b"\nid: ";

/// The sequence of ids that a server sends.
#[derive(Debug, Clone, Copy)]
pub enum IdSequence {
    /// Each id is greater than the one before.
    Rising,
    /// The same, but `first` follows `last`.
    Repeating { first: u64, last: u64 },
}

/// One stream, read only on demand.
pub struct HistoryReader {
    socket: TcpStream,
    ids: IdSequence,
    /// The id of the last message.
    id: u64,
    buffer: Vec<u8>,
    /// The received part of the buffer that has not been searched yet.
    unread: Range<usize>,
    field: memmem::Finder<'static>,
}

impl HistoryReader {
    /// Reads the messages after `cursor`.
    pub fn open(address: SocketAddr, cursor: &str) -> Result<Self> {
        let (_, id) = cursor_parts(cursor)?;
        Self::open_path(address, &stream_path(cursor), id, IdSequence::Rising)
    }

    /// Reads any stream of messages after the id `before`.
    pub fn open_path(
        address: SocketAddr,
        path: &str,
        before: u64,
        ids: IdSequence,
    ) -> Result<Self> {
        Ok(Self {
            socket: open_stream(address, path)?,
            ids,
            id: before,
            buffer: vec![0; 1024 * 1024],
            unread: 0..0,
            field: memmem::Finder::new(ID_FIELD),
        })
    }

    /// The id of the last message that was read.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Reads the next `messages` messages. The bytes counted are those received during this call.
    pub fn read(&mut self, messages: u64) -> Result<Work> {
        let mut work = Work::default();
        while work.units < messages {
            if self.next_message()? {
                work.units += 1;
            } else {
                work.wire_bytes += self.receive()?;
            }
        }
        Ok(work)
    }

    /// Finds the next message in what was received. False if there is no whole id left.
    fn next_message(&mut self) -> Result<bool> {
        let unread = &self.buffer[self.unread.clone()];
        let Some(at) = self.field.find(unread) else {
            // The end of the buffer may be the beginning of the field.
            let kept = unread.len().min(ID_FIELD.len() - 1);
            self.unread.start = self.unread.end - kept;
            return Ok(false);
        };
        let line = &unread[at + ID_FIELD.len()..];
        let Some(length) = memchr::memchr(b'\n', line) else {
            self.unread.start += at;
            return Ok(false);
        };
        let (_, id) = cursor_parts(std::str::from_utf8(&line[..length])?)?;
        let expected = match self.ids {
            IdSequence::Repeating { first, last } if self.id == last => first,
            IdSequence::Rising | IdSequence::Repeating { .. } => self.id + 1,
        };
        ensure!(id == expected, "message {id} came after {}", self.id);
        self.id = id;
        // The line feed that ends this line may begin the next field.
        self.unread.start += at + ID_FIELD.len() + length;
        Ok(true)
    }

    fn receive(&mut self) -> Result<u64> {
        self.buffer.copy_within(self.unread.clone(), 0);
        let kept = self.unread.len();
        let count = self.socket.read(&mut self.buffer[kept..]);
        let count = count.context("read a stream")?;
        ensure!(count > 0, "the server ended the stream");
        self.unread = 0..kept + count;
        Ok(count as u64)
    }
}

/// A part of a stream, in wire bytes.
pub struct StreamSample {
    /// Whole messages, so that they can be sent repeatedly.
    pub bytes: Vec<u8>,
    pub first: u64,
    pub last: u64,
}

/// The messages after `cursor`, about `size` bytes of them.
pub fn sample_stream(address: SocketAddr, cursor: &str, size: usize) -> Result<StreamSample> {
    let mut socket = open_stream(address, &stream_path(cursor))?;
    let mut bytes = Vec::new();
    while bytes.len() < 2 * size {
        let mut buffer = [0; 64 * 1024];
        let count = socket.read(&mut buffer).context("read a stream")?;
        ensure!(count > 0, "the server ended the stream");
        bytes.extend_from_slice(&buffer[..count]);
    }
    // Each message begins with the name of the id field.
    let begins = memmem::find_iter(&bytes, ID_FIELD).map(|at| at + 1);
    let begins: Vec<usize> = begins.collect();
    let begin = *begins.first().context("a stream without messages")?;
    let end = begins.into_iter().rfind(|at| *at <= begin + size);
    let end = end
        .filter(|end| *end > begin)
        .context("the sample has only one message")?;
    let id_at = |at: usize| {
        let line = &bytes[at + ID_FIELD.len() - 1..];
        let length = memchr::memchr(b'\n', line).context("an id is cut off")?;
        Ok::<_, anyhow::Error>(cursor_parts(std::str::from_utf8(&line[..length])?)?.1)
    };
    Ok(StreamSample {
        first: id_at(begin)?,
        last: id_at(end)? - 1,
        bytes: bytes[begin..end].to_vec(),
    })
}

fn stream_path(cursor: &str) -> String {
    format!("/stream?room={ROOM}&cursor={cursor}")
}

fn open_stream(address: SocketAddr, path: &str) -> Result<TcpStream> {
    let mut socket = TcpStream::connect_timeout(&address, RESPONSE_TIMEOUT)?;
    socket.set_read_timeout(Some(RESPONSE_TIMEOUT))?;
    socket.write_all(&http::get_stream(path))?;
    Ok(socket)
}

/// The cursor of the newest message; fails if the log has fewer than 50.
pub fn newest_cursor(address: SocketAddr) -> Result<String> {
    let path = format!("/poll?room={ROOM}&last=50");
    let answer = Connection::open(address)?.ask(&http::get(&path))?;
    ensure!(answer.status == 200, "a poll: status {}", answer.status);
    let body: serde_json::Value = serde_json::from_slice(&answer.body)?;
    let messages = body["messages"].as_array().context("no messages")?;
    ensure!(
        messages.len() == 50,
        "{} messages instead of 50",
        messages.len()
    );
    let cursor = body["cursor"].as_str().context("no cursor")?;
    Ok(cursor.to_owned())
}

/// The log and the id of a cursor.
pub fn cursor_parts(cursor: &str) -> Result<(&str, u64)> {
    let (log, id) = cursor.rsplit_once('-').context("a cursor without an id")?;
    Ok((log, id.parse().context("a cursor's id")?))
}
