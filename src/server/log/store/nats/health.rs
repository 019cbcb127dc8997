//! A store that answers but cannot be used: it refuses messages, or acknowledges messages that it never
//! delivers. (One that does not answer is `away` in [`super::Status`].)

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::cursor::LogId;

/// How long a refusal makes the store unavailable, if no accepted message ends it.
const REFUSAL_TTL: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct StreamHealth {
    /// The stream's settings refuse messages.
    settings: Option<String>,
    refusal: Option<Refusal>,
    /// Since when no message was accepted, after one that was not confirmed.
    unconfirmed: Option<Instant>,
    /// The oldest message that was acknowledged but not delivered.
    missing_delivery: Option<(LogId, u64)>,
}

/// A message was refused.
struct Refusal {
    why: String,
    bytes: usize,
    at: Instant,
}

impl StreamHealth {
    /// Records which messages the stream's settings refuse.
    pub fn settings(&mut self, refuse: Option<String>) {
        self.settings = refuse;
    }

    /// Records that a message of `bytes` was refused permanently.
    pub fn refused(&mut self, why: &str, bytes: usize) {
        self.refusal = Some(Refusal {
            why: why.to_owned(),
            bytes,
            at: Instant::now(),
        });
    }

    /// Records that a message of `bytes`, whose publish began at `begun`, was not confirmed although the store
    /// answered. A single one may be an accident.
    pub fn unconfirmed(&mut self, begun: Instant, bytes: usize) {
        let first = *self.unconfirmed.get_or_insert_with(Instant::now);
        if begun >= first {
            self.refused("it does not confirm them", bytes);
        }
    }

    /// Records that a message of `bytes` was accepted.
    pub fn accepted(&mut self, bytes: usize) {
        self.unconfirmed = None;
        // A smaller message does not show that the refused one would be accepted.
        self.refusal.take_if(|refusal| refusal.bytes <= bytes);
    }

    /// Records that message `id` of `log` was acknowledged, but not delivered in time.
    pub fn expect_delivery(&mut self, log: LogId, id: u64) {
        match self.missing_delivery {
            Some((of, oldest)) if of == log && oldest <= id => {}
            _ => self.missing_delivery = Some((log, id)),
        }
    }

    /// Whether there are messages that were acknowledged but not delivered, although messages up to `applied` of the
    /// log were.
    pub fn has_missing(&mut self, (log, applied): (LogId, u64)) -> bool {
        self.missing_delivery
            .take_if(|&mut (of, id)| of != log || id <= applied);
        self.missing_delivery.is_some()
    }

    /// The problem, if there is one.
    pub fn reason(&mut self, applied: (LogId, u64), now: Instant) -> Option<String> {
        let is_over = |refusal: &mut Refusal| now - refusal.at >= REFUSAL_TTL;
        self.refusal.take_if(is_over);
        if let Some(settings) = &self.settings {
            return Some(settings.clone());
        }
        if self.has_missing(applied) {
            return Some("it acknowledges messages but does not deliver them".to_owned());
        }
        let refusal = self.refusal.as_ref()?;
        Some(format!("it refuses messages: {}", refusal.why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(n: u64) -> LogId {
        LogId::from_u64(n)
    }

    #[test]
    fn a_refusal_is_over_with_a_message_as_large_or_with_time() {
        let mut health = StreamHealth::default();
        let now = Instant::now();
        assert_eq!(health.reason((log(1), 0), now), None);
        health.refused("too large", 300);
        health.accepted(100);
        let what = health.reason((log(1), 0), now).expect("refused");
        assert!(what.contains("too large"), "{what}");
        health.accepted(300);
        assert_eq!(health.reason((log(1), 0), now), None);
        health.refused("full", 300);
        let later = Instant::now() + REFUSAL_TTL;
        assert_eq!(health.reason((log(1), 0), later), None);
    }

    #[test]
    fn what_is_not_confirmed_twice_in_a_row_is_refused() {
        let mut health = StreamHealth::default();
        let begun = Instant::now();
        let what = |health: &mut StreamHealth| health.reason((log(1), 0), Instant::now());
        health.unconfirmed(begun, 300);
        // At the same time as the first one.
        health.unconfirmed(begun, 300);
        assert_eq!(what(&mut health), None);
        health.accepted(300);
        health.unconfirmed(begun, 300);
        health.unconfirmed(Instant::now(), 300);
        assert!(what(&mut health).is_some());
    }

    #[test]
    fn what_is_owed_is_so_until_it_comes_or_its_log_is_gone() {
        let mut health = StreamHealth::default();
        health.expect_delivery(log(1), 7);
        health.expect_delivery(log(1), 8);
        assert!(health.has_missing((log(1), 6)));
        assert!(!health.has_missing((log(1), 7)));
        health.expect_delivery(log(1), 9);
        assert!(health.reason((log(1), 8), Instant::now()).is_some());
        assert!(!health.has_missing((log(2), 0)));
    }

    #[test]
    fn settings_count_until_they_are_changed() {
        let mut health = StreamHealth::default();
        health.settings(Some("max_msg_size is 100".to_owned()));
        health.accepted(99);
        let later = Instant::now() + REFUSAL_TTL;
        let what = health.reason((log(1), 0), later);
        assert_eq!(what.as_deref(), Some("max_msg_size is 100"));
        health.settings(None);
        assert_eq!(health.reason((log(1), 0), later), None);
    }
}
