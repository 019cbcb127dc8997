//! Detects that the consumer that feeds this server has permanently fallen behind the stream.
//!
//! A consumer is on one replica and delivers what that replica has. If the replica lags, the consumer delivers
//! nothing new but still sends heartbeats.

use std::time::Duration;

use tokio::time::Instant;

/// A replica that is only catching up delivers something within this time.
const STALL_TIMEOUT: Duration = Duration::from_secs(2);

/// The progress of this server while it is behind the stream's leader.
#[derive(Default)]
pub(super) struct StallDetector {
    at: Option<(u64, Instant)>,
}

impl StallDetector {
    /// Whether no message has come for too long, with `newest` in the stream and `through` seen at the time `now`.
    pub fn is_stalled(&mut self, newest: u64, through: u64, now: Instant) -> bool {
        if newest <= through {
            self.at = None;
            return false;
        }
        match self.at {
            Some((stuck_at, since)) if stuck_at == through => now - since >= STALL_TIMEOUT,
            _ => {
                self.at = Some((through, now));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_gets_nothing_for_long_is_too_late() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut stall_detector = StallDetector::default();
        assert!(!stall_detector.is_stalled(10, 10, at(0)));
        assert!(!stall_detector.is_stalled(12, 10, at(500)));
        // A slow consumer is not stalled.
        assert!(!stall_detector.is_stalled(13, 11, at(2400)));
        assert!(!stall_detector.is_stalled(13, 11, at(4300)));
        assert!(stall_detector.is_stalled(14, 11, at(4400)));
        // A consumer that has caught up is not behind.
        assert!(!stall_detector.is_stalled(14, 14, at(4500)));
        assert!(!stall_detector.is_stalled(15, 14, at(9000)));
    }
}
