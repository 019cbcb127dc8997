//! A stream on the wire: chunks of shared bytes, written as they come.

use std::{
    cell::RefCell,
    future::Future,
    io::{self, IoSlice, Write as _},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::Stream as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::response::write_stream_head;
use crate::{
    delivery::{event_stream::EventStream, sse},
    ledger::request_recorder::RequestRecorder,
    net::half_closed::{HalfClosed, Peer},
};

/// A chunk up to this size is copied for its write; more is gathered by the kernel.
const COPIED_BYTES: usize = 4 * 1024;
const LAST_CHUNK: Bytes = Bytes::from_static(b"0\r\n\r\n");
const CRLF: &[u8] = b"\r\n";

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes a stream until it ends or its client leaves.
pub struct StreamWriter<Io> {
    io: Io,
    events: EventStream,
    recorder: RequestRecorder,
    unwritten: Unwritten,
    is_last: bool,
    /// The client has ended its side.
    half_closed: Option<Box<HalfClosed>>,
    is_probe_due: bool,
}

impl<Io: AsyncRead + AsyncWrite + Peer + Unpin> StreamWriter<Io> {
    /// `sent_ahead` bytes of the head were sent already.
    pub fn new(io: Io, events: EventStream, recorder: RequestRecorder, sent_ahead: usize) -> Self {
        let mut head = Vec::with_capacity(256);
        write_stream_head(&mut head);
        let mut unwritten = Unwritten::plain(head.into());
        unwritten.written = sent_ahead;
        Self {
            io,
            events,
            recorder,
            unwritten,
            is_last: false,
            half_closed: None,
            is_probe_due: false,
        }
    }

    /// Reads what the client sends, which means nothing any more. Ready when the client has left.
    fn poll_disconnect(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut ignored = [0; 256];
        while self.half_closed.is_none() {
            let mut buf = ReadBuf::new(&mut ignored);
            if ready!(Pin::new(&mut self.io).poll_read(cx, &mut buf)).is_err() {
                return Poll::Ready(());
            }
            if buf.filled().is_empty() {
                self.half_closed = Some(Box::new(HalfClosed::new(true)));
                self.is_probe_due = true;
            }
        }
        match &mut self.half_closed {
            Some(half_closed) => half_closed.poll_gone(&mut self.io, true, &mut 0, cx),
            None => Poll::Pending,
        }
    }

    /// Writes what is due. Ready when there is no more to come, or no way to send it.
    fn poll_write_chunks(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.unwritten.poll_write(&mut self.io, cx))?;
            // What is written is told to the trace.
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            if self.is_last {
                return Pin::new(&mut self.io).poll_shutdown(cx);
            }
            if std::mem::take(&mut self.is_probe_due) {
                self.unwritten = Unwritten::chunk(sse::EMPTY_COMMENT);
                continue;
            }
            self.unwritten = match ready!(Pin::new(&mut self.events).poll_next(cx)) {
                Some(chunk) => {
                    chunk.record(&self.recorder);
                    Unwritten::chunk(chunk.bytes)
                }
                None => {
                    self.is_last = true;
                    Unwritten::plain(LAST_CHUNK)
                }
            };
        }
    }
}

impl<Io: AsyncRead + AsyncWrite + Peer + Unpin> Future for StreamWriter<Io> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_disconnect(cx).is_ready() {
            return Poll::Ready(());
        }
        self.poll_write_chunks(cx).map(|_| ())
    }
}

/// Bytes to be written, in their framing.
struct Unwritten {
    size_line: SizeLine,
    bytes: Bytes,
    end: &'static [u8],
    written: usize,
}

/// A chunk's size in hexadecimal, with its line break.
struct SizeLine {
    text: [u8; 18],
    len: usize,
}

impl SizeLine {
    const NONE: Self = Self {
        text: [0; 18],
        len: 0,
    };

    fn new(size: usize) -> Self {
        let mut line = Self::NONE;
        let mut rest = &mut line.text[..];
        // 16 digits of 64 bits, and the line break.
        let _ = write!(rest, "{size:X}\r\n");
        let left = rest.len();
        line.len = line.text.len() - left;
        line
    }
}

impl Unwritten {
    fn plain(bytes: Bytes) -> Self {
        Self {
            size_line: SizeLine::NONE,
            bytes,
            end: b"",
            written: 0,
        }
    }

    fn chunk(bytes: Bytes) -> Self {
        Self {
            size_line: SizeLine::new(bytes.len()),
            bytes,
            end: CRLF,
            written: 0,
        }
    }

    fn poll_write<Io: AsyncWrite + Unpin>(
        &mut self,
        io: &mut Io,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let parts = [
            &self.size_line.text[..self.size_line.len],
            &self.bytes[..],
            self.end,
        ];
        let total: usize = parts.iter().map(|part| part.len()).sum();
        while self.written < total {
            let unwritten = after(parts, self.written);
            let io = Pin::new(&mut *io);
            let bytes = if total - self.written <= COPIED_BYTES {
                SCRATCH.with_borrow_mut(|scratch| {
                    scratch.clear();
                    for part in unwritten {
                        scratch.extend_from_slice(part);
                    }
                    io.poll_write(cx, scratch)
                })
            } else {
                io.poll_write_vectored(cx, &unwritten.map(IoSlice::new))
            };
            match ready!(bytes)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                bytes => self.written += bytes,
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// What is left of `parts` after the first bytes.
fn after(parts: [&[u8]; 3], mut skipped: usize) -> [&[u8]; 3] {
    parts.map(|part| {
        let skip = skipped.min(part.len());
        skipped -= skip;
        &part[skip..]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_line_is_hexadecimal_as_the_http_layer_writes_it() {
        for (size, text) in [(13, "D\r\n"), (255, "FF\r\n"), (16 * 1024, "4000\r\n")] {
            let line = SizeLine::new(size);
            assert_eq!(&line.text[..line.len], text.as_bytes());
        }
        assert_eq!(SizeLine::new(usize::MAX).len, 18);
    }

    #[test]
    fn what_was_written_is_not_written_again() {
        let parts: [&[u8]; 3] = [b"D\r\n", b"0123456789abc", CRLF];
        assert_eq!(after(parts, 0).concat(), parts.concat());
        assert_eq!(after(parts, 5).concat(), b"23456789abc\r\n");
        assert_eq!(after(parts, 17).concat(), b"\n");
        assert!(after(parts, 18).concat().is_empty());
    }
}
