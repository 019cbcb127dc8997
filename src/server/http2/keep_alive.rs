//! Notices vanished clients by PING frames with a time limit for their answer.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use h2::{Ping, PingPong};
use tokio::time::{Instant, Sleep, sleep};

use super::limits::{PING_INTERVAL, PING_TIMEOUT};

pub struct KeepAlive {
    pings: PingPong,
    is_in_flight: bool,
    timer: Pin<Box<Sleep>>,
}

/// The client did not answer a PING in time.
#[derive(Debug)]
pub struct PingTimeout;

impl KeepAlive {
    pub fn new(pings: PingPong) -> Self {
        Self {
            pings,
            is_in_flight: false,
            timer: Box::pin(sleep(PING_INTERVAL)),
        }
    }

    /// Ready if the client is gone. Otherwise registers for the next time that there is something to do.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<PingTimeout, h2::Error>> {
        loop {
            if self.is_in_flight {
                match self.pings.poll_pong(cx)? {
                    Poll::Ready(_) => {
                        self.is_in_flight = false;
                        self.timer.as_mut().reset(Instant::now() + PING_INTERVAL);
                    }
                    Poll::Pending => return self.timer.as_mut().poll(cx).map(|()| Ok(PingTimeout)),
                }
            } else {
                ready!(self.timer.as_mut().poll(cx));
                self.pings.send_ping(Ping::opaque())?;
                self.is_in_flight = true;
                self.timer.as_mut().reset(Instant::now() + PING_TIMEOUT);
            }
        }
    }
}
