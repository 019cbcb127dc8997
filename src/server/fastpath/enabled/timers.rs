//! When each connection must be looked at: one moment each, in the order of time.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;

pub struct Timers {
    start: Instant,
    by_time: BTreeSet<(u64, u32)>,
}

/// A connection's moment, in milliseconds since the timers began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimerSlot(u64);

impl TimerSlot {
    pub const UNSET: Self = Self(u64::MAX);
}

impl Timers {
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
            by_time: BTreeSet::new(),
        }
    }

    /// Has the connection looked at when `due` has come, or before. A later moment than it has
    /// already is not noted: it is set again when that one comes.
    pub fn set(&mut self, key: u32, slot: &mut TimerSlot, due: Instant) {
        let after = due.saturating_duration_since(self.start);
        let at = u64::try_from(after.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX - 1);
        if at < slot.0 {
            self.clear(key, *slot);
            self.by_time.insert((at, key));
            slot.0 = at;
        }
    }

    pub fn clear(&mut self, key: u32, slot: TimerSlot) {
        if slot != TimerSlot::UNSET {
            self.by_time.remove(&(slot.0, key));
        }
    }

    /// A connection whose moment has come; its slot is unset then.
    pub fn pop_due(&mut self, now: Instant) -> Option<u32> {
        let now = now.saturating_duration_since(self.start).as_millis();
        let &(at, key) = self.by_time.first()?;
        if u128::from(at) > now {
            return None;
        }
        self.by_time.pop_first();
        Some(key)
    }

    /// The first moment of all.
    pub fn next(&self) -> Option<Instant> {
        let (at, _) = self.by_time.first()?;
        Some(self.start + Duration::from_millis(*at))
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

    fn timers_start(timers: &Timers) -> Instant {
        timers.start
    }
}
