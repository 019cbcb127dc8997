//! When each connection must run: one moment for each, in the order of time.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;

pub struct Timers {
    start: Instant,
    by_time: BTreeSet<TimerSlot>,
}

/// A connection's moment, packed into one number to save memory: milliseconds since the timers began in the high
/// bits, and the connection's key in the low bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerSlot(u64);

impl TimerSlot {
    pub const UNSET: Self = Self(u64::MAX);
    /// Enough for more connections than a process can open, and leaves bits for 34 years of milliseconds.
    const KEY_BITS: u32 = 24;
    const LATEST_MS: u64 = (u64::MAX >> Self::KEY_BITS) - 1;

    fn new(ms: u64, key: u32) -> Self {
        debug_assert!(key >> Self::KEY_BITS == 0, "connection {key}");
        Self(ms.min(Self::LATEST_MS) << Self::KEY_BITS | u64::from(key))
    }

    fn ms(self) -> u64 {
        self.0 >> Self::KEY_BITS
    }

    fn key(self) -> u32 {
        (self.0 & ((1 << Self::KEY_BITS) - 1)) as u32
    }
}

impl Timers {
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
            by_time: BTreeSet::new(),
        }
    }

    /// Makes the connection run at `due` or earlier. A moment later than the one already set is ignored: the
    /// connection sets it again when it runs.
    pub fn set(&mut self, key: u32, slot: &mut TimerSlot, due: Instant) {
        let after = due.saturating_duration_since(self.start);
        let ms = u64::try_from(after.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        let at = TimerSlot::new(ms, key);
        if at < *slot {
            self.clear(*slot);
            self.by_time.insert(at);
            *slot = at;
        }
    }

    pub fn clear(&mut self, slot: TimerSlot) {
        if slot != TimerSlot::UNSET {
            self.by_time.remove(&slot);
        }
    }

    /// Takes a connection whose moment has come, and clears its slot.
    pub fn pop_due(&mut self, now: Instant) -> Option<u32> {
        let now = now.saturating_duration_since(self.start).as_millis();
        let first = self.by_time.first()?;
        if u128::from(first.ms()) > now {
            return None;
        }
        self.by_time.pop_first().map(TimerSlot::key)
    }

    /// The earliest moment.
    pub fn next(&self) -> Option<Instant> {
        let first = self.by_time.first()?;
        Some(self.start + Duration::from_millis(first.ms()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_has_one_moment_the_earliest_that_was_set() {
        let mut timers = Timers::new();
        let mut slot = TimerSlot::UNSET;
        let at = |ms| timers_start(&timers) + Duration::from_millis(ms);
        let (early, middle, late) = (at(10), at(20), at(30));
        timers.set(7, &mut slot, middle);
        timers.set(7, &mut slot, late);
        assert_eq!(timers.next(), Some(middle));
        timers.set(7, &mut slot, early);
        assert_eq!(timers.next(), Some(early));
        assert_eq!(timers.pop_due(early - Duration::from_millis(1)), None);
        assert_eq!(timers.pop_due(late), Some(7));
        assert_eq!(timers.pop_due(late), None);
    }

    #[test]
    fn a_moment_does_not_come_before_its_time() {
        let mut timers = Timers::new();
        let mut slot = TimerSlot::UNSET;
        let due = timers_start(&timers) + Duration::from_micros(1500);
        timers.set(1, &mut slot, due);
        assert_eq!(timers.pop_due(due), None);
        assert!(timers.next().is_some_and(|at| at >= due));
    }

    #[test]
    fn the_furthest_moment_and_the_greatest_connection_are_kept_apart() {
        let mut timers = Timers::new();
        let greatest = (1 << TimerSlot::KEY_BITS) - 1;
        let far = timers_start(&timers) + Duration::from_secs(400 * 365 * 24 * 3600);
        let mut slots = [TimerSlot::UNSET; 2];
        timers.set(0, &mut slots[0], far);
        timers.set(greatest, &mut slots[1], far);
        assert!(slots[0] < slots[1] && slots[1] != TimerSlot::UNSET);
        assert_eq!(slots[1].ms(), slots[0].ms());
        assert_eq!(slots.map(TimerSlot::key), [0, greatest]);
        timers.clear(slots[0]);
        assert_eq!(timers.pop_due(far + Duration::from_secs(1)), Some(greatest));
    }

    fn timers_start(timers: &Timers) -> Instant {
        timers.start
    }
}
