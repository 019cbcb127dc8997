//! Decodes socket bytes into whole SSE events: removes the head and the framing of HTTP/1.1, and passes the rest to the
//! instrument's event decoder.

use anyhow::{Result, ensure};
use poll_vs_sse_instrument::http::{
    answer_reader::AnswerReader,
    event_stream::{EventDecoder, split_events},
};

/// One stream being received.
pub struct Decoder {
    answer: AnswerReader,
    events: EventDecoder,
}

impl Decoder {
    pub fn new() -> Self {
        Self {
            answer: AnswerReader::default(),
            events: EventDecoder::default(),
        }
    }

    /// Whether the head has arrived and has status 200.
    pub fn is_open(&self) -> bool {
        self.answer.head().is_some()
    }

    /// Whether neither an event nor a chunk is incomplete.
    pub fn is_at_rest(&self) -> bool {
        self.events.is_empty() && self.answer.is_between_chunks()
    }

    /// Takes received bytes and calls `on_event` with each event that they complete, comments included.
    pub fn feed(&mut self, bytes: &[u8], on_event: impl FnMut(&[u8])) -> Result<()> {
        let was_open = self.is_open();
        let events = &mut self.events;
        self.answer.feed(bytes, |data| events.push(data))?;
        if !was_open && let Some(head) = self.answer.head() {
            ensure!(
                head.status == 200,
                "a stream was refused: status {}",
                head.status
            );
        }
        split_events(self.events.take()?).for_each(on_event);
        ensure!(!self.answer.is_complete(), "the server ended a stream");
        Ok(())
    }
}
