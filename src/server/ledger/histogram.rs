//! Delay histograms: from publish to the moment the server hands a message to a reader.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::SystemTime,
};

/// Upper bounds of the buckets, seconds; the last bucket has none.
pub const BOUNDS: [f64; 14] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 10.0, 60.0,
];

/// One transport's delays.
#[derive(Debug, Default)]
pub struct DelayHistogram {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum_us: AtomicU64,
}

impl DelayHistogram {
    /// Counts `messages` messages delivered now, the oldest of which was published at `sent_at_us` (microseconds
    /// since the Unix epoch).
    pub fn record(&self, sent_at_us: i64, messages: u64) {
        let delay_us = u64::try_from(now_us() - sent_at_us).unwrap_or(0);
        let seconds = delay_us as f64 / 1e6;
        let bucket = BOUNDS.partition_point(|&bound| bound < seconds);
        self.buckets[bucket].fetch_add(messages, Relaxed);
        self.sum_us.fetch_add(delay_us * messages, Relaxed);
    }

    /// The sum in seconds and the count of each bucket.
    pub fn snapshot(&self) -> (f64, [u64; BOUNDS.len() + 1]) {
        let counts = std::array::from_fn(|i| self.buckets[i].load(Relaxed));
        (self.sum_us.load(Relaxed) as f64 / 1e6, counts)
    }
}

/// Microseconds since the Unix epoch.
fn now_us() -> i64 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since_epoch.map_or(0, |elapsed| elapsed.as_micros() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_counts_in_the_bucket_it_fits() {
        let delays = DelayHistogram::default();
        delays.record(now_us() - 700_000, 3);
        let (sum, counts) = delays.snapshot();
        let bucket = BOUNDS
            .iter()
            .position(|&bound| bound == 1.0)
            .expect("a bound");
        assert_eq!(counts[bucket], 3);
        assert!(sum >= 2.1, "{sum}");
    }

    #[test]
    fn a_clock_that_stepped_back_is_no_delay() {
        let delays = DelayHistogram::default();
        delays.record(now_us() + 5_000_000, 1);
        assert_eq!(delays.snapshot().1[0], 1);
    }
}
