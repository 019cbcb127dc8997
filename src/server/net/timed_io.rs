//! The I/O that the HTTP layer reads requests from and writes answers to: it gives one request at a time, ends idle
//! connections, and notices clients that have ended their side.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    connection::ConnectionHandle,
    half_closed::{HalfClosed, Peer},
    metered::ByteMeter,
    refusal,
    request_heads::HeadScanner,
    timeouts::ConnectionTimeouts,
};
use crate::limits::refusals::{RefusalCounters, RefusalReason};

/// The most input that is kept while it may not be read yet.
const MAX_AHEAD_BYTES: usize = 4 * 1024;

/// The I/O of the HTTP layer: first the bytes that were read before, then `io`. Its input ends when a timeout
/// expires, or when the client has ended its side and no answer is open.
///
/// The HTTP layer gets one request at a time, and the next one when the answer is written.
pub struct TimedIo<Io, Meter> {
    io: Io,
    /// Bytes that were read, but not yet given to the HTTP layer.
    ahead: BytesMut,
    heads: HeadScanner,
    /// Whether the HTTP layer was given bytes that it may not have looked at yet.
    has_passed_head: bool,
    /// Whether the client does not take what is written.
    is_blocked: bool,
    /// Whether the HTTP layer waits for input since it was last woken for it.
    is_read_pending: bool,
    timeouts: ConnectionTimeouts,
    refusals: Arc<RefusalCounters>,
    /// Whether a timeout has expired.
    has_expired: bool,
    pub connection: ConnectionHandle,
    pub meter: Meter,
    /// Whether bytes crossed since the timeouts were last checked.
    active: bool,
    /// Whether the client has ended its side.
    has_ended: bool,
    /// Whether the HTTP layer has read that end.
    is_end_read: bool,
    half_closed: Option<HalfClosed>,
    /// Bytes of the answer that were sent ahead, and that the HTTP layer has not written yet.
    sent_ahead: usize,
    /// The replacement for a bare refusal.
    refusal: Bytes,
}

impl<Io, Meter> TimedIo<Io, Meter> {
    /// `prefix` was read from `io` already.
    pub fn new(
        io: Io,
        prefix: Bytes,
        keep_alive: Duration,
        connection: ConnectionHandle,
        meter: Meter,
        refusals: Arc<RefusalCounters>,
    ) -> Self {
        Self {
            io,
            ahead: prefix.into(),
            heads: HeadScanner::default(),
            has_passed_head: false,
            is_blocked: false,
            is_read_pending: false,
            timeouts: ConnectionTimeouts::new(keep_alive),
            refusals,
            has_expired: false,
            connection,
            meter,
            active: false,
            has_ended: false,
            is_end_read: false,
            half_closed: None,
            sent_ahead: 0,
            refusal: Bytes::new(),
        }
    }
}

