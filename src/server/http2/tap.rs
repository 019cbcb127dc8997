//! Between TLS and `h2`: charges every byte that passes to its stream.
//!
//! More bytes cross the TCP socket than pass here: a TLS record has a head, a tag and, in TLS 1.2, a nonce.
//! [`Overhead`] says how many; a record's overhead is charged to the stream of its first byte. All other bytes on the
//! socket (preface, SETTINGS, PING, handshake) belong to no stream, so the charges of both kinds are exactly the
//! socket's bytes.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    io,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    frames::{Charge, FrameParser},
    limits::MAX_CONCURRENT_STREAMS,
};
use crate::{
    limits::refusals::{RefusalCounters, RefusalReason},
    net::tls_records::RecordLengths,
};

/// The most plaintext that one TLS record carries (RFC 8446, 5.1).
const MAX_RECORD_BYTES: usize = 16 * 1024;

/// Counts the bytes of one stream, as they cross the socket.
pub trait StreamCounter {
    fn received(&self, bytes: u64);
    fn sent(&self, bytes: u64);
    /// The last byte of the answer has been handed to the socket, or the stream was reset.
    fn ended(&self);
}

/// The bytes that TLS adds to each record.
pub struct Overhead {
    /// Bytes beyond the plaintext, head included.
    pub record_bytes: u64,
    /// The lengths of received records.
    pub received: RecordLengths,
}

/// The most streams that are counted at a time. It is more than a client may open, because a client can send frames
/// of streams that were refused or came after GOAWAY; these count for the connection.
const MAX_COUNTED_STREAMS: usize = 2 * MAX_CONCURRENT_STREAMS as usize;

/// The streams of one connection whose bytes are still coming.
pub struct StreamTable {
    streams: RefCell<HashMap<u32, StreamCharge>>,
    /// The newest stream that the client opened. Older ones are never opened again.
    newest: Cell<u32>,
    refusals: Arc<RefusalCounters>,
}

#[derive(Default)]
struct StreamCharge {
    counter: Option<Rc<dyn StreamCounter>>,
    /// Bytes that came before the stream was accepted.
    early_in: u64,
    /// Whether it was reset before it was accepted. `h2` hands it out nevertheless.
    is_reset: bool,
}

impl StreamTable {
    pub fn new(refusals: Arc<RefusalCounters>) -> Self {
        Self {
            streams: RefCell::default(),
            newest: Cell::default(),
            refusals,
        }
    }

    /// Attaches the counter of an accepted stream. It also gets the bytes that came before.
    pub fn attach(&self, stream: u32, counter: Rc<dyn StreamCounter>) {
        let mut streams = self.streams.borrow_mut();
        let Some(entry) = streams.get_mut(&stream) else {
            // The table was full, so its bytes count for the connection.
            return counter.ended();
        };
        counter.received(std::mem::take(&mut entry.early_in));
        if entry.is_reset {
            streams.remove(&stream);
            counter.ended();
        } else {
            entry.counter = Some(counter);
        }
    }

    fn received(&self, charge: Charge) {
        if charge.is_headers && charge.stream > self.newest.get() {
            self.newest.set(charge.stream);
            let mut streams = self.streams.borrow_mut();
            if streams.len() == MAX_COUNTED_STREAMS {
                // `h2` does not hand out a stream that it refused and the client reset.
                streams.retain(|_, stream| !stream.is_reset);
            }
            if streams.len() < MAX_COUNTED_STREAMS {
                streams.insert(charge.stream, StreamCharge::default());
            }
        }
        let counter = {
            let mut streams = self.streams.borrow_mut();
            let Some(entry) = streams.get_mut(&charge.stream) else {
                return;
            };
            let counter = entry.counter.clone();
            if counter.is_none() {
                entry.early_in += charge.bytes;
                entry.is_reset |= charge.reset;
            } else if charge.reset {
                streams.remove(&charge.stream);
            }
            counter
        };
        if let Some(counter) = counter {
            counter.received(charge.bytes);
            if charge.reset {
                counter.ended();
            }
        }
    }

    fn sent(&self, charge: Charge) {
        let counter = {
            let mut streams = self.streams.borrow_mut();
            let Some(entry) = streams.get(&charge.stream) else {
                return;
            };
            let counter = entry.counter.clone();
            if charge.ended {
                streams.remove(&charge.stream);
            }
            counter
        };
        if counter.is_none() && charge.is_headers && charge.ended {
            // `h2` answers one thing by itself: a header list that is too large.
            self.refusals.count(RefusalReason::Head);
        }
        if let Some(counter) = counter {
            counter.sent(charge.bytes);
            if charge.ended {
                counter.ended();
            }
        }
    }
}

