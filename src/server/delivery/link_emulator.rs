//! A stream over a simulated bad link: held back, or let through slowly.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use futures_util::Stream;

use super::{sse, stream_reader::EventChunk};
use crate::{
    faults::{
        Fault,
        throttle::{Divisible, LATENCY, SlowLink},
    },
    ledger::trace::PushKind,
};

/// The bytes that a buffering proxy gathers before it passes them on.
const BUFFER_BYTES: usize = 16 * 1024;

/// A link that a stream of chunks goes over.
pub enum LinkEmulator<Events> {
    Plain(Events),
    Buffering(Events, HoldBuffer),
    Slow(Events, SlowLink<EventChunk>),
}

/// The bytes that were not passed on yet.
#[derive(Default)]
pub struct HoldBuffer {
    bytes: BytesMut,
    messages: u64,
    published_at_us: Option<i64>,
    kind: Option<PushKind>,
}

impl<Events> LinkEmulator<Events> {
    /// Wraps `events` in a link with `fault`, if that is a fault of a link.
    pub fn new(events: Events, fault: Option<Fault>) -> Self {
        match fault {
            Some(Fault::Buffer) => Self::Buffering(events, HoldBuffer::default()),
            Some(Fault::Slow) => Self::Slow(events, SlowLink::new(LATENCY)),
            Some(Fault::Cut | Fault::Restart) | None => Self::Plain(events),
        }
    }

    /// Whether the head of the answer is also held back, until the first bytes of the body pass.
    pub fn holds_head(&self) -> bool {
        !matches!(self, Self::Plain(_))
    }
}

impl<Events: Stream<Item = EventChunk> + Unpin> Stream for LinkEmulator<Events> {
    type Item = EventChunk;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<EventChunk>> {
        match &mut *self {
            Self::Plain(events) => Pin::new(events).poll_next(cx),
            Self::Buffering(events, held) => loop {
                let Some(chunk) = ready!(Pin::new(&mut *events).poll_next(cx)) else {
                    return Poll::Ready(held.drain());
                };
                // A proxy knows from its own connection to the client whether the client is still there.
                if chunk.bytes == sse::EMPTY_COMMENT {
                    return Poll::Ready(Some(chunk));
                }
                held.push(chunk);
                if held.bytes.len() >= BUFFER_BYTES {
                    return Poll::Ready(held.drain());
                }
            },
            Self::Slow(events, link) => {
                link.poll_next(cx, |cx| Pin::new(&mut *events).poll_next(cx))
            }
        }
    }
}

impl HoldBuffer {
    fn push(&mut self, chunk: EventChunk) {
        self.bytes.extend_from_slice(&chunk.bytes);
        self.messages += chunk.messages;
        self.published_at_us = self.published_at_us.or(chunk.published_at_us);
        // A trace counts the messages of a push, so one that has messages is not a keep-alive.
        if self.kind != Some(PushKind::Messages) {
            self.kind = chunk.kind.or(self.kind);
        }
    }

    fn drain(&mut self) -> Option<EventChunk> {
        let held = std::mem::take(self);
        (!held.bytes.is_empty()).then(|| EventChunk {
            bytes: held.bytes.freeze(),
            kind: held.kind,
            messages: held.messages,
            published_at_us: held.published_at_us,
        })
    }
}

impl Divisible for EventChunk {
    fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The messages of a chunk count when its last byte has passed.
    fn split_to(&mut self, bytes: usize) -> Self {
        let bytes = self.bytes.split_to(bytes);
        let is_last = self.bytes.is_empty();
        Self {
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
