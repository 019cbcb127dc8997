//! One message as the log returns it: encoded once, and shared by all readers.

use std::ops::Range;

use bytes::Bytes;

use crate::domain::{message::MessageView, room::Room};

/// The memory of an entry in a tail beyond its encoded bytes: the structs that hold it.
const OVERHEAD_BYTES: usize = 160;

/// Appends a message's frame to a buffer, and returns where in the buffer its JSON object is. It is passed to the log
/// when the log is opened, so that the log does not depend on the format of a transport.
pub type FrameEncoder = fn(&MessageView<'_>, &mut Vec<u8>) -> Range<usize>;

/// A message of the log, encoded. Cloning shares the bytes.
#[derive(Debug, Clone)]
pub struct Entry {
    pub id: u64,
    pub room: Room,
    /// When it was published, microseconds since the Unix epoch.
    pub sent_at_us: i64,
    /// The bytes that a stream sends. They contain the JSON object.
    frame: Bytes,
    /// Where the JSON object starts in `frame`, and its length.
    json_start: u32,
    json_len: u32,
}

impl Entry {
    pub fn new(message: &MessageView<'_>, encode: FrameEncoder) -> Self {
        let mut frame = Vec::new();
        let json = encode(message, &mut frame);
        Self::of_frame(message, frame.into(), json)
    }

    fn of_frame(message: &MessageView<'_>, frame: Bytes, json: Range<usize>) -> Self {
        Self {
            id: message.cursor.id,
            room: message.room.clone(),
            sent_at_us: message.sent_at.as_microsecond(),
            frame,
            json_start: json.start as u32,
            json_len: json.len() as u32,
        }
    }

    pub fn frame(&self) -> &Bytes {
        &self.frame
    }

    pub fn json(&self) -> Bytes {
        let start = self.json_start as usize;
        self.frame.slice(start..start + self.json_len as usize)
    }

    /// Makes the entry use `frame`, which has the same bytes, in place of its own copy.
    pub(super) fn share(&mut self, frame: Bytes) {
        debug_assert_eq!(self.frame, frame);
        self.frame = frame;
    }

    /// The memory that this entry takes, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.frame.len() + OVERHEAD_BYTES
    }
}

/// The limits of one read.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    pub messages: usize,
    /// Encoded bytes; the first message is always included, however large.
    pub bytes: usize,
}

impl Limit {
    /// Whether a page of `messages` may take one more message, with which it has `bytes`.
    fn admits(self, messages: usize, bytes: usize) -> bool {
        messages == 0 || (messages < self.messages && bytes <= self.bytes)
    }

    /// The larger of both, in messages and in bytes.
    pub fn max(self, other: Self) -> Self {
        Self {
            messages: self.messages.max(other.messages),
            bytes: self.bytes.max(other.bytes),
        }
    }
}

/// Messages of one room after a position in the log, oldest first.
#[derive(Debug, Default)]
pub struct Page {
    pub entries: Vec<Entry>,
    /// The frames of all entries as one piece, if they were encoded so.
    pub frames: Option<Bytes>,
    /// Further messages are ready now.
    pub more: bool,
    /// Set if messages between the position and the first entry are no longer retained: the room's last removed
    /// message, or a later id.
    pub expired_through: Option<u64>,
}

impl Page {
    /// The longest prefix of `entries` that fits `limit`.
    pub fn collect(entries: impl IntoIterator<Item = Entry>, limit: Limit) -> Self {
        let mut page = Self::default();
        let mut bytes = 0;
        for entry in entries {
            bytes += entry.frame().len();
            if !limit.admits(page.entries.len(), bytes) {
                page.more = true;
                break;
            }
            page.entries.push(entry);
        }
        page
    }
}

/// Encodes consecutive messages of a store into one piece of memory, for a reader that takes them at once: an entry
/// that is kept longer would keep them all.
pub(super) struct PageEncoder {
    encode: FrameEncoder,
    limit: Limit,
    frames: Vec<u8>,
    /// Their frames are still empty.
    entries: Vec<Entry>,
    /// Where each entry's frame ends in `frames`.
    ends: Vec<usize>,
    more: bool,
}

impl PageEncoder {
    pub fn new(encode: FrameEncoder, limit: Limit) -> Self {
        Self {
            encode,
            limit,
            frames: Vec::new(),
            entries: Vec::new(),
            ends: Vec::new(),
            more: false,
        }
    }

    /// Adds the next message, or returns `false` if the page is full.
    pub fn push(&mut self, message: &MessageView<'_>) -> bool {
        let start = self.frames.len();
        let json = (self.encode)(message, &mut self.frames);
        if !self.limit.admits(self.entries.len(), self.frames.len()) {
            self.frames.truncate(start);
            self.more = true;
            return false;
        }
        let json = json.start - start..json.end - start;
        self.entries
            .push(Entry::of_frame(message, Bytes::new(), json));
        self.ends.push(self.frames.len());
        true
    }

    pub fn finish(self) -> Page {
        let frames = Bytes::from(self.frames);
        let mut entries = self.entries;
        let mut start = 0;
        for (entry, end) in entries.iter_mut().zip(self.ends) {
            entry.frame = frames.slice(start..end);
            start = end;
        }
        Page {
            entries,
            frames: Some(frames),
            more: self.more,
            expired_through: None,
        }
    }
}
