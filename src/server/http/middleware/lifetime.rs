//! Bodies that end early, and bodies that hold a value until they end.

use std::{
    any::Any,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    Error,
    body::{BodySize, BoxBody, MessageBody},
};
use bytes::Bytes;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::delivery::{drain::retry_ms, sse};

/// The largest deviation of a connection's age, as a share of it.
const AGE_SPREAD: f64 = 0.2;

/// Why a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEnd {
    /// It has reached the maximum age: its reader should reconnect, perhaps to another server.
    Age,
    /// The token that it was opened with has expired.
    Token,
}

/// `age`, up to a fifth more or less, so that streams opened together do not end together.
pub fn jittered(age: Duration) -> Duration {
    age.mul_f64(1.0 - AGE_SPREAD + 2.0 * AGE_SPREAD * random_share())
}

/// A uniform random number from 0 to 1.
fn random_share() -> f64 {
    // Without a source of randomness there is no spread, which does no harm.
    getrandom::u32().map_or(0.5, |it| f64::from(it) / f64::from(u32::MAX))
}

/// A stream that ends at a given time.
pub struct LimitedBody {
    body: BoxBody,
    timer: Pin<Box<Sleep>>,
    /// `None` once it has ended.
    end: Option<StreamEnd>,
    /// Whether the last piece ended in the middle of an event, as over a slow link.
    is_inside_event: bool,
}

impl LimitedBody {
    pub fn boxed(body: BoxBody, at: Instant, end: StreamEnd) -> BoxBody {
        BoxBody::new(Self {
            body,
            timer: Box::pin(sleep_until(at)),
            end: Some(end),
            is_inside_event: false,
        })
    }
}

impl MessageBody for LimitedBody {
    type Error = Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Error>>> {
        let this = &mut *self;
        let Some(end) = this.end else {
            return Poll::Ready(None);
        };
        // Checked before the next event, because a busy stream always has one.
        if this.timer.as_mut().poll(cx).is_ready() {
            this.end = None;
            return Poll::Ready(match end {
                // After half an event, its lines would complete that event, and the rest would be lost.
                StreamEnd::Age if !this.is_inside_event => {
                    Some(Ok(sse::retry(retry_ms(random_share()))))
                }
                StreamEnd::Age | StreamEnd::Token => None,
            });
        }
        let next = Pin::new(&mut this.body).poll_next(cx);
        if let Poll::Ready(Some(Ok(piece))) = &next {
            this.is_inside_event = !piece.ends_with(b"\n\n");
        }
        next.map_err(Error::from)
    }
}

/// A body that holds a value until its last byte is handed over.
pub struct GuardedBody {
    body: BoxBody,
    _guard: Box<dyn Any>,
}

impl GuardedBody {
    pub fn boxed(body: BoxBody, guard: impl Any) -> BoxBody {
        BoxBody::new(Self {
            body,
            _guard: Box::new(guard),
        })
    }
}

impl MessageBody for GuardedBody {
    type Error = Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Error>>> {
        let next = Pin::new(&mut self.body).poll_next(cx);
        next.map_err(Error::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_up_to_a_fifth_more_or_less() {
        let age = Duration::from_secs(100);
        let ages: Vec<Duration> = (0..1000).map(|_| jittered(age)).collect();
        let allowed = Duration::from_secs(80)..=Duration::from_secs(120);
        assert!(ages.iter().all(|it| allowed.contains(it)));
        assert!(ages.iter().any(|it| *it < Duration::from_secs(90)));
        assert!(ages.iter().any(|it| *it > Duration::from_secs(110)));
    }
}
