//! How long a connection may keep the server waiting: for its next request, and for the rest of one.
//!
//! One timer a connection, moved only when it fires: the HTTP layer's own are set and cleared with
//! each request, which is a part of what a poll costs.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::{connection::ConnectionHandle, metered::ByteMeter};

/// A request's head that is not there by then never will be.
const REQUEST_HEAD_TIMEOUT: Duration = Duration::from_secs(10);

pub struct ConnectionTimeouts {
    keep_alive: Duration,
    /// When something last crossed the connection.
    active_at: Instant,
    /// When the first byte came of a request that is not complete.
    head_since: Option<Instant>,
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl ConnectionTimeouts {
    pub fn new(keep_alive: Duration) -> Self {
        Self {
            keep_alive,
            active_at: Instant::now(),
            head_since: None,
            timer: None,
        }
    }

    /// Something was written: what had come was a whole request.
    pub fn on_response(&mut self) {
        self.head_since = None;
    }

    /// To be called when nothing is there to be read. Done when the connection has waited for too
    /// long. `active`: something was read or written since. `in_head`: a request's head is due, or
    /// has begun to come.
    pub fn poll_expired(&mut self, active: bool, in_head: bool, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        if active {
            self.active_at = now;
        }
        self.head_since = in_head.then(|| self.head_since.unwrap_or(now));
        let expires_at = match self.head_since {
            Some(since) => since + REQUEST_HEAD_TIMEOUT,
            None => self.active_at + self.keep_alive,
        };
        loop {
            if now >= expires_at {
                return Poll::Ready(());
            }
            match &mut self.timer {
                // It fires in time, and looks then at what is due.
                Some((due, _)) if *due <= expires_at && now < *due => return Poll::Pending,
                Some((due, timer)) => {
                    *due = expires_at;
                    timer.as_mut().reset(expires_at);
                    if timer.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
                None => self.timer = Some((now, Box::pin(sleep_until(expires_at)))),
            }
        }
    }
}

/// What the HTTP layer reads from and writes to: what was read before it came, then `io`, whose
/// input ends when a timeout expires.
pub struct TimedIo<Io, Meter> {
    io: Io,
    prefix: Bytes,
    timeouts: ConnectionTimeouts,
    pub connection: ConnectionHandle,
    pub meter: Meter,
    /// Something crossed since the timeouts were last asked.
    active: bool,
}

impl<Io, Meter> TimedIo<Io, Meter> {
    /// `prefix` was read from `io` already.
    pub fn new(
        io: Io,
        prefix: Bytes,
        keep_alive: Duration,
        connection: ConnectionHandle,
        meter: Meter,
    ) -> Self {
        Self {
            io,
            prefix,
            timeouts: ConnectionTimeouts::new(keep_alive),
            connection,
            meter,
            active: false,
        }
    }
}

impl<Io: AsyncRead + Unpin, Meter> TimedIo<Io, Meter> {
    /// Reads and drops what comes. Ready when the input has ended.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = [0; 1024];
        loop {
            let mut buf = ReadBuf::new(&mut scratch);
            std::task::ready!(Pin::new(&mut self.io).poll_read(cx, &mut buf))?;
            if buf.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<Io: AsyncRead + Unpin, Meter: ByteMeter + Unpin> AsyncRead for TimedIo<Io, Meter> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.connection.is_input_ignored() {
            this.prefix.clear();
            return this.poll_discard(cx);
        }
        if !this.prefix.is_empty() {
            let bytes = this.prefix.len().min(buf.remaining());
            buf.put_slice(&this.prefix.split_to(bytes));
            return Poll::Ready(Ok(()));
        }
        if let Poll::Ready(read) = Pin::new(&mut this.io).poll_read(cx, buf) {
            this.active = true;
            return Poll::Ready(read);
        }
        // A connection is not idle while its client waits for an answer.
        let active = std::mem::take(&mut this.active) || this.meter.has_request();
        let in_head = this.meter.is_awaiting_head();
        // The HTTP layer reads the end of the input, and closes.
        this.timeouts.poll_expired(active, in_head, cx).map(Ok)
    }
}

impl<Io: AsyncWrite + Unpin, Meter: Unpin> AsyncWrite for TimedIo<Io, Meter> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        if let Poll::Ready(Ok(_)) = written {
            self.active = true;
            self.timeouts.on_response();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
