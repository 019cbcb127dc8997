//! Figures about the surroundings of the measured clients: other rooms, and clients that stopped reading.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Bucket;

/// How evenly the server served several rooms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomStats {
    /// Rooms to which something was delivered.
    pub rooms: u64,
    /// Rooms to which nothing was delivered.
    pub silent: u64,
    /// The distribution of the rooms' mean delays, with a precision of one percent.
    pub mean_delay_buckets: Vec<Bucket>,
}

impl RoomStats {
    /// Makes the figures from the rooms' mean delays and the number of rooms.
    pub fn from_means(means_us: impl IntoIterator<Item = u64>, all: u64) -> Self {
        let mut buckets = BTreeMap::new();
        for mean_us in means_us {
            *buckets.entry(rounded_up(mean_us.max(1))).or_insert(0) += 1;
        }
        let rooms = buckets.values().sum();
        Self {
            rooms,
            silent: all - rooms,
            mean_delay_buckets: listed(buckets),
        }
    }

    /// Several runs together; `None` without runs.
    pub fn pool<'a>(all: impl Iterator<Item = &'a Self> + Clone) -> Option<Self> {
        all.clone().next()?;
        let mut buckets = BTreeMap::new();
        for bucket in all.clone().flat_map(|one| &one.mean_delay_buckets) {
            *buckets.entry(bucket.le_us).or_insert(0) += bucket.count;
        }
        Some(Self {
            rooms: all.clone().map(|one| one.rooms).sum(),
            silent: all.map(|one| one.silent).sum(),
            mean_delay_buckets: listed(buckets),
        })
    }
}

fn listed(buckets: BTreeMap<u64, u64>) -> Vec<Bucket> {
    let buckets = buckets.into_iter();
    buckets
        .map(|(le_us, count)| Bucket { le_us, count })
        .collect()
}

/// Rounds up to about two digits, so that ten thousand rooms do not need a bucket each.
fn rounded_up(us: u64) -> u64 {
    let step = (us / 100).max(1);
    let step = 10_u64.pow(step.ilog10());
    us.div_ceil(step) * step
}

/// The memory of the server's processes at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MemorySample {
    pub after_s: f64,
    /// Proportional set size.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_counted_by_their_mean_delays() {
        let stats = RoomStats::from_means([250, 250, 123_456, 0], 6);
        let bucket = |le_us, count| Bucket { le_us, count };
        let wanted = [bucket(1, 1), bucket(250, 2), bucket(124_000, 1)];
        assert_eq!(stats.mean_delay_buckets, wanted);
        assert_eq!((stats.rooms, stats.silent), (4, 2));
        let pooled = RoomStats::pool([&stats, &stats].into_iter()).expect("two");
        assert_eq!((pooled.rooms, pooled.silent), (8, 4));
        assert_eq!(pooled.mean_delay_buckets[1], bucket(250, 4));
        assert_eq!(RoomStats::pool(std::iter::empty()), None);
    }
}
