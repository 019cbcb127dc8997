//! The receiver of byte counts.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::Protocol;

/// Counts a connection's bytes. Called in the task that uses the connection, directly after bytes passed.
pub trait Meter {
    /// A TCP connection was opened.
    fn connected(&mut self) {}
    /// A TLS handshake was completed, for which this many bytes were sent and received. They were also counted by
    /// [`Meter::sent`] and [`Meter::received`].
    fn shook_hands(&mut self, _sent: u64, _received: u64, _is_resumed: bool) {}
    /// The connection is ready, over this version of TLS if any.
    fn ready(&mut self, _protocol: Protocol, _tls: Option<&'static str>) {}
    fn sent(&mut self, _bytes: usize) {}
    fn received(&mut self, _bytes: usize) {}
}

/// A meter that counts nothing.
pub struct NoMeter;

impl Meter for NoMeter {}

/// Counts the bytes sent and received since it was last read.
#[derive(Debug, Default, Clone)]
pub struct ByteCounter(Arc<ByteCounts>);

#[derive(Debug, Default)]
struct ByteCounts {
    sent: AtomicU64,
    received: AtomicU64,
    /// All bytes ever received.
    received_ever: AtomicU64,
}

impl ByteCounter {
    pub fn sent(&self, bytes: usize) {
        self.0.sent.fetch_add(bytes as u64, Relaxed);
    }

    pub fn received(&self, bytes: usize) {
        self.0.received.fetch_add(bytes as u64, Relaxed);
        self.0.received_ever.fetch_add(bytes as u64, Relaxed);
    }

    pub fn received_ever(&self) -> u64 {
        self.0.received_ever.load(Relaxed)
    }

    /// Reports the passed bytes to `meter`, and returns them.
    pub fn settle(&self, meter: &mut dyn Meter) -> (u64, u64) {
        let sent = self.0.sent.swap(0, Relaxed);
        let received = self.0.received.swap(0, Relaxed);
        if sent > 0 {
            meter.sent(sent as usize);
        }
        if received > 0 {
            meter.received(received as usize);
        }
        (sent, received)
    }
}
