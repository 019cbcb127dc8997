//! The answer to a poll: the only encoding of its body, and whether the client already has it.

use bytes::Bytes;

use super::page_allowance::PageAllowance;
use crate::{domain::cursor::Cursor, ledger::request_recorder::RequestRecorder, log::ReadBatch};

/// A poll's answer.
pub struct PollResponse {
    /// The position to continue from, which is also the answer's entity tag.
    pub cursor: Cursor,
    /// Gives the next poll another address, although the position is the same.
    pub turn: Option<u64>,
    /// How many seconds a cache may keep the answer; `None` means not at all.
    pub max_age_s: Option<u64>,
    /// `None` if the client already has this answer.
    pub page: Option<PollPage>,
    /// The reader was there when the messages were published.
    pub(super) is_live: bool,
}

/// The page that was read.
pub struct PollPage {
    pub read: ReadBatch,
    cursor: Cursor,
    turn: Option<u64>,
    /// The readers in the rooms, as JSON, if the client asked for them.
    presence: Option<String>,
    allowance: PageAllowance,
}

impl PollResponse {
    /// Appends the answer's entity tag, in quotation marks, to `buffer`.
    pub fn write_tag(&self, buffer: &mut Vec<u8>) {
        buffer.push(b'"');
        self.cursor.write_text_with_turn(self.turn, buffer);
        buffer.push(b'"');
    }

    /// Counts the messages in the answer as delivered.
    pub fn record(&self, recorder: &RequestRecorder) {
        let Some(page) = &self.page else { return };
        let entries = &page.read.entries;
        if entries.is_empty() {
            return;
        }
        recorder.record_messages(entries.len() as u64);
        if self.is_live {
            for entry in entries {
                recorder.record_delay(entry.sent_at_us, 1);
            }
        }
    }
}

/// The answers that a client already has.
#[derive(Default)]
pub struct IfNoneMatch(Option<Box<str>>);

impl IfNoneMatch {
    /// `tags` is the header's value.
    pub fn new(tags: Option<&str>) -> Self {
        Self(tags.map(Into::into))
    }

    /// Whether the client has exactly this answer, and there is nothing newer.
    pub(super) fn holds(&self, read: &ReadBatch, cursor: Cursor) -> bool {
        read.reset.is_none() && !read.more && self.matches(read, cursor)
    }

    fn matches(&self, read: &ReadBatch, cursor: Cursor) -> bool {
        let Some(tags) = &self.0 else { return false };
        tags.split(',').any(|tag| {
            let tag = tag.trim();
            // Weak comparison (RFC 9110, 13.1.2): a cache in between may have weakened the tag.
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            let quoted = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            // `*` stands for any answer, but must not hide messages.
            let is_any = tag == "*" && read.is_empty();
            is_any || quoted.and_then(|tag| tag.parse().ok()) == Some(cursor)
        })
    }
}

impl PollPage {
    /// What comes before the messages.
    pub const PREFIX: &str = "{\"messages\":[";

    pub(super) fn new(
        read: ReadBatch,
        cursor: Cursor,
        turn: Option<u64>,
        presence: Option<String>,
        allowance: PageAllowance,
    ) -> Self {
        let presence_bytes = presence.as_ref().map_or(0, String::len);
        Self {
            allowance: allowance.for_bytes(read.bytes() + presence_bytes),
            read,
            cursor,
            turn,
            presence,
        }
    }

    /// What follows the messages.
    pub fn suffix(&self) -> Vec<u8> {
        let Self { read, presence, .. } = self;
        let mut json = Vec::with_capacity(128);
        json.extend_from_slice(b"],\"cursor\":\"");
        self.cursor.write_text_with_turn(self.turn, &mut json);
        json.extend_from_slice(match read.more {
            true => b"\",\"more\":true",
            false => b"\",\"more\":false",
        });
        match read.reset {
            None => json.extend_from_slice(b",\"reset\":null"),
            Some(reset) => {
                json.extend_from_slice(b",\"reset\":\"");
                json.extend_from_slice(reset.as_str().as_bytes());
                json.push(b'"');
            }
        }
        if let Some(presence) = presence {
            json.extend_from_slice(b",\"presence\":");
            json.extend_from_slice(presence.as_bytes());
        }
        json.push(b'}');
        json
    }

    /// The body: the bytes of the messages, and the JSON around them.
    pub fn into_body(self) -> PollBody {
        let entries = &self.read.entries;
        let mut chunks = Vec::with_capacity(2 * entries.len() + 2);
        chunks.push(Bytes::from_static(Self::PREFIX.as_bytes()));
        for (i, entry) in entries.iter().enumerate() {
            if i > 0 {
                chunks.push(Bytes::from_static(b","));
            }
            chunks.push(entry.json());
        }
        chunks.push(self.suffix().into());
        PollBody {
            size: chunks.iter().map(|chunk| chunk.len() as u64).sum(),
            chunks: chunks.into_iter(),
            _allowance: self.allowance,
        }
    }
}

/// An answer's body in pieces. Readers share the pieces that are messages.
#[derive(Default)]
pub struct PollBody {
    pub size: u64,
    chunks: std::vec::IntoIter<Bytes>,
    _allowance: PageAllowance,
}

impl Iterator for PollBody {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        self.chunks.next()
    }
}
