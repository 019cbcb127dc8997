//! What was published, what each reader received, and the errors between the two.

use std::collections::{BTreeMap, HashMap, HashSet};

/// A message's name, which is in its text: the publisher's number and a sequence number.
pub type MessageName = (u32, u32);

/// The acknowledged and refused messages of all publishers.
#[derive(Debug, Default)]
pub struct PublishedMessages {
    /// Acknowledged messages of each room, by id.
    rooms: Vec<BTreeMap<u64, MessageName>>,
    ids: HashMap<MessageName, u64>,
    /// Messages that were acknowledged under two ids.
    twice: u64,
    /// The name of each id's message.
    names: HashMap<u64, MessageName>,
    /// Acknowledged messages whose id was later acknowledged for another message.
    overwritten: u64,
    /// Messages that were refused for certain, and not sent again.
    refused: HashSet<MessageName>,
    /// The number of newest messages that the store must keep.
    retained: u64,
}

/// A message or a reset that a reader received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    Message {
        id: u64,
        name: MessageName,
    },
    /// The reader was told that messages may be missing. `head` is the newest message that was acknowledged by then.
    Reset {
        head: u64,
        is_expired: bool,
    },
}

/// Everything that one reader received, from the beginning of its room.
#[derive(Debug, Clone)]
pub struct ReaderRecord {
    pub transport: Transport,
    pub room: usize,
    pub deliveries: Vec<Delivery>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    Poll,
    LongPoll,
    Stream,
}

/// The audit's counts over the readers of one transport.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct TransportVerdict {
    pub readers: u64,
    pub delivered: u64,
    /// Resets, and the messages that were skipped with them.
    pub resets: u64,
    pub skipped: u64,
    /// Resets without a reason.
    pub unfounded: u64,
    /// The first of them: the last message before it, and the newest acknowledged message at that time.
    pub first_unfounded: Option<(u64, u64)>,
    /// Messages that were missing without a reset.
    pub missed: u64,
    pub repeated: u64,
    pub out_of_order: u64,
    /// Messages that were never published, or whose publish was refused.
    pub foreign: u64,
    /// Acknowledged messages that were not in the log when it was read at the end.
    pub gone: u64,
}

impl Transport {
    pub const ALL: [Self; 3] = [Self::Poll, Self::LongPoll, Self::Stream];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::LongPoll => "long-poll",
            Self::Stream => "stream",
        }
    }
}

impl TransportVerdict {
    pub fn faults(&self) -> u64 {
        self.missed + self.repeated + self.out_of_order + self.gone + self.foreign + self.unfounded
    }

    pub fn add(&mut self, other: Self) {
        self.readers += other.readers;
        self.delivered += other.delivered;
        self.resets += other.resets;
        self.skipped += other.skipped;
        self.unfounded += other.unfounded;
        self.first_unfounded = self.first_unfounded.or(other.first_unfounded);
        self.missed += other.missed;
        self.repeated += other.repeated;
        self.out_of_order += other.out_of_order;
        self.foreign += other.foreign;
        self.gone += other.gone;
    }
}

impl PublishedMessages {
    pub fn new(rooms: usize, retained: u64) -> Self {
        Self {
            rooms: vec![BTreeMap::new(); rooms],
            retained,
            ..Self::default()
        }
    }

    pub fn acknowledge(&mut self, room: usize, id: u64, name: MessageName) {
        if self
            .ids
            .insert(name, id)
            .is_some_and(|earlier| earlier != id)
        {
            self.twice += 1;
        }
        if self
            .names
            .insert(id, name)
            .is_some_and(|earlier| earlier != name)
        {
            self.overwritten += 1;
        }
        self.rooms[room].insert(id, name);
    }

    pub fn refuse(&mut self, name: MessageName) {
        self.refused.insert(name);
    }

    pub fn acknowledged(&self) -> usize {
        self.ids.len()
    }

    pub fn refused(&self) -> usize {
        self.refused.len()
    }

    /// Messages that have two ids.
    pub fn twice(&self) -> u64 {
        self.twice
    }

    /// Acknowledged messages whose id was later given to another one.
    pub fn overwritten(&self) -> u64 {
        self.overwritten
    }

