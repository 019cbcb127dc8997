//! A stream over a bad link, for the failure lab: held back, or let through slowly.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use futures_util::Stream;

use super::event_stream::{EventChunk, EventStream};
use crate::{
    faults::{
        Fault,
        throttle::{LATENCY, THROTTLE_BYTES, Throttle},
    },
    ledger::trace::PushKind,
};

/// What a buffering proxy gathers before it passes anything on.
const BUFFER_BYTES: usize = 16 * 1024;

/// A link that a stream goes over.
pub enum LinkEmulator {
    Plain(EventStream),
    Buffering(EventStream, HoldBuffer),
    Slow(EventStream, HoldBuffer, Throttle),
}

/// What was not passed on yet.
#[derive(Default)]
pub struct HoldBuffer {
    bytes: BytesMut,
    messages: u64,
    published_at_us: Option<i64>,
    kind: Option<PushKind>,
}

impl LinkEmulator {
    /// `events` over a link with `fault`, if that is one of a link.
    pub fn new(events: EventStream, fault: Option<Fault>) -> Self {
        match fault {
            Some(Fault::Buffer) => Self::Buffering(events, HoldBuffer::default()),
            Some(Fault::Slow) => Self::Slow(events, HoldBuffer::default(), Throttle::new(LATENCY)),
            Some(Fault::Disconnect | Fault::Restart) | None => Self::Plain(events),
        }
    }

    /// Whether the head of the answer is held back too, until the first of the body passes.
    pub fn holds_head(&self) -> bool {
        !matches!(self, Self::Plain(_))
    }
}

impl Stream for LinkEmulator {
    type Item = EventChunk;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<EventChunk>> {
        match &mut *self {
            Self::Plain(events) => Pin::new(events).poll_next(cx),
            Self::Buffering(events, held) => loop {
                let Some(chunk) = ready!(Pin::new(&mut *events).poll_next(cx)) else {
                    return Poll::Ready(held.drain());
                };
                held.push(chunk);
                if held.bytes.len() >= BUFFER_BYTES {
                    return Poll::Ready(held.drain());
                }
            },
            Self::Slow(events, held, throttle) => {
                if held.bytes.is_empty() {
                    match ready!(Pin::new(events).poll_next(cx)) {
                        Some(chunk) => held.push(chunk),
                        None => return Poll::Ready(None),
                    }
                }
                ready!(throttle.poll_due(cx));
                Poll::Ready(Some(held.split(THROTTLE_BYTES)))
            }
        }
    }
}

impl HoldBuffer {
    fn push(&mut self, chunk: EventChunk) {
        self.bytes.extend_from_slice(&chunk.bytes);
        self.messages += chunk.messages;
        self.published_at_us = self.published_at_us.or(chunk.published_at_us);
        self.kind = chunk.kind;
    }

    fn drain(&mut self) -> Option<EventChunk> {
        let all = self.bytes.len();
        (all > 0).then(|| self.split(all))
    }

    /// The first bytes. The messages in what is held have passed when its last byte has.
    fn split(&mut self, bytes: usize) -> EventChunk {
        let bytes = self.bytes.split_to(bytes.min(self.bytes.len())).freeze();
        let is_last = self.bytes.is_empty();
        EventChunk {
            bytes,
            kind: self.kind,
            messages: if is_last {
                std::mem::take(&mut self.messages)
            } else {
                0
            },
            published_at_us: self.published_at_us.take_if(|_| is_last),
        }
    }
}
