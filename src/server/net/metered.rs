//! An I/O wrapper that only counts bytes.
//!
//! It is below TLS and HTTP, so it counts heads, bodies and framing, by the numbers that the kernel returned.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::half_closed::Peer;

/// Gets the byte counts of a connection.
pub trait ByteMeter {
    fn record_read(&self, bytes: usize);
    fn record_written(&self, bytes: usize);
    /// Records that all pending bytes are written.
    fn record_flushed(&self);
    /// Whether a request's head is expected, or has begun to arrive.
    fn is_awaiting_head(&self) -> bool;
    /// Whether a request is open.
    fn has_request(&self) -> bool;
    /// Whether a part of the answer to the current request was written.
    fn has_answer(&self) -> bool;
}

pub struct Metered<Io, Meter> {
    io: Io,
    meter: Meter,
}

impl<Io, Meter: ByteMeter> Metered<Io, Meter> {
    pub fn new(io: Io, meter: Meter) -> Self {
        Self { io, meter }
    }

    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    fn count_written(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = written {
            self.meter.record_written(bytes);
        }
        written
    }
}

impl<Io: Peer, Meter> Peer for Metered<Io, Meter> {
    fn has_reset(&self) -> bool {
        self.io.has_reset()
    }
}

impl<Io: AsyncRead + Unpin, Meter: ByteMeter + Unpin> AsyncRead for Metered<Io, Meter> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buf);
        let bytes = buf.filled().len() - before;
        if bytes > 0 {
            self.meter.record_read(bytes);
        }
        read
    }
}

impl<Io: AsyncWrite + Unpin, Meter: ByteMeter + Unpin> AsyncWrite for Metered<Io, Meter> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.count_written(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.count_written(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        if flushed.is_ready() {
            self.meter.record_flushed();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
