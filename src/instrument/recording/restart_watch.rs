//! A restart of the server within a run: when it began, when the old server was gone, when the new one accepted
//! connections, and when each client was served again. Times are those of the run's schedule.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;

const UNSET: u64 = u64::MAX;
/// How long after the new server's start a client may still use a connection that the old server had closed.
const GRACE_US: u64 = 2_000_000;

/// The times of a restart. All stay unset in a run without a restart.
#[derive(Debug)]
pub struct RestartWatch {
    began_us: AtomicU64,
    gone_us: AtomicU64,
    back_us: AtomicU64,
    /// For each client that was served again, the time since the restart began.
    served_us: Mutex<Vec<u64>>,
}

impl Default for RestartWatch {
    fn default() -> Self {
        let unset = || AtomicU64::new(UNSET);
        Self {
            began_us: unset(),
            gone_us: unset(),
            back_us: unset(),
            served_us: Mutex::default(),
        }
    }
}

impl RestartWatch {
    pub fn begin(&self, now_us: u64) {
        self.began_us.store(now_us, Relaxed);
    }

    /// Records that the old server takes no more connections. Later calls have no effect.
    pub fn gone(&self, now_us: u64) {
        self.gone_us.fetch_min(now_us, Relaxed);
    }

    /// Records that the new server takes connections.
    pub fn back(&self, now_us: u64) {
        self.back_us.store(now_us, Relaxed);
    }

    pub fn has_begun(&self, now_us: u64) -> bool {
        now_us >= self.began_us.load(Relaxed)
    }

    /// Whether a message sent at this time may have reached neither server.
    pub fn is_away(&self, sent_us: u64) -> bool {
        let back = self.back_us.load(Relaxed);
        self.has_begun(sent_us) && sent_us < back.saturating_add(GRACE_US)
    }

    /// Whether a request sent at this time went to the new server.
    pub fn is_after(&self, sent_us: u64) -> bool {
        sent_us >= self.gone_us.load(Relaxed)
    }

    /// Records that a client has its first answer from the new server.
    pub fn record_served(&self, now_us: u64) {
        let after_us = now_us.saturating_sub(self.began_us.load(Relaxed));
        self.served_us.lock().push(after_us);
    }

    pub fn began_us(&self) -> Option<u64> {
        Some(self.began_us.load(Relaxed)).filter(|at| *at != UNSET)
    }

    /// The time from the beginning of the restart until the new server took connections.
    pub fn away_us(&self) -> Option<u64> {
        let back = Some(self.back_us.load(Relaxed)).filter(|at| *at != UNSET)?;
        back.checked_sub(self.began_us()?)
    }

    pub fn served_s(&self) -> Vec<f64> {
        let served = self.served_us.lock();
        served.iter().map(|after| *after as f64 / 1e6).collect()
    }
}
