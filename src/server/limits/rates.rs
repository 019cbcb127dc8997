//! Limits on the requests a second of one client: a token bucket for each of a bounded number of clients.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    state::{InMemoryState, NotKeyed},
};
use lru::LruCache;
use parking_lot::Mutex;

use crate::domain::client_address::ClientAddress;

/// The most clients that are remembered; the least recently seen client is forgotten, and starts again with a full
/// bucket.
const MAX_CLIENTS: NonZeroUsize = NonZeroUsize::new(50_000).expect("not zero");

/// Requests a second; the burst is the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(Quota);

impl Rate {
    pub fn per_second(requests: NonZeroU32) -> Option<Self> {
        let interval = Duration::from_secs(1) / requests.get();
        let quota = Quota::with_period(interval)?;
        Some(Self(quota.allow_burst(requests)))
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

type Bucket = RateLimiter<NotKeyed, InMemoryState, DefaultClock>;

/// The buckets of one limit.
pub struct RateTable {
    quota: Quota,
    clock: DefaultClock,
    buckets: Mutex<LruCache<RateKey, Bucket>>,
}

impl RateTable {
    pub fn new(Rate(quota): Rate) -> Self {
        Self {
            quota,
            clock: DefaultClock::default(),
            buckets: Mutex::new(LruCache::new(MAX_CLIENTS)),
        }
    }

    /// Takes a request out of the client's bucket. If the bucket is empty, the error is the time until it is not.
    pub fn check(&self, key: RateKey) -> Result<(), Duration> {
        let new = || RateLimiter::direct_with_clock(self.quota, self.clock.clone());
        let mut buckets = self.buckets.lock();
        let bucket = buckets.get_or_insert(key, new);
        bucket
            .check()
            .map_err(|not_until| not_until.wait_time_from(self.clock.now()))
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
    fn clients_are_bounded() {
        let rate = Rate::per_second(NonZeroU32::MIN).expect("a rate");
        let table = RateTable::new(rate);
        for i in 0..MAX_CLIENTS.get() + 10 {
            let _ = table.check(key(&i.to_string()));
        }
        assert_eq!(table.buckets.lock().len(), MAX_CLIENTS.get());
    }

    #[test]
    fn a_rate_that_cannot_be_counted_is_none() {
        assert!(Rate::per_second(NonZeroU32::MAX).is_none());
    }
}
