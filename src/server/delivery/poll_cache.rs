//! Answers to polls that a cache may give to several readers, and how those readers stay together.
//!
//! The address of such a poll contains its cursor and nothing about its reader, so all readers with the same cursor
//! request the same address. A cache that collapses requests then asks the server once for all of them.
//!
//! A cache may keep an answer with messages, because the messages after a cursor never change, and the next poll gets
//! later ones. A long-poll's empty answer must reach all readers that waited for it, but no reader may get it again,
//! or that reader would poll and be answered endlessly. So the empty answer has another cursor: the same position
//! followed by a turn, which makes another address. Long-polls with the same `wait` end at the same moments, whenever
//! they began, and their cursors then have the same turn. So readers that came at different moments request the same
//! address from then on.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::read_query::ReadQuery;

/// How long a cache may keep an answer that changes with new messages: the shortest time that caches support.
const BRIEF: Duration = Duration::from_secs(1);

/// The setting of `--poll-cache`.
#[derive(Debug, Clone, Copy)]
pub struct PollCache {
    /// How long an answer with the messages after a cursor may be kept.
    pub max_age: Duration,
}

/// The end of a long-poll that others share.
#[derive(Debug, Clone, Copy)]
pub(super) struct SharedWait {
    pub ends_at: Instant,
    /// Identifies this end; always greater than the turn of the request.
    pub turn: u64,
}

impl PollCache {
    /// Whether the answer to `query` is the same for all readers.
    pub fn shares(query: &ReadQuery) -> bool {
        query.client.is_none()
            && !query.presence
            && query.fault.is_none()
            && query.fault_key.is_none()
            && !query.close
    }

    /// How long a cache may keep an answer, in seconds. `follows_cursor`: the answer has the messages directly after
    /// the request's cursor.
    pub(super) fn max_age_s(self, follows_cursor: bool) -> u64 {
        let age = if follows_cursor { self.max_age } else { BRIEF };
        age.as_secs()
    }
}

impl SharedWait {
    /// The end of a wait that begins now: the next moment that is a multiple of `wait`. `asked` is the turn
    /// of the request's cursor.
    pub fn until_next_multiple(wait: Duration, asked: u64) -> Self {
        // A clock before 1970 also works, as long as it advances.
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let (left, turn) = next_multiple(now.unwrap_or_default(), wait);
        Self {
            ends_at: Instant::now() + left,
            turn: turn.max(asked.saturating_add(1)),
        }
    }
}

/// The time until the next multiple of `wait`, and that moment in milliseconds.
fn next_multiple(now: Duration, wait: Duration) -> (Duration, u64) {
    let wait_ms = (wait.as_millis() as u64).max(1);
    let end_ms = (now.as_millis() as u64 / wait_ms + 1) * wait_ms;
    (Duration::from_millis(end_ms).saturating_sub(now), end_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_that_are_equally_long_end_together() {
        let at = |now_ms, wait_ms| {
            let (left, turn) = next_multiple(
                Duration::from_millis(now_ms),
                Duration::from_millis(wait_ms),
            );
            (left.as_millis(), turn)
        };
        assert_eq!(at(60_001, 30_000), (29_999, 90_000));
        assert_eq!(at(89_999, 30_000), (1, 90_000));
        assert_eq!(at(90_000, 30_000), (30_000, 120_000));
    }

    #[test]
    fn a_turn_is_never_that_of_the_request() {
        let wait = Duration::from_secs(30);
        let first = SharedWait::until_next_multiple(wait, 0);
        // As if another server's clock were ahead.
        let next = SharedWait::until_next_multiple(wait, first.turn + 5);
        assert_eq!(next.turn, first.turn + 6);
        assert!(first.ends_at <= Instant::now() + wait);
    }

    #[test]
    fn what_tells_of_its_reader_is_not_shared() {
        let shares = |query| PollCache::shares(&ReadQuery::parse(query, None).expect("valid"));
        assert!(shares(
            "room=a&room=b&cursor=k-7&wait=30&limit=5&interval=2"
        ));
        for query in [
            "client=me",
            "presence=1",
            "fault=slow",
            "fault_key=x",
            "connection=close",
        ] {
            assert!(!shares(query), "{query}");
        }
    }
}
