//! The clock of a run: when it warms up, when it is measured, and when each message is due.
//!
//! Times are microseconds since the run was created, so that they fit into an atomic, and every client can check the
//! phase on each read and write.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// The phase of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Clients are connecting.
    Opening,
    /// Clients run, but nothing counts yet.
    WarmUp,
    /// Everything counts, in this second.
    Measured(usize),
    /// The last messages arrive.
    Drain,
}

/// The clock of a run.
#[derive(Debug)]
pub struct Schedule {
    zero: Instant,
    begin_us: AtomicU64,
    start_us: AtomicU64,
    end_us: AtomicU64,
    period_us: f64,
    /// Messages due in the warm-up.
    warming: u64,
    /// Messages due in the warm-up and while it is measured.
    messages: u64,
    warm_up: Duration,
    measured: Duration,
}

const UNSET: u64 = u64::MAX;

impl Schedule {
    /// A schedule that has not begun: `messages` at `rate` a second, after `warm_up` at the same rate.
    pub fn new(rate: f64, messages: u64, warm_up: Duration) -> Self {
        let warming = (warm_up.as_secs_f64() * rate).floor() as u64;
        Self {
            zero: Instant::now(),
            begin_us: AtomicU64::new(UNSET),
            start_us: AtomicU64::new(UNSET),
            end_us: AtomicU64::new(UNSET),
            period_us: 1e6 / rate,
            warming,
            messages: warming + messages,
            warm_up,
            measured: Duration::from_secs_f64(messages as f64 / rate),
        }
    }

    pub fn now_us(&self) -> u64 {
        self.zero.elapsed().as_micros() as u64
    }

    pub fn instant(&self, at_us: u64) -> Instant {
        self.zero + Duration::from_micros(at_us)
    }

    /// Begins the warm-up a moment from now, so that everything can get ready for it, and returns that moment.
    pub fn begin(&self) -> u64 {
        const MOMENT_US: u64 = 20_000;
        let begin = self.now_us() + MOMENT_US;
        let from = begin + self.warm_up.as_micros() as u64;
        self.start_us.store(from, Relaxed);
        self.end_us
            .store(from + self.measured.as_micros() as u64, Relaxed);
        self.begin_us.store(begin, Relaxed);
        begin
    }

    /// Ends the measured time now, even before it began.
    pub fn cut(&self) {
        self.end_us.fetch_min(self.now_us(), Relaxed);
    }

    pub fn start_us(&self) -> u64 {
        self.start_us.load(Relaxed)
    }

    pub fn end_us(&self) -> u64 {
        self.end_us.load(Relaxed)
    }

    pub fn phase(&self, at_us: u64) -> Phase {
        let from = self.start_us();
        // Checked first, because a run that is cut may end before its measured time.
        if at_us >= self.end_us() {
            Phase::Drain
        } else if at_us < self.begin_us.load(Relaxed) {
            Phase::Opening
        } else if at_us < from {
            Phase::WarmUp
        } else {
            Phase::Measured(((at_us - from) / 1_000_000) as usize)
        }
    }

    /// When message `sequence` is due: in the middle of its period.
    pub fn due_us(&self, sequence: u64) -> u64 {
        let periods = sequence as f64 - self.warming as f64 + 0.5;
        (self.start_us() as f64 + periods * self.period_us) as u64
    }

    /// The messages that count: all that are due within the measured time.
    pub fn counted(&self) -> std::ops::Range<u64> {
        let end = (self.warming..self.messages)
            .rev()
            .find(|sequence| self.due_us(*sequence) < self.end_us());
        self.warming..end.map_or(self.warming, |last| last + 1)
    }

    /// Whether message `sequence` counts.
    pub fn counts(&self, sequence: u64) -> bool {
        sequence >= self.warming && self.due_us(sequence) < self.end_us()
    }

    /// The number of all messages, including those of the warm-up.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// How long it was measured.
    pub fn measured_s(&self) -> f64 {
        self.end_us().saturating_sub(self.start_us()) as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_due_in_the_middle_of_their_periods() {
        let schedule = Schedule::new(2.0, 4, Duration::from_secs(1));
        assert_eq!(schedule.phase(schedule.now_us()), Phase::Opening);
        let begin = schedule.begin();
        let from = schedule.start_us();
        assert_eq!(from - begin, 1_000_000);
        assert_eq!(schedule.end_us() - from, 2_000_000);
        assert_eq!(schedule.messages(), 6);
        let due: Vec<i64> = (0..6)
            .map(|n| schedule.due_us(n) as i64 - from as i64)
            .collect();
        assert_eq!(
            due,
            [-750_000, -250_000, 250_000, 750_000, 1_250_000, 1_750_000]
        );
        assert_eq!(schedule.counted(), 2..6);
        assert_eq!(schedule.phase(from - 1), Phase::WarmUp);
        assert_eq!(schedule.phase(from + 1_000_000), Phase::Measured(1));
        assert_eq!(schedule.phase(schedule.end_us()), Phase::Drain);
    }

    #[test]
    fn a_cut_run_counts_the_messages_due_until_then() {
        let schedule = Schedule::new(1000.0, 60_000, Duration::ZERO);
        schedule.cut();
        assert!(
            schedule.counted().is_empty(),
            "the measured time had not begun"
        );
        let schedule = Schedule::new(1000.0, 60_000, Duration::from_secs(60));
        schedule.begin();
        schedule.cut();
        assert!(schedule.counted().is_empty());
        assert_eq!(schedule.measured_s(), 0.0);
        assert_eq!(schedule.phase(schedule.end_us()), Phase::Drain);
    }
}
