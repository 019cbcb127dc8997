//! The decoder of event streams: it finds complete events, and the id of the last one.
//!
//! Lines end with LF, CR or CRLF, and a stream may begin with a byte order mark (WHATWG HTML, 9.2.6).

use anyhow::{Result, ensure};
use memchr::{memchr2, memrchr2};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// A longer event is refused, so that an endless body takes bounded memory.
const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;

/// The media type of an event stream.
pub const EVENT_STREAM: &str = "text/event-stream";

/// The decoder of one event stream.
#[derive(Debug, Default)]
pub struct EventDecoder {
    /// The bytes that have arrived and were not taken yet.
    bytes: Vec<u8>,
    /// How many of these bytes were taken but are not removed yet.
    taken: usize,
    is_begun: bool,
    /// The last event's id, by which a stream is resumed.
    pub last_id: Option<String>,
}

impl EventDecoder {
    /// Begins a new stream, and drops the rest of the previous one.
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

    /// Whether all pushed bytes belonged to complete events, and were taken.
    pub fn is_empty(&self) -> bool {
        self.taken == self.bytes.len()
    }

    /// The events that are complete now, one after another; empty if there is none.
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

/// The events in `whole`, which [`EventDecoder::take`] gave, comments included: each with the empty line that ends it.
pub fn split_events(whole: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut begin, mut line) = (0, 0);
    std::iter::from_fn(move || {
        loop {
            let at = line + memchr2(b'\n', b'\r', &whole[line..])?;
            let is_pair = whole[at..].starts_with(b"\r\n");
            let (is_blank, is_empty) = (at == line, line == begin);
            line = at + 1 + usize::from(is_pair);
            if is_blank {
                let event = &whole[begin..line];
                begin = line;
                if !is_empty {
                    return Some(event);
                }
            }
        }
    })
}

/// How many bytes of `text` are complete events. An event ends with an empty line; lines end with LF, CR or
/// CRLF.
fn end_of_events(text: &[u8]) -> usize {
    let mut before = text.len();
    while let Some(at) = memrchr2(b'\n', b'\r', &text[..before]) {
        let is_pair = text[..=at].ends_with(b"\r\n");
        before = at - usize::from(is_pair);
        if matches!(text[..before].last(), Some(b'\n' | b'\r')) {
            return at + 1;
        }
    }
    0
}

/// Keeps the last id among `events`.
fn remember_id(events: &[u8], last_id: &mut Option<String>) {
    let mut lines = events;
    while !lines.is_empty() {
        let end = memrchr2(b'\n', b'\r', lines);
        let line = &lines[end.map_or(0, |at| at + 1)..];
        if let Some(value) = line.strip_prefix(b"id:") {
            let text = String::from_utf8_lossy(value);
            let kept = last_id.get_or_insert_default();
            kept.clear();
            kept.push_str(text.strip_prefix(' ').unwrap_or(&text));
            return;
        }
        lines = &lines[..end.unwrap_or(0)];
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
    fn events_are_split_at_their_empty_lines() {
        let whole = b": a\n\nid: 1\r\ndata: b\r\n\r\ndata: c\r\r\ndata: d\n\n";
        let events: Vec<_> = split_events(whole).collect();
        let expected = [
            &b": a\n\n"[..],
            b"id: 1\r\ndata: b\r\n\r\n",
            b"data: c\r\r\n",
            b"data: d\n\n",
        ];
        assert_eq!(events, expected);
        assert_eq!(
            split_events(b"\n\n").count(),
            0,
            "empty lines are not an event"
        );
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
    fn events_are_the_same_for_every_size_of_reads() {
        let text = "\u{feff}: hello\n\nid: 1\ndata: a\n\nid: 2\ndata: b\n\ndata: c";
        for size in 1..text.len() {
            let mut decoder = EventDecoder::default();
            decoder.begin();
            let mut events = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                decoder.push(piece);
                events.extend_from_slice(decoder.take().expect("short"));
            }
            assert!(!decoder.is_empty(), "an event has only begun");
            let whole = b": hello\n\nid: 1\ndata: a\n\nid: 2\ndata: b\n\n";
            assert_eq!(events, whole, "in pieces of {size}");
            assert_eq!(decoder.last_id.as_deref(), Some("2"));
        }
    }
}
