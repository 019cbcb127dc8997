//! What a bad link does to one answer: holds it back, or lets it trickle.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::{
    Error,
    body::{BodySize, BoxBody, MessageBody},
};
use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, Sleep, sleep};

use super::Fault;
use crate::{
    ledger::trace::Content,
    transport::stream::{Frame, Frames},
};

/// What a buffering proxy gathers before it passes anything on.
const BUFFER_BYTES: usize = 16 * 1024;
/// How long the first byte takes over a slow link.
pub const LATENCY: Duration = Duration::from_millis(300);
/// What a slow link carries at once, and how long until it carries more: 2 KiB/s.
const THROTTLE_BYTES: usize = 512;
const THROTTLE_INTERVAL: Duration = Duration::from_millis(250);

/// A link that a stream goes over.
pub enum LinkEmulator {
    Buffering(HoldBuffer),
    Slow(Throttle, HoldBuffer),
}

/// What was not passed on yet.
pub struct HoldBuffer {
    bytes: BytesMut,
    messages: u64,
    published_at_us: Option<i64>,
    content: Content,
}

impl LinkEmulator {
    /// The link with `fault`, if that is one of a link. `head` is what goes over it first.
    pub fn with(fault: Fault, head: &[u8]) -> Option<Self> {
        let held = HoldBuffer {
            bytes: head.into(),
            messages: 0,
            published_at_us: None,
            content: Content::Messages,
        };
        match fault {
            Fault::Buffer => Some(Self::Buffering(held)),
            Fault::Slow => Some(Self::Slow(Throttle::new(LATENCY), held)),
            Fault::Disconnect | Fault::Restart => None,
        }
    }

    /// What comes out at the link's end of what `frames` put in.
    pub fn poll_next(&mut self, frames: &mut Frames, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        match self {
            Self::Buffering(held) => loop {
                let Some(frame) = ready!(frames.poll_next(cx)) else {
                    return Poll::Ready(held.drain());
                };
                held.push(frame);
                if held.bytes.len() >= BUFFER_BYTES {
                    return Poll::Ready(held.drain());
                }
            },
            Self::Slow(throttle, held) => {
                if held.bytes.is_empty() {
                    match ready!(frames.poll_next(cx)) {
                        Some(frame) => held.push(frame),
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
    fn push(&mut self, frame: Frame) {
        self.bytes.extend_from_slice(&frame.bytes);
        self.messages += frame.messages;
        self.published_at_us = self.published_at_us.or(frame.published_at_us);
        self.content = frame.content;
    }

    fn drain(&mut self) -> Option<Frame> {
        let all = self.bytes.len();
        (all > 0).then(|| self.split(all))
    }

    /// The first bytes. The messages in what is held have passed when its last byte has.
    fn split(&mut self, bytes: usize) -> Frame {
        let bytes = self.bytes.split_to(bytes.min(self.bytes.len())).freeze();
        let whole = self.bytes.is_empty();
        Frame {
            bytes,
            content: self.content,
            messages: if whole {
                std::mem::take(&mut self.messages)
            } else {
                0
            },
            published_at_us: self.published_at_us.take_if(|_| whole),
        }
    }
}

/// When a slow link carries more.
pub struct Throttle(Pin<Box<Sleep>>);

impl Throttle {
    fn new(delay: Duration) -> Self {
        Self(Box::pin(sleep(delay)))
    }

    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.0.as_mut().poll(cx));
        self.0.as_mut().reset(Instant::now() + THROTTLE_INTERVAL);
        Poll::Ready(())
    }
}

/// A poll's body over a slow link.
pub struct ThrottledBody {
    body: BoxBody,
    rest: Bytes,
    throttle: Throttle,
}

impl ThrottledBody {
    pub fn boxed(body: BoxBody) -> BoxBody {
        BoxBody::new(Self {
            body,
            rest: Bytes::new(),
            throttle: Throttle::new(Duration::ZERO),
        })
    }
}

impl MessageBody for ThrottledBody {
    type Error = Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_next(cx)) {
                Some(Ok(bytes)) => self.rest = bytes,
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => return Poll::Ready(None),
            }
        }
        ready!(self.throttle.poll_due(cx));
        let next = THROTTLE_BYTES.min(self.rest.len());
        Poll::Ready(Some(Ok(self.rest.split_to(next))))
    }
}
