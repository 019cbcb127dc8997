//! The histogram for times.

use hdrhistogram::Histogram;

/// Times above an hour count as one.
const LONGEST_US: u64 = 3_600_000_000;
/// Two digits: a precision of one percent.
const DIGITS: u8 = 2;

/// An empty histogram of microseconds. Its bounds are fixed, because in an auto-resizing histogram `saturating_record`
/// would cut values off.
pub fn new_histogram() -> Histogram<u64> {
    let histogram = Histogram::new_with_bounds(1, LONGEST_US, DIGITS);
    histogram.unwrap_or_else(|_| unreachable!("the bounds are constants"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_times_are_kept_to_one_part_in_a_hundred() {
        let mut histogram = new_histogram();
        for time in [1, 500, 2_000_000, u64::MAX] {
            histogram.saturating_record(time);
        }
        assert_eq!(histogram.min(), 1);
        assert!(histogram.value_at_quantile(0.75).abs_diff(2_000_000) <= 20_000);
        assert!(histogram.max().abs_diff(LONGEST_US) <= LONGEST_US / 100);
    }
}
