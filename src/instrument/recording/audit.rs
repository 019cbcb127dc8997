//! Compares the messages that a client must receive with those that it received, by sequence numbers only.

use std::ops::Range;

use super::send_order::SendOrder;

/// How a message that arrived relates to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    InOrder,
    /// The message came for the first time, but after one that is certainly later, see [`SendOrder`].
    Late,
    Again,
}

/// One client's record: a bit for each message.
#[derive(Debug, Default)]
pub struct Audit {
    seen: Vec<u64>,
    /// When the latest message that arrived was sent.
    last_sent: u32,
}

impl Audit {
    pub fn see(&mut self, sequence: u64, order: &SendOrder) -> Arrival {
        let (word, bit) = place(sequence);
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        if self.seen[word] & bit != 0 {
            return Arrival::Again;
        }
        self.seen[word] |= bit;
        if order.is_before(sequence, self.last_sent) {
            return Arrival::Late;
        }
        self.last_sent = self.last_sent.max(order.sent(sequence));
        Arrival::InOrder
    }

    /// How many different messages came.
    pub fn count(&self) -> u64 {
        self.seen
            .iter()
            .map(|word| u64::from(word.count_ones()))
            .sum()
    }

    /// The messages of `range` that did not come.
    pub fn missing(&self, range: Range<u64>) -> impl Iterator<Item = u64> {
        range.filter(|sequence| {
            let (word, bit) = place(*sequence);
            self.seen.get(word).is_none_or(|seen| seen & bit == 0)
        })
    }
}

fn place(sequence: u64) -> (usize, u64) {
    ((sequence / 64) as usize, 1 << (sequence % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(order: &SendOrder, sequences: &[u64]) -> (Audit, Vec<Arrival>) {
        let mut audit = Audit::default();
        let seen = sequences.iter().map(|sequence| audit.see(*sequence, order));
        let seen = seen.collect();
        (audit, seen)
    }

    fn one_by_one(sequences: &[u64]) -> (Audit, Vec<Arrival>) {
        seen(&SendOrder::one_by_one(200), sequences)
    }

    fn missing(audit: &Audit, range: Range<u64>) -> Vec<u64> {
        audit.missing(range).collect()
    }

    #[test]
    fn a_complete_log_in_order_has_no_findings() {
        let all: Vec<u64> = (0..200).collect();
        let (audit, seen) = one_by_one(&all);
        assert!(seen.iter().all(|seen| *seen == Arrival::InOrder));
        assert!(missing(&audit, 0..200).is_empty());
        assert_eq!(missing(&audit, 0..202), [200, 201]);
    }

    #[test]
    fn losses_are_found_in_the_middle_and_at_the_end() {
        let (audit, seen) = one_by_one(&[0, 1, 4, 5]);
        assert_eq!(seen, [Arrival::InOrder; 4]);
        assert_eq!(missing(&audit, 0..8), [2, 3, 6, 7]);
        assert_eq!(missing(&audit, 3..5), [3]);
    }

    #[test]
    fn a_late_message_is_neither_lost_nor_a_duplicate() {
        let (audit, seen) = one_by_one(&[0, 3, 2, 1, 2]);
        let late = [Arrival::Late, Arrival::Late, Arrival::Again];
        assert_eq!(seen, [&[Arrival::InOrder; 2][..], &late].concat());
        assert!(missing(&audit, 0..4).is_empty());
    }

    #[test]
    fn messages_in_flight_at_the_same_time_may_come_in_any_order() {
        let order = SendOrder::new(4);
        for sequence in 0..3 {
            order.send(sequence);
        }
        for sequence in 0..3 {
            order.acknowledge(sequence);
        }
        order.send(3);
        order.acknowledge(3);
        let (audit, any) = seen(&order, &[2, 0, 1, 3]);
        assert_eq!(any, [Arrival::InOrder; 4]);
        assert!(missing(&audit, 0..4).is_empty());
        let (_, late) = seen(&order, &[2, 3, 0, 1]);
        assert_eq!(late[2..], [Arrival::Late; 2]);
    }
}
