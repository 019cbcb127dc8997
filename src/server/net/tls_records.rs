//! The lengths of the TLS records that a client sends, read below TLS from their heads.
//!
//! Code above TLS cannot see where one record ends and the next begins, and so cannot tell which request a record's
//! head and tag belong to.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

use super::half_closed::Peer;

const HEAD_BYTES: usize = 5;
const APPLICATION_DATA: u8 = 23;

/// The wire lengths, heads included, of application-data records that were not read above TLS yet.
pub type RecordLengths = Rc<RefCell<VecDeque<u64>>>;

/// An I/O wrapper that records the lengths of incoming records.
pub struct RecordTap<Io> {
    io: Io,
    records: RecordLengths,
    parser: RecordParser,
}

#[derive(Default)]
struct RecordParser {
    head: [u8; HEAD_BYTES],
    head_len: usize,
    payload: usize,
}

impl<Io> RecordTap<Io> {
    pub fn new(io: Io) -> Self {
        Self {
            io,
            records: RecordLengths::default(),
            parser: RecordParser::default(),
        }
    }

    pub fn records(&self) -> RecordLengths {
        self.records.clone()
    }

    pub fn get_ref(&self) -> &Io {
        &self.io
    }
}

impl RecordParser {
    fn advance(&mut self, mut bytes: &[u8], mut note: impl FnMut(u64)) {
        while !bytes.is_empty() {
            if self.payload > 0 {
                let taken = bytes.len().min(self.payload);
                self.payload -= taken;
                bytes = &bytes[taken..];
                continue;
            }
            let taken = bytes.len().min(HEAD_BYTES - self.head_len);
            self.head[self.head_len..][..taken].copy_from_slice(&bytes[..taken]);
            self.head_len += taken;
            bytes = &bytes[taken..];
            if self.head_len == HEAD_BYTES {
                self.head_len = 0;
                let [kind, _, _, high, low] = self.head;
                self.payload = usize::from(u16::from_be_bytes([high, low]));
                if kind == APPLICATION_DATA {
                    note((HEAD_BYTES + self.payload) as u64);
                }
            }
        }
    }
}

impl<Io: Peer> Peer for RecordTap<Io> {
    fn has_reset(&self) -> bool {
        self.io.has_reset()
    }
}

impl<Io: Peer> Peer for TlsStream<Io> {
    fn has_reset(&self) -> bool {
        self.get_ref().0.has_reset()
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for RecordTap<Io> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        // With HTTP/1.1, nothing uses the lengths once the connection is established.
        if Rc::strong_count(&this.records) > 1 {
            let records = &this.records;
            this.parser.advance(&buf.filled()[before..], |length| {
                records.borrow_mut().push_back(length);
            });
        }
        Poll::Ready(Ok(()))
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for RecordTap<Io> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn application_data_is_noted_however_it_is_cut() {
        let record = |kind: u8, payload: usize| {
            let mut bytes = vec![kind, 3, 3];
            bytes.extend((payload as u16).to_be_bytes());
            bytes.resize(HEAD_BYTES + payload, 0);
            bytes
        };
        let bytes = [
            record(22, 200),
            record(20, 1),
            record(23, 53),
            record(23, 300),
        ]
        .concat();
        for size in [1, 3, 7, 1000] {
            let mut noted = Vec::new();
            let mut parser = RecordParser::default();
            for piece in bytes.chunks(size) {
                parser.advance(piece, |length| noted.push(length));
            }
            assert_eq!(noted, [58, 305], "in pieces of {size}");
        }
    }
}