impl<Io, Meter> TimedIo<Io, Meter>
where
    Io: AsyncRead + AsyncWrite + Peer + Unpin,
    Meter: ByteMeter,
{
    /// Continues to read. `Ok(true)`: the client has ended its side.
    fn poll_input(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<bool>> {
        let before = buf.filled().len();
        match ready!(Pin::new(&mut self.io).poll_read(cx, buf)) {
            Ok(()) => Poll::Ready(Ok(buf.filled().len() == before)),
            // The client ended TLS without a close alert.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(true)),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Reads and drops the input. Ready when it has ended.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = [0; 1024];
        loop {
            let mut buf = ReadBuf::new(&mut scratch);
            if ready!(self.poll_input(cx, &mut buf))? {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Whether an answer is not written completely.
    fn has_open_answer(&self) -> bool {
        self.is_blocked || self.connection.is_answering() || self.meter.has_request()
    }

    /// Whether the HTTP layer may have further input.
    fn may_pass(&self) -> bool {
        !self.has_passed_head && (!self.has_open_answer() || self.connection.is_input_needed())
    }

    /// Keeps those of the bytes after the first `before` in `buf` that the HTTP layer may not have yet.
    fn keep_ahead(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        self.has_passed_head = true;
        let added = &mut buf.filled_mut()[before..];
        let passed = self.heads.take(added, self.connection.is_input_needed());
        if passed < added.len() {
            self.ahead = BytesMut::from(&added[passed..]);
            buf.set_filled(before + passed);
        }
    }

    /// Gives the HTTP layer the next bytes that were read before.
    fn pass_ahead(&mut self, buf: &mut ReadBuf<'_>) {
        self.has_passed_head = true;
        let bytes = self.ahead.len().min(buf.remaining());
        let is_in_body = self.connection.is_input_needed();
        let passed = self.heads.take(&mut self.ahead[..bytes], is_in_body);
        buf.put_slice(&self.ahead.split_to(passed));
        if self.ahead.is_empty() {
            self.ahead = BytesMut::new();
        }
    }

    /// Reads what the HTTP layer may not have yet. Ready when the client has ended its side. Behind as much input as is
    /// kept, that end is noticed only after the answer.
    fn poll_read_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = [0; 1024];
        while self.ahead.len() < MAX_AHEAD_BYTES {
            let mut buf = ReadBuf::new(&mut scratch);
            if ready!(self.poll_input(cx, &mut buf))? {
                return Poll::Ready(Ok(()));
            }
            self.active = true;
            self.ahead.extend_from_slice(buf.filled());
        }
        Poll::Pending
    }

    /// To be polled when there is nothing to read. Ready when a timeout has expired: the HTTP layer then reads the end of
    /// the input, and closes.
    fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A connection is not idle while its client waits for an answer.
        let active = std::mem::take(&mut self.active) || self.meter.has_request();
        let in_head = self.meter.is_awaiting_head();
        ready!(self.timeouts.poll_expired(active, in_head, cx));
        if !std::mem::replace(&mut self.has_expired, true) {
            self.refusals.count(self.timeouts.reason());
        }
        Poll::Ready(Ok(()))
    }

    /// To be polled after the client has ended its side. Ready when the HTTP layer must learn this: no answer is
    /// open, or the client is gone.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !std::mem::replace(&mut self.has_ended, true) {
            // A request that came together with the end must begin before the HTTP layer learns of the end.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let is_input_needed = self.connection.is_input_needed();
        if !self.ahead.is_empty() && (!self.has_open_answer() || is_input_needed) {
            // These bytes come first.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let is_answering = self.meter.has_request() || self.connection.is_answering();
        if self.ahead.is_empty() && (!is_answering || is_input_needed) {
            self.is_end_read = true;
            return Poll::Ready(Ok(()));
        }
        self.connection.set_half_closed();
        let has_answer = self.meter.has_answer();
        let half_closed = self
            .half_closed
            .get_or_insert_with(|| HalfClosed::new(has_answer));
        half_closed
            .poll_gone(&mut self.io, has_answer, &mut self.sent_ahead, cx)
            .map(|()| Err(io::ErrorKind::ConnectionReset.into()))
    }
}

impl<Io, Meter> AsyncRead for TimedIo<Io, Meter>
where
    Io: AsyncRead + AsyncWrite + Peer + Unpin,
    Meter: ByteMeter + Unpin,
{
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.is_read_pending = true;
        if this.connection.is_input_ignored() {
            this.ahead.clear();
            // The HTTP layer closes. Until then the client may still send, and a close with unread input would take the
            // answer from it.
            if !this.has_ended {
                match this.poll_discard(cx) {
                    Poll::Ready(ended) => ended?,
                    // The HTTP layer may wait for the rest of a body without a length before it closes.
                    Poll::Pending => return this.poll_expired(cx),
                }
            }
            return this.poll_end(cx);
        }
        if !this.ahead.is_empty() && this.may_pass() {
            this.pass_ahead(buf);
            return Poll::Ready(Ok(()));
        }
        if this.has_ended {
            this.has_passed_head = false;
            return this.poll_end(cx);
        }
        if this.may_pass() {
            let before = buf.filled().len();
            if let Poll::Ready(read) = this.poll_input(cx, buf) {
                this.active = true;
                if read? {
                    return this.poll_end(cx);
                }
                this.keep_ahead(buf, before);
                return Poll::Ready(Ok(()));
            }
        } else if let Poll::Ready(ended) = this.poll_read_ahead(cx) {
            this.active = true;
            this.has_passed_head = false;
            ended?;
            return this.poll_end(cx);
        }
        this.has_passed_head = false;
        if !this.ahead.is_empty() && this.may_pass() {
            // The HTTP layer sees the head that it was given first.
            cx.waker().wake_by_ref();
        }
        this.poll_expired(cx)
    }
}

impl<Io: AsyncWrite + Unpin, Meter> TimedIo<Io, Meter> {
    /// Writes the replacement for a bare refusal.
    fn poll_refusal(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.refusal.is_empty() {
            let written = ready!(Pin::new(&mut self.io).poll_write(cx, &self.refusal))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.refusal.advance(written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<Io, Meter> AsyncWrite for TimedIo<Io, Meter>
where
    Io: AsyncRead + AsyncWrite + Peer + Unpin,
    Meter: ByteMeter + Unpin,
{
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.sent_ahead > 0 {
            let bytes = self.sent_ahead.min(buf.len());
            self.sent_ahead -= bytes;
            return Poll::Ready(Ok(bytes));
        }
        let buf = match refusal::find(buf) {
            None => buf,
            Some((0, answer)) => {
                if answer.is_head_too_large {
                    self.refusals.count(RefusalReason::Head);
                }
                self.refusal = answer.bytes;
                return Poll::Ready(Ok(buf.len()));
            }
            Some((at, _)) => &buf[..at],
        };
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.is_blocked = written.is_pending();
        if let Poll::Ready(Ok(_)) = written {
            self.active = true;
            self.timeouts.on_response();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_refusal(cx))?;
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        let is_end_due = self.has_ended && !self.is_end_read;
        let is_input_due = !self.ahead.is_empty() || is_end_due;
        let is_due = self.is_read_pending && is_input_due && !self.has_open_answer();
        if flushed.is_ready() && is_due {
            // The answer is written, so the HTTP layer must read the next request or the end now.
            self.is_read_pending = false;
            cx.waker().wake_by_ref();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_refusal(cx))?;
        // A close with unread input would take the last answer from the client.
        let _ = self.poll_discard(cx);
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