/// An IO that charges what passes.
pub struct Tap<Io> {
    io: Io,
    streams: Rc<StreamTable>,
    incoming: FrameParser,
    outgoing: FrameParser,
    overhead: Option<Overhead>,
    /// The remaining plaintext of the present incoming record.
    record_left: u64,
}

impl<Io> Tap<Io> {
    /// `overhead` is `None` for cleartext.
    pub fn new(io: Io, streams: Rc<StreamTable>, overhead: Option<Overhead>) -> Self {
        Self {
            io,
            streams,
            incoming: FrameParser::from_client(),
            outgoing: FrameParser::from_server(),
            overhead,
            record_left: 0,
        }
    }

    fn charge_received(&mut self, mut bytes: &[u8]) {
        let streams = &self.streams;
        let charge = &mut |charge| streams.received(charge);
        let Some(overhead) = &self.overhead else {
            return self.incoming.advance(bytes, 0, charge);
        };
        while !bytes.is_empty() {
            let mut added = 0;
            while self.record_left == 0 {
                let Some(length) = overhead.received.borrow_mut().pop_front() else {
                    // Not the expected application data, so its overhead counts for the connection.
                    return self.incoming.advance(bytes, 0, charge);
                };
                self.record_left = length.saturating_sub(overhead.record_bytes);
                added += overhead.record_bytes;
            }
            let taken = bytes
                .len()
                .min(usize::try_from(self.record_left).unwrap_or(usize::MAX));
            self.record_left -= taken as u64;
            self.incoming.advance(&bytes[..taken], added, charge);
            bytes = &bytes[taken..];
        }
    }

    fn charge_sent(&mut self, bytes: &[u8]) {
        let streams = &self.streams;
        let added = self.overhead.as_ref().map_or(0, |it| it.record_bytes);
        for record in bytes.chunks(MAX_RECORD_BYTES) {
            self.outgoing
                .advance(record, added, &mut |charge| streams.sent(charge));
        }
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Tap<Io> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        this.charge_received(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Tap<Io> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.io).poll_write(cx, buf))?;
        this.charge_sent(&buf[..written]);
        Poll::Ready(Ok(written))
    }

    // One write at a time: each becomes separate records, so that their overhead is known.
    fn is_write_vectored(&self) -> bool {
        false
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
    use crate::http2::tests::Counter;

    fn table() -> StreamTable {
        StreamTable::new(Arc::default())
    }

    fn open(table: &StreamTable, stream: u32) {
        table.received(Charge {
            stream,
            bytes: 30,
            is_headers: true,
            ended: true,
            reset: false,
        });
    }

    fn reset(table: &StreamTable, stream: u32) {
        table.received(Charge {
            stream,
            bytes: 13,
            is_headers: false,
            ended: true,
            reset: true,
        });
    }

    fn attach(table: &StreamTable, stream: u32) -> Rc<Counter> {
        let counter = Rc::new(Counter::default());
        table.attach(stream, counter.clone());
        counter
    }

    #[test]
    fn a_stream_that_was_reset_before_it_was_accepted_gets_its_bytes_and_ends() {
        let table = table();
        open(&table, 1);
        reset(&table, 1);
        let counter = attach(&table, 1);
        assert_eq!(
            (counter.received.get(), counter.has_ended.get()),
            (43, true)
        );
        assert!(table.streams.borrow().is_empty());
    }

    #[test]
    fn streams_that_are_never_handed_out_do_not_take_the_place_of_others() {
        let table = table();
        let streams = MAX_COUNTED_STREAMS as u32;
        for n in 0..streams {
            open(&table, 2 * n + 1);
            reset(&table, 2 * n + 1);
        }
        let next = 2 * streams + 1;
        open(&table, next);
        let counter = attach(&table, next);
        assert_eq!(
            (counter.received.get(), counter.has_ended.get()),
            (30, false)
        );
    }

    #[test]
    fn the_table_is_bounded() {
        let table = table();
        for n in 0..10 * MAX_COUNTED_STREAMS as u32 {
            open(&table, 2 * n + 1);
        }
        assert_eq!(table.streams.borrow().len(), MAX_COUNTED_STREAMS);
        // Its bytes count for the connection.
        let uncounted = attach(&table, 2 * MAX_COUNTED_STREAMS as u32 + 1);
        assert_eq!(
            (uncounted.received.get(), uncounted.has_ended.get()),
            (0, true)
        );
        assert_eq!(table.streams.borrow().len(), MAX_COUNTED_STREAMS);
    }
}
