//! What one client must have had, and what it had instead: pure bookkeeping over sequence numbers.
//!
//! Messages are published in lanes, each in order; message `n` is in lane `n % lanes`. Between lanes
//! no order is promised.

use std::ops::Range;

/// How a message that came stands to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    InOrder,
    /// For the first time, but after a later one.
    Late,
    Again,
}

/// One client's account: a bit for each message.
#[derive(Debug)]
pub struct Audit {
    seen: Vec<u64>,
    /// Of each lane, the first number after all that were seen.
    next: Vec<u64>,
}

impl Audit {
    pub fn new(lanes: usize) -> Self {
        Self {
            seen: Vec::new(),
            next: vec![0; lanes],
        }
    }

    pub fn see(&mut self, sequence: u64) -> Seen {
        let (word, bit) = place(sequence);
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        if self.seen[word] & bit != 0 {
            return Seen::Again;
        }
        self.seen[word] |= bit;
        let lane = sequence as usize % self.next.len();
        let next = &mut self.next[lane];
        if sequence < *next {
            return Seen::Late;
        }
        *next = sequence + 1;
        Seen::InOrder
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

    fn seen(lanes: usize, sequences: &[u64]) -> (Audit, Vec<Seen>) {
        let mut audit = Audit::new(lanes);
        let seen = sequences.iter().map(|sequence| audit.see(*sequence));
        let seen = seen.collect();
        (audit, seen)
    }

    fn missing(audit: &Audit, range: Range<u64>) -> Vec<u64> {
        audit.missing(range).collect()
    }

    #[test]
    fn a_whole_log_in_order_leaves_nothing_to_say() {
        let all: Vec<u64> = (0..200).collect();
        let (audit, seen) = seen(1, &all);
        assert!(seen.iter().all(|seen| *seen == Seen::InOrder));
        assert!(missing(&audit, 0..200).is_empty());
        assert_eq!(missing(&audit, 0..202), [200, 201]);
    }

    #[test]
    fn losses_are_found_in_the_middle_and_at_the_end() {
        let (audit, seen) = seen(1, &[0, 1, 4, 5]);
        assert_eq!(seen, [Seen::InOrder; 4]);
        assert_eq!(missing(&audit, 0..8), [2, 3, 6, 7]);
        assert_eq!(missing(&audit, 3..5), [3]);
    }

    #[test]
    fn what_comes_late_is_neither_lost_nor_doubled() {
        let (audit, seen) = seen(1, &[0, 3, 2, 1, 2]);
        let late = [Seen::Late, Seen::Late, Seen::Again];
        assert_eq!(seen, [&[Seen::InOrder; 2][..], &late].concat());
        assert!(missing(&audit, 0..4).is_empty());
    }

    #[test]
    fn lanes_promise_no_order_between_them() {
        let (audit, in_two) = seen(2, &[1, 0, 3, 2, 5]);
        assert_eq!(in_two, [Seen::InOrder; 5]);
        assert_eq!(missing(&audit, 0..6), [4]);
        assert_eq!(seen(2, &[3, 1]).1, [Seen::InOrder, Seen::Late]);
    }
}
