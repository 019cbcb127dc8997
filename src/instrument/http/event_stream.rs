//! The one decoder of event streams: which bytes are whole events, and the id of the last one.
//!
//! Lines end with LF, CR or CRLF, and a stream may begin with a byte order mark (WHATWG HTML, 9.2.6).

use anyhow::{Result, ensure};
use memchr::memmem;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// An event that is longer is refused, so that a body without an end takes bounded memory.
const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;

/// The media type of an event stream.
pub const EVENT_STREAM: &str = "text/event-stream";

/// See the module.
#[derive(Debug, Default)]
pub struct EventDecoder {
    /// What has arrived and was not taken.
    bytes: Vec<u8>,
    /// How many of them were taken and are still to be removed.
    taken: usize,
    is_begun: bool,
    /// The last event's id, by which a stream is resumed.
    pub last_id: Option<String>,
}

impl EventDecoder {
    /// A new stream begins: what was left of the one before is of no use.
    pub fn begin(&mut self) {
        self.bytes.clear();
        self.taken = 0;
        self.is_begun = false;
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..std::mem::take(&mut self.taken));
        self.bytes.extend_from_slice(bytes);
        if !self.is_begun && self.bytes.len() >= BYTE_ORDER_MARK.len() {
            self.is_begun = true;
            if self.bytes.starts_with(BYTE_ORDER_MARK) {
                self.bytes.drain(..BYTE_ORDER_MARK.len());
            }
        }
    }

    /// The events that have become whole, one after the other; empty if there is none.
    ///
    /// # Errors
    ///
    /// If an event has no end.
    pub fn take(&mut self) -> Result<&[u8]> {
        self.bytes.drain(..std::mem::take(&mut self.taken));
        let whole = end_of_events(&self.bytes);
        ensure!(
            self.bytes.len() - whole <= MAX_EVENT_BYTES,
            "an event has no end"
        );
        remember_id(&self.bytes[..whole], &mut self.last_id);
        self.taken = whole;
        Ok(&self.bytes[..whole])
    }
}

/// How many bytes of `text` are complete events. An event ends with an empty line; lines end with LF, CR or
/// CRLF.
fn end_of_events(text: &[u8]) -> usize {
    let ends = [&b"\n\n"[..], b"\r\r", b"\n\r"].map(|blank| {
        let end = memmem::rfind(text, blank).map_or(0, |at| at + blank.len());
        // The CR of a CRLF.
        let is_split = blank.ends_with(b"\r") && end > 0 && text.get(end) == Some(&b'\n');
        end + usize::from(is_split)
    });
    ends.into_iter().max().unwrap_or(0)
}

/// Keeps the last id among `events`.
fn remember_id(events: &[u8], last_id: &mut Option<String>) {
    let mut end = events.len();
    while let Some(at) = memmem::rfind(&events[..end], b"id:") {
        if at == 0 || matches!(events[at - 1], b'\n' | b'\r') {
            let value = &events[at + 3..];
            let line = value.split(|byte| matches!(byte, b'\r' | b'\n')).next();
            let text = String::from_utf8_lossy(line.unwrap_or_default());
            let kept = last_id.get_or_insert_default();
            kept.clear();
            kept.push_str(text.strip_prefix(' ').unwrap_or(&text));
            return;
        }
        end = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_events_are_taken() {
        assert_eq!(end_of_events(b"data: a"), 0);
        assert_eq!(end_of_events(b"data: a\n\ndata: b\n"), 9);
        assert_eq!(end_of_events(b"data: a\r\n\r\ndata"), 11);
        assert_eq!(end_of_events(b"data: a\r\rdata: b\r"), 9);
        assert_eq!(end_of_events(b"data: a\n\r\ndata"), 10);
        assert_eq!(end_of_events(b"data: a\r\n"), 0);
    }

    #[test]
    fn the_last_id_is_remembered() {
        let mut id = None;
        remember_id(b"data: no id: here\n\n", &mut id);
        assert_eq!(id, None);
        remember_id(
            b"id: k-1\ndata: a\n\nid:k-2\r\ndata: valid: yes\n\n",
            &mut id,
        );
        assert_eq!(id.as_deref(), Some("k-2"));
        remember_id(b"data: a\rid:  k-3\r\r", &mut id);
        assert_eq!(
            id.as_deref(),
            Some(" k-3"),
            "one space belongs to the field"
        );
    }

    #[test]
    fn events_are_the_same_however_they_are_cut() {
        let text = "\u{feff}: hello\n\nid: 1\ndata: a\n\nid: 2\ndata: b\n\ndata: c";
        for size in 1..text.len() {
            let mut decoder = EventDecoder::default();
            decoder.begin();
            let mut events = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                decoder.push(piece);
                events.extend_from_slice(decoder.take().expect("short"));
            }
            let whole = b": hello\n\nid: 1\ndata: a\n\nid: 2\ndata: b\n\n";
            assert_eq!(events, whole, "in pieces of {size}");
            assert_eq!(decoder.last_id.as_deref(), Some("2"));
        }
    }
}