    /// The newest acknowledged message of a room.
    pub fn newest(&self, room: usize) -> u64 {
        self.rooms[room].last_key_value().map_or(0, |(id, _)| *id)
    }

    /// Compares the messages that a reader received with the published ones.
    pub fn audit(&self, record: &ReaderRecord) -> TransportVerdict {
        let acknowledged = &self.rooms[record.room];
        let mut verdict = TransportVerdict {
            readers: 1,
            ..TransportVerdict::default()
        };
        let mut seen = HashSet::new();
        let mut last = 0;
        // Acknowledged messages that were skipped; some may still arrive late.
        let mut passed = HashSet::new();
        let mut reset: Option<(u64, bool)> = None;
        for delivery in &record.deliveries {
            let (id, name) = match *delivery {
                Delivery::Reset { head, is_expired } => {
                    verdict.resets += 1;
                    reset = Some((head, is_expired));
                    continue;
                }
                Delivery::Message { id, name } => (id, name),
            };
            verdict.delivered += 1;
            let known = acknowledged.get(&id);
            if known.is_none() && self.ids.contains_key(&name) {
                // A second copy, under an id that was not acknowledged.
                verdict.repeated += 1;
            } else if known != Some(&name) {
                verdict.foreign += 1;
            }
            if !seen.insert(id) {
                verdict.repeated += 1;
            } else if id < last {
                verdict.out_of_order += 1;
                passed.remove(&id);
            } else {
                let between = acknowledged.range(last + 1..id).map(|(id, _)| *id);
                match reset {
                    // After a reset, a reader continues with the oldest message that is retained.
                    Some((head, _)) => {
                        let (retained, expired): (Vec<_>, Vec<_>) =
                            between.partition(|id| !self.may_be_expired(id - 1, head));
                        verdict.skipped += expired.len() as u64;
                        passed.extend(retained);
                    }
                    None => passed.extend(between),
                }
            }
            if let Some((head, is_expired)) = reset.take()
                && !(is_expired && self.may_be_expired(last, head))
            {
                verdict.unfounded += 1;
                verdict.first_unfounded.get_or_insert((last, head));
            }
            last = last.max(id);
        }
        verdict.missed = passed.len() as u64 + acknowledged.range(last + 1..).count() as u64;
        verdict
    }

    /// Whether a message after `last` may no longer have been retained when `head` was the newest.
    fn may_be_expired(&self, last: u64, head: u64) -> bool {
        // The log may be ahead of the newest acknowledged message by up to this many.
        const MAX_UNACKNOWLEDGED: u64 = 64;
        head + MAX_UNACKNOWLEDGED > last + self.retained
    }

