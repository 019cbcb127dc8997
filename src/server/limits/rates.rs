//! Limits on the requests a second of one client: a token bucket for each of a bounded number of clients.
//!
//! The buckets are our own, because those of `governor` cannot be looked at without taking a request out.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::{Duration, Instant},
};

use lru::LruCache;
use parking_lot::Mutex;

use crate::domain::client_address::ClientAddress;

/// The most clients that are remembered; the least recently seen client is forgotten, and starts again with a full
/// bucket.
const MAX_CLIENTS: NonZeroUsize = NonZeroUsize::new(50_000).expect("not zero");

/// Requests a second; the burst is the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The time in which a bucket gets one request back.
    interval: Duration,
    burst: NonZeroU32,
}

impl Rate {
    pub fn per_second(requests: NonZeroU32) -> Option<Self> {
        let interval = Duration::from_secs(1) / requests.get();
        (!interval.is_zero()).then_some(Self {
            interval,
            burst: requests,
        })
    }
}

/// `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimits {
    pub publish: Option<Rate>,
    pub read: Option<Rate>,
}

/// The key by which requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RateKey {
    /// The holder of tokens with this `sub`.
    Subject(String),
    Address(ClientAddress),
}

/// The buckets of one limit. Each is the moment at which it will be full (the generic cell rate algorithm).
pub struct RateTable {
    rate: Rate,
    full_at: Mutex<LruCache<RateKey, Instant>>,
}

impl RateTable {
    pub fn new(rate: Rate) -> Self {
        Self {
            rate,
            full_at: Mutex::new(LruCache::new(MAX_CLIENTS)),
        }
    }

    /// Takes a request out of the client's bucket. If the bucket is empty, the error is the time until it is not.
    pub fn check(&self, key: RateKey) -> Result<(), Duration> {
        let now = Instant::now();
        let mut buckets = self.full_at.lock();
        let full_at = buckets.get_or_insert_mut(key, || now);
        let wait = self.wait(*full_at, now);
        if !wait.is_zero() {
            return Err(wait);
        }
        *full_at = now.max(*full_at) + self.rate.interval;
        Ok(())
    }

    /// Whether the client's bucket is empty.
    pub fn is_empty(&self, key: &RateKey) -> bool {
        let buckets = self.full_at.lock();
        let full_at = buckets.peek(key);
        full_at.is_some_and(|it| !self.wait(*it, Instant::now()).is_zero())
    }

    /// The time until a bucket that will be full at `full_at` has a request.
    fn wait(&self, full_at: Instant, now: Instant) -> Duration {
        let room = self.rate.interval * (self.rate.burst.get() - 1);
        full_at.saturating_duration_since(now).saturating_sub(room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(subject: &str) -> RateKey {
        RateKey::Subject(subject.to_owned())
    }

    #[test]
    fn each_client_has_a_bucket_of_its_own() {
        let rate = Rate::per_second(NonZeroU32::MIN).expect("a rate");
        let table = RateTable::new(rate);
        assert!(table.check(key("mina")).is_ok());
        let wait = table.check(key("mina")).expect_err("empty");
        assert!(
            wait <= Duration::from_secs(1) && !wait.is_zero(),
            "{wait:?}"
        );
        assert!(table.check(key("joon")).is_ok());
    }

    #[test]
    fn a_burst_empties_a_bucket_that_fills_again_with_time() {
        let rate = Rate::per_second(NonZeroU32::new(100).expect("not zero"));
        let table = RateTable::new(rate.expect("a rate"));
        assert!(!table.is_empty(&key("mina")));
        let begun = Instant::now();
        let taken = || (0..10_000).take_while(|_| table.check(key("mina")).is_ok());
        let burst = taken().count() as u32;
        let refilled = begun.elapsed().as_millis() as u32 / 10;
        assert!((100..=101 + refilled).contains(&burst), "{burst}");
        let now = Instant::now();
        let full_at = |ms| now + Duration::from_millis(ms);
        for (ms, wait) in [(0, 0), (990, 0), (991, 1), (1000, 10)] {
            let wait = Duration::from_millis(wait);
            assert_eq!(table.wait(full_at(ms), now), wait, "full in {ms} ms");
        }
    }

    #[test]
    fn clients_are_bounded() {
        let rate = Rate::per_second(NonZeroU32::MIN).expect("a rate");
        let table = RateTable::new(rate);
        for i in 0..MAX_CLIENTS.get() + 10 {
            let _ = table.check(key(&i.to_string()));
        }
        assert_eq!(table.full_at.lock().len(), MAX_CLIENTS.get());
    }

    #[test]
    fn a_rate_that_cannot_be_counted_is_none() {
        assert!(Rate::per_second(NonZeroU32::MAX).is_none());
    }
}
