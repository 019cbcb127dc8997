//! The end of a run: clients stay until the last messages have come.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::run_control::{Progress, RunControl};
use crate::{load::publisher::Publisher, recording::recorder::RunRecorder};

/// How often to check.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// The wait ends when no message has arrived for this long; once it was stopped, it lasts exactly this long. With
/// polls, one interval longer.
const QUIESCENCE: Duration = Duration::from_secs(3);
/// The longest wait; with polls, one interval longer.
const LONGEST: Duration = Duration::from_secs(60);
/// The time after the last expected delivery in which a duplicate would show.
const SETTLE_TIME: Duration = Duration::from_millis(100);

/// The wait for the last messages.
pub struct Drain<'a> {
    pub recorder: &'a RunRecorder,
    pub publisher: &'a Publisher,
    pub control: &'a RunControl,
    /// The deliveries of the messages that count.
    pub expected: u64,
    /// How long a message may wait for a poll; zero for the other transports.
    pub interval: Duration,
}

impl Drain<'_> {
    /// Waits. If it was stopped, returns the time from which on messages that were due may still be under way.
    pub async fn wait(self) -> Option<u64> {
        let (quiescence, longest) = times(self.interval);
        let begin = Instant::now();
        let mut before = self.recorder.deliveries();
        let mut moved = begin;
        let mut stopped = None;
        loop {
            let deliveries = self.recorder.deliveries();
            if deliveries > before {
                (before, moved) = (deliveries, Instant::now());
            }
            let is_over = deliveries >= self.expected || moved.elapsed() > quiescence;
            if (is_over && self.publisher.is_done()) || begin.elapsed() > longest {
                break;
            }
            if self.control.is_stopped()
                && stopped.get_or_insert_with(Instant::now).elapsed() > QUIESCENCE
            {
                let now_us = self.recorder.schedule.now_us();
                return Some(now_us.saturating_sub(quiescence.as_micros() as u64));
            }
            let lacking = self.expected.saturating_sub(deliveries);
            (self.control.on_progress)(Progress::Draining { lacking });
            sleep(POLL_INTERVAL).await;
        }
        sleep(SETTLE_TIME).await;
        None
    }
}

/// How long it waits for the next delivery, and at most in all.
fn times(interval: Duration) -> (Duration, Duration) {
    (QUIESCENCE + interval, LONGEST + interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_of_any_interval_get_the_time_to_bring_the_last_messages() {
        for seconds in [0, 2, 80, 600] {
            let interval = Duration::from_secs(seconds);
            let (quiescence, longest) = times(interval);
            assert!(interval < quiescence && quiescence < longest, "{seconds} s");
        }
    }
}