    /// The number of acknowledged messages that should be retained but are not in `log`, the whole room as read at the
    /// end.
    pub fn gone(&self, room: usize, log: &[(u64, MessageName)]) -> u64 {
        let newest = self.rooms.iter().filter_map(|room| room.last_key_value());
        let head = newest.map(|(id, _)| *id).max().unwrap_or(0);
        // Ids may have gaps, so at least these are retained.
        let retained = self.rooms[room].range((head + 1).saturating_sub(self.retained)..);
        let log: HashMap<u64, MessageName> = log.iter().copied().collect();
        retained
            .filter(|(id, name)| log.get(*id) != Some(*name))
            .count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETAINED: u64 = 1000;

    /// Ten messages in one room, with gaps between their ids.
    fn published() -> PublishedMessages {
        let mut published = PublishedMessages::new(1, RETAINED);
        for n in 1..=10 {
            published.acknowledge(0, n * 3, (0, n as u32));
        }
        published
    }

    fn message(n: u64) -> Delivery {
        Delivery::Message {
            id: n * 3,
            name: (0, n as u32),
        }
    }

    fn reset(head: u64) -> Delivery {
        Delivery::Reset {
            head,
            is_expired: true,
        }
    }

    fn audit(deliveries: impl IntoIterator<Item = Delivery>) -> TransportVerdict {
        let record = ReaderRecord {
            transport: Transport::Stream,
            room: 0,
            deliveries: deliveries.into_iter().collect(),
        };
        published().audit(&record)
    }

    #[test]
    fn a_complete_record_has_no_errors() {
        let verdict = audit((1..=10).map(message));
        assert_eq!((verdict.delivered, verdict.faults()), (10, 0));
    }

    #[test]
    fn a_missed_message_is_found_at_any_position() {
        for lost in 1..=10 {
            let verdict = audit((1..=10).filter(|n| *n != lost).map(message));
            assert_eq!((verdict.missed, verdict.faults()), (1, 1), "{lost}");
        }
        assert_eq!(audit([]).missed, 10);
    }

    #[test]
    fn a_reset_excuses_only_messages_that_may_have_expired() {
        // The newest id of all is 30; the log is longer, because of other rooms.
        let after_six = |head| audit([reset(head)].into_iter().chain((7..=10).map(message)));
        let all_expired = after_six(30 + RETAINED);
        assert_eq!((all_expired.skipped, all_expired.faults()), (6, 0));
        let none_expired = after_six(RETAINED - 100);
        assert_eq!((none_expired.skipped, none_expired.missed), (0, 6));
    }

    #[test]
    fn a_repeated_message_is_found() {
        let verdict = audit([1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10].map(message));
        assert_eq!((verdict.repeated, verdict.faults()), (1, 1));
        let verdict = audit([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 2].map(message));
        assert_eq!((verdict.repeated, verdict.faults()), (1, 1));
    }

    #[test]
    fn messages_out_of_order_are_found() {
        let verdict = audit([1, 2, 4, 3, 5, 6, 7, 8, 9, 10].map(message));
        assert_eq!((verdict.out_of_order, verdict.faults()), (1, 1));
    }

    #[test]
    fn a_second_copy_under_another_id_is_found() {
        let copy = Delivery::Message {
            id: 31,
            name: (0, 10),
        };
        let verdict = audit((1..=10).map(message).chain([copy]));
        assert_eq!((verdict.repeated, verdict.faults()), (1, 1));
        let mut published = published();
        published.acknowledge(0, 31, (0, 10));
        assert_eq!(published.twice(), 1);
    }

    #[test]
    fn an_overwritten_message_is_found() {
        let mut published = published();
        published.acknowledge(0, 30, (0, 10));
        assert_eq!(published.overwritten(), 0);
        published.acknowledge(0, 30, (0, 11));
        assert_eq!(published.overwritten(), 1);
    }

    #[test]
    fn a_message_that_nobody_published_is_found() {
        let foreign = Delivery::Message {
            id: 31,
            name: (7, 7),
        };
        let verdict = audit((1..=10).map(message).chain([foreign]));
        assert_eq!((verdict.foreign, verdict.faults()), (1, 1));
    }

    #[test]
    fn messages_skipped_with_a_reset_are_not_missed() {
        let deliveries = [
            message(1),
            message(2),
            reset(RETAINED + 30),
            message(9),
            message(10),
        ];
        let verdict = audit(deliveries);
        assert_eq!(
            (verdict.resets, verdict.skipped, verdict.faults()),
            (1, 6, 0)
        );
    }

    #[test]
    fn a_reset_without_a_reason_is_found() {
        let deliveries = [message(1), message(2), reset(30), message(9), message(10)];
        assert_eq!(audit(deliveries).unfounded, 1);
        let unknown = Delivery::Reset {
            head: RETAINED + 30,
            is_expired: false,
        };
        let deliveries = [message(1), unknown, message(10)];
        assert_eq!(audit(deliveries).unfounded, 1);
    }

    #[test]
    fn an_acknowledged_message_that_is_gone_is_found() {
        let published = published();
        let mut log: Vec<_> = (1..=10).map(|n| (n * 3, (0, n as u32))).collect();
        assert_eq!(published.gone(0, &log), 0);
        log.remove(4);
        assert_eq!(published.gone(0, &log), 1);
        log[0].1 = (5, 5);
        assert_eq!(published.gone(0, &log), 2);
    }

    #[test]
    fn messages_that_are_no_longer_retained_may_be_gone() {
        let mut published = PublishedMessages::new(1, 4);
        for n in 1..=10 {
            published.acknowledge(0, n, (0, n as u32));
        }
        let log: Vec<_> = (7..=10).map(|n| (n, (0, n as u32))).collect();
        assert_eq!(published.gone(0, &log), 0);
        assert_eq!(published.gone(0, &log[1..]), 1);
    }
}
