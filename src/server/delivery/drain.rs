//! When readers must leave because the server stops. Each reader has its own moment, so that they do not all arrive
//! at the next server at the same instant.
//!
//! A connection's moment is not stored: it is computed from the connection's id, pseudo-randomly within the drain.

use std::{
    hash::{BuildHasher as _, RandomState},
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long `EventSource` should wait before it reconnects, in milliseconds: 1000 on average.
const RETRY_MS: RangeInclusive<u64> = 500..=1500;

/// Whether the server is stopping, and until when.
#[derive(Default)]
pub struct Drain {
    /// Read with every poll and every wakeup of a reader, so it is outside the lock.
    is_draining: AtomicBool,
    window: Mutex<Option<DrainWindow>>,
    jitter: RandomState,
}

/// The time over which connections leave.
#[derive(Clone, Copy)]
struct DrainWindow {
    from: Instant,
    span: Duration,
    /// The drain gave readers time, so the readers that remain at its end are spread, too.
    is_spread: bool,
}

impl Drain {
    /// Whether the server is stopping.
    pub fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
    }

    /// Makes all connections leave within `span` from now.
    pub fn begin(&self, span: Duration) {
        let mut window = self.window.lock();
        *window = Some(DrainWindow {
            from: Instant::now(),
            span,
            is_spread: !span.is_zero() || window.is_some_and(|before| before.is_spread),
        });
        drop(window);
        self.is_draining.store(true, Ordering::Release);
    }

    /// Whether the connection with this id must leave after its present answer.
    pub fn is_due(&self, connection: u64) -> bool {
        self.deadline(connection)
            .is_some_and(|deadline| deadline <= Instant::now())
    }

    /// When the connection must leave; `None` unless the server is stopping.
    fn deadline(&self, connection: u64) -> Option<Instant> {
        if !self.is_draining() {
            return None;
        }
        let DrainWindow { from, span, .. } = (*self.window.lock())?;
        let share = self.jitter(connection) as u32;
        Some(from + span.mul_f64(f64::from(share) / f64::from(u32::MAX)))
    }

    fn jitter(&self, connection: u64) -> u64 {
        self.jitter.hash_one(connection)
    }
}

/// When one reader must leave.
pub struct DrainDeadline {
    drain: Arc<Drain>,
    connection: u64,
}

impl DrainDeadline {
    pub fn new(drain: Arc<Drain>, connection: u64) -> Self {
        Self { drain, connection }
    }

    /// When the reader must leave; `None` unless the server is stopping.
    pub fn instant(&self) -> Option<Instant> {
        self.drain.deadline(self.connection)
    }

    /// How long the reader should wait before it comes back, in milliseconds; `None` if the server stops without a
    /// drain.
    pub fn retry_ms(&self) -> Option<u64> {
        let DrainWindow { is_spread, .. } = (*self.drain.window.lock())?;
        let jitter = self.drain.jitter(self.connection) >> 32;
        is_spread.then(|| retry_ms(jitter as f64 / f64::from(u32::MAX)))
    }
}

/// A time within [`RETRY_MS`]: its beginning for a `share` of 0, its end for 1.
pub fn retry_ms(share: f64) -> u64 {
    let (least, most) = RETRY_MS.into_inner();
    least + (share * (most - least) as f64).round() as u64
}
