//! One message as the log returns it: encoded once, and shared by all readers.

use bytes::Bytes;

use crate::domain::{message::Message, room::Room};

/// The memory of an entry in a tail beyond its encoded bytes: the structs that hold it.
const OVERHEAD_BYTES: usize = 160;

/// Encodes a message. It is passed to the log when the log is opened, so that the log does not depend on the format
/// of a transport.
pub type FrameEncoder = fn(&Message) -> EncodedMessage;

/// A message's bytes: a frame that a stream sends as it is, with the JSON object inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedMessage {
    pub frame: Bytes,
    /// Where the JSON object starts in `frame`, and its length.
    pub json_start: u32,
    pub json_len: u32,
}

/// A message of the log, encoded. Cloning shares the bytes.
#[derive(Debug, Clone)]
pub struct Entry {
    pub id: u64,
    pub room: Room,
    /// When it was published, microseconds since the Unix epoch.
    pub sent_at_us: i64,
    encoded: EncodedMessage,
}

impl Entry {
    pub fn new(message: &Message, encode: FrameEncoder) -> Self {
        Self {
            id: message.cursor.id,
            room: message.room.clone(),
            sent_at_us: message.sent_at.as_microsecond(),
            encoded: encode(message),
        }
    }

    pub fn frame(&self) -> &Bytes {
        &self.encoded.frame
    }

    pub fn json(&self) -> Bytes {
        let start = self.encoded.json_start as usize;
        self.encoded
            .frame
            .slice(start..start + self.encoded.json_len as usize)
    }

    /// Makes the entry use `frame`, which has the same bytes, in place of its own copy.
    pub(super) fn share(&mut self, frame: Bytes) {
        debug_assert_eq!(self.encoded.frame, frame);
        self.encoded.frame = frame;
    }

    /// The memory that this entry takes, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.encoded.frame.len() + OVERHEAD_BYTES
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
            let fits = page.entries.len() < limit.messages && bytes <= limit.bytes;
            if !fits && !page.entries.is_empty() {
                page.more = true;
                break;
            }
            page.entries.push(entry);
        }
        page
    }
}
