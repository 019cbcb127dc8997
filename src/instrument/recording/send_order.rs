//! Which message certainly precedes another: it does if its publisher had the acknowledgement before the other was
//! sent. A server may store two messages that were sent at the same time in either order.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Not sent or acknowledged yet.
const NEVER: u32 = 0;

/// When each message was sent and when it was acknowledged, by a clock that only counts these events.
#[derive(Debug)]
pub struct SendOrder {
    clock: AtomicU32,
    sent: Vec<AtomicU32>,
    acknowledged: Vec<AtomicU32>,
}

impl SendOrder {
    pub fn new(messages: u64) -> Self {
        let never = || (0..messages).map(|_| AtomicU32::new(NEVER)).collect();
        Self {
            clock: AtomicU32::new(NEVER),
            sent: never(),
            acknowledged: never(),
        }
    }

    /// Records that message `sequence` is about to be sent.
    pub fn send(&self, sequence: u64) {
        self.note(&self.sent, sequence);
    }

    /// Records that the server has acknowledged message `sequence`.
    pub fn acknowledge(&self, sequence: u64) {
        self.note(&self.acknowledged, sequence);
    }

    fn note(&self, times: &[AtomicU32], sequence: u64) {
        if let Some(time) = times.get(sequence as usize) {
            time.store(self.clock.fetch_add(1, Relaxed) + 1, Relaxed);
        }
    }

    /// When it was sent; 0 if it was not.
    pub fn sent(&self, sequence: u64) -> u32 {
        time(&self.sent, sequence)
    }

    /// Whether message `sequence` had been acknowledged when something was sent at `sent`.
    pub fn is_before(&self, sequence: u64, sent: u32) -> bool {
        let acknowledged = time(&self.acknowledged, sequence);
        acknowledged != NEVER && acknowledged < sent
    }
}

fn time(times: &[AtomicU32], sequence: u64) -> u32 {
    let time = times.get(sequence as usize);
    time.map_or(NEVER, |time| time.load(Relaxed))
}

#[cfg(test)]
impl SendOrder {
    /// The order of messages that were each sent after the previous one was acknowledged.
    pub fn one_by_one(messages: u64) -> Self {
        let order = Self::new(messages);
        for sequence in 0..messages {
            order.send(sequence);
            order.acknowledge(sequence);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_in_flight_at_the_same_time_have_no_order() {
        let order = SendOrder::new(3);
        order.send(0);
        order.send(1);
        order.acknowledge(1);
        order.send(2);
        order.acknowledge(0);
        let is_before = |one, other| order.is_before(one, order.sent(other));
        assert!(is_before(1, 2));
        assert!(!is_before(0, 1) && !is_before(1, 0));
        assert!(!is_before(0, 2), "acknowledged after the other was sent");
        assert!(!is_before(2, 0), "never acknowledged");
        assert!(!order.is_before(9, u32::MAX), "no such message");
    }
}
