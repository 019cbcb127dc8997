//! A client that has ended its side of a connection while it waits for an answer.
//!
//! It may still read (`nc -N`, a script that shuts its sending side), or it may be gone. Both look the same until the
//! server sends something: the system of a client that is gone then answers with a reset.

use std::{
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::AsyncWrite,
    time::{Instant, Sleep, sleep},
};

/// The first bytes of every answer. Sending them early changes nothing for a client that reads.
pub const ANSWER_PREFIX: &[u8] = b"HTTP/1.";
/// How long an answer may take before its first bytes are sent ahead. Most answers are faster.
pub const PROBE_DELAY: Duration = Duration::from_millis(100);
/// The delay from sending until the first check for a reset; it doubles for each further check.
const FIRST_CHECK_DELAY: Duration = Duration::from_millis(10);
const MAX_CHECK_DELAY: Duration = Duration::from_secs(1);

/// A connection that can tell whether its peer has reset it.
pub trait Peer {
    /// Whether a reset has come since the last call.
    fn has_reset(&self) -> bool;
}

impl<P: Peer + ?Sized> Peer for Box<P> {
    fn has_reset(&self) -> bool {
        (**self).has_reset()
    }
}

/// Watches whether the client is still there.
pub struct HalfClosed {
    timer: Pin<Box<Sleep>>,
    check_delay: Duration,
}

impl HalfClosed {
    /// `is_answering`: bytes were sent, or are about to be, that the peer may answer with a reset.
    pub fn new(is_answering: bool) -> Self {
        let first = if is_answering {
            FIRST_CHECK_DELAY
        } else {
            PROBE_DELAY
        };
        Self {
            timer: Box::pin(sleep(first)),
            check_delay: FIRST_CHECK_DELAY,
        }
    }

    /// Ready when the client is gone. As long as no byte of the answer was sent, sends its first bytes ahead, and
    /// adds their number to `sent_ahead`.
    pub fn poll_gone(
        &mut self,
        io: &mut (impl AsyncWrite + Peer + Unpin),
        is_answering: bool,
        sent_ahead: &mut usize,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            if io.has_reset() {
                return Poll::Ready(());
            }
            if !is_answering && *sent_ahead == 0 {
                match pin!(&mut *io).poll_write(cx, ANSWER_PREFIX) {
                    Poll::Ready(Ok(bytes)) => *sent_ahead = bytes,
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    // Bytes queued before are on their way, and the peer may answer them with a reset, too.
                    Poll::Pending => {}
                }
                // If the flush fails, the next write fails as well.
                let _ = pin!(&mut *io).poll_flush(cx);
            }
            let due = Instant::now() + self.check_delay;
            self.timer.as_mut().reset(due);
            self.check_delay = (self.check_delay * 2).min(MAX_CHECK_DELAY);
        }
    }
}
