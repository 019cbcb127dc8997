//! The log's own clock: it stamps messages and measures their age.
//!
//! The machine's clock may jump: a board without a battery, a resumed virtual machine, an operator's mistake. The
//! log's clock advances with the monotonic clock and follows the machine's clock only while both agree, so its times
//! never fall. It accepts a jump ahead once the jump has lasted: after a minute for the times of messages, and sooner
//! for ages if the machine may have slept.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// Differences up to this are drift, not a jump.
const MAX_DRIFT: Duration = Duration::from_secs(2);
/// A jump ahead that has lasted this long is accepted.
const STEP_TIMEOUT: Duration = Duration::from_secs(60);
/// A jump ahead of up to [`MAX_SLEEP`] counts towards ages after this long.
const SLEEP_TIMEOUT: Duration = Duration::from_secs(1);
const MAX_SLEEP: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug)]
pub(in crate::log) struct LogClock {
    now: Timestamp,
    read_at: Instant,
    /// How far the machine's clock is ahead, if that is more than drift.
    step: Option<ClockStep>,
    /// Messages from this time on are younger than their time says, until the given moment.
    exempt: Option<(Timestamp, Instant)>,
}

/// A jump ahead of the machine's clock.
#[derive(Debug, Clone, Copy)]
struct ClockStep {
    seen_at: Instant,
    /// This clock's time when the jump was seen.
    from: Timestamp,
    ahead: Duration,
}

impl LogClock {
    /// The clock of a log whose newest message has the time `last`.
    pub fn new(last: Timestamp) -> Self {
        Self::starting_at(last.max(Timestamp::now()), Instant::now())
    }

    fn starting_at(now: Timestamp, read_at: Instant) -> Self {
        Self {
            now,
            read_at,
            step: None,
            exempt: None,
        }
    }

    /// The time of a message appended now; it never falls.
    pub fn now(&mut self) -> Timestamp {
        self.advance(Timestamp::now(), Instant::now())
    }

    fn advance(&mut self, wall: Timestamp, at: Instant) -> Timestamp {
        let elapsed = at.saturating_duration_since(self.read_at);
        let expected = self.now.saturating_add(elapsed).unwrap_or(Timestamp::MAX);
        self.read_at = self.read_at.max(at);
        let difference = wall.duration_since(expected);
        if difference.unsigned_abs() <= MAX_DRIFT {
            self.step = None;
            self.now = self.now.max(wall);
        } else if difference.is_negative() {
            // Following the clock would make times fall.
            self.step = None;
            self.now = expected;
        } else {
            let step = self.step.get_or_insert(ClockStep {
                seen_at: at,
                from: expected,
                ahead: Duration::ZERO,
            });
            step.ahead = difference.unsigned_abs();
            if at.saturating_duration_since(step.seen_at) < STEP_TIMEOUT {
                self.now = expected;
            } else {
                self.exempt = Some((step.from, step.seen_at));
                self.step = None;
                self.now = wall;
            }
        }
        self.now
    }

    /// Messages stamped before this are older than `age`, as of the last [`Self::now`].
    pub fn older_than(&mut self, age: Duration) -> Timestamp {
        let before = |now: Timestamp| {
            let age = SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
            now.checked_sub(age).unwrap_or(Timestamp::MIN)
        };
        let mut cutoff = before(self.now);
        if let Some(step) = self.step
            && step.ahead <= MAX_SLEEP
            && self.read_at.saturating_duration_since(step.seen_at) >= SLEEP_TIMEOUT
        {
            let then = self
                .now
                .saturating_add(step.ahead)
                .unwrap_or(Timestamp::MAX);
            // Messages appended since the jump carry times from before it.
            cutoff = cutoff.max(before(then).min(step.from));
        }
        if let Some((from, seen_at)) = self.exempt
            && self.read_at.saturating_duration_since(seen_at) < age
        {
            cutoff = cutoff.min(from);
        }
        cutoff
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

    /// A clock, and both of the machine's clocks that it reads.
    struct Machine {
        clock: LogClock,
        wall: Timestamp,
        at: Instant,
    }

    impl Machine {
        fn new() -> Self {
            let wall = Timestamp::from_second(1_700_000_000).expect("in range");
            let at = Instant::now();
            Self {
                clock: LogClock::starting_at(wall, at),
                wall,
                at,
            }
        }

        /// Lets time pass, a second at a time as the server's pruning does.
        fn pass(&mut self, seconds: u64) -> Timestamp {
            for _ in 0..seconds {
                self.wall += Duration::from_secs(1);
                self.at += Duration::from_secs(1);
                self.now();
            }
            self.now()
        }

        fn now(&mut self) -> Timestamp {
            self.clock.advance(self.wall, self.at)
        }
    }

    #[test]
    fn a_short_jump_ahead_changes_no_time_and_no_age() {
        let mut machine = Machine::new();
        let before = machine.now();
        machine.wall += TEN_YEARS;
        assert_eq!(machine.now(), before);
        machine.wall -= TEN_YEARS;
        assert_eq!(machine.pass(5), before + Duration::from_secs(5));
        assert_eq!(
            machine.clock.older_than(HOUR),
            before + Duration::from_secs(5) - HOUR
        );
    }

    #[test]
    fn a_jump_ahead_that_lasts_a_minute_is_the_time() {
        let mut machine = Machine::new();
        machine.wall += TEN_YEARS;
        assert!(machine.pass(59) < machine.wall);
        assert_eq!(machine.pass(2), machine.wall);
    }

    #[test]
    fn time_slept_counts_towards_ages_at_once_but_not_for_what_came_after() {
        let mut machine = Machine::new();
        let old = machine.now();
        machine.at += Duration::from_millis(1);
        machine.wall += 3 * HOUR;
        let new = machine.now();
        machine.pass(1);
        let cutoff = machine.clock.older_than(HOUR);
        assert!(old < cutoff && new >= cutoff, "{old} {new} {cutoff}");
        // Nor once the jump is accepted.
        machine.pass(100);
        let cutoff = machine.clock.older_than(HOUR);
        assert!(old < cutoff && new >= cutoff, "{old} {new} {cutoff}");
        machine.pass(3600);
        assert!(new < machine.clock.older_than(HOUR));
    }

    #[test]
    fn ages_go_on_after_a_jump_back() {
        let mut machine = Machine::new();
        let old = machine.now();
        machine.wall -= TEN_YEARS;
        assert!(machine.pass(10) > old);
        machine.pass(3600);
        assert!(old < machine.clock.older_than(HOUR));
    }

    proptest! {
        #[test]
        fn times_never_fall(steps: Vec<(i32, u16)>) {
            let mut machine = Machine::new();
            let mut last = machine.now();
            for (jump, millis) in steps {
                let jump = SignedDuration::from_secs(jump.into());
                machine.wall = machine.wall.saturating_add(jump).expect("saturates");
                machine.at += Duration::from_millis(millis.into());
                let now = machine.now();
                prop_assert!(now >= last);
                last = now;
            }
        }
    }
}
