//! What this server has learned from the stream about each room's history: its newest message, and the position up to
//! which this is certain.
//!
//! A publish stores this with its message ([`PreviousMessage`]), so that a reader far behind can learn whether it
//! missed messages: JetStream knows only the messages that it still has.

use std::{collections::VecDeque, num::NonZeroUsize};

use lru::LruCache;

use super::record::{PreviousMessage, Record};
use crate::domain::{cursor::LogId, room::Room};

/// The most rooms whose newest message is remembered; for others, the server asks the stream.
const MAX_ROOMS: NonZeroUsize = NonZeroUsize::new(100_000).expect("above zero");
/// The most messages, the newest of all, whose rooms are remembered.
const MAX_RECENT: usize = 100_000;

pub struct RoomIndex {
    pub log: LogId,
    /// All messages up to here have been seen, or existed before.
    through: u64,
    newest: LruCache<Room, u64>,
    /// A room that is not in `newest` has no message after this position.
    others_after: u64,
    /// The messages after `recent_after`, without exception.
    recent: VecDeque<(u64, Room)>,
    recent_after: u64,
    last_sent_at_us: i64,
}

impl RoomIndex {
    /// An index that knows nothing about messages up to `through`.
    pub fn new(log: LogId, through: u64) -> Self {
        Self {
            log,
            through,
            newest: LruCache::new(MAX_ROOMS),
            others_after: through,
            recent: VecDeque::new(),
            recent_after: through,
            last_sent_at_us: 0,
        }
    }

    /// Records that everything in the stream up to `through` has been seen, which was `records`.
    pub fn record<'a>(&mut self, records: impl Iterator<Item = &'a Record>, through: u64) {
        for record in records.filter(|record| !record.is_expired) {
            let message = &record.message;
            let (room, id) = (message.room.clone(), message.cursor.id);
            if self.recent.len() == MAX_RECENT
                && let Some((id, _)) = self.recent.pop_front()
            {
                self.recent_after = id;
            }
            self.recent.push_back((id, room.clone()));
            self.insert(&room, id);
            let sent_at_us = message.sent_at.as_microsecond();
            self.last_sent_at_us = self.last_sent_at_us.max(sent_at_us);
        }
        self.through = through;
    }

    /// Records that up to `through` there may have been messages that were removed before they were seen.
    pub fn reset_to(&mut self, through: u64) {
        self.newest.clear();
        self.others_after = through;
        self.recent.clear();
        self.recent_after = through;
        self.through = through;
    }

    pub fn through(&self) -> u64 {
        self.through
    }

    pub fn last_sent_at_us(&self) -> i64 {
        self.last_sent_at_us
    }

    /// The known history of `room`; `None`: the server must ask the stream.
    pub fn previous(&mut self, room: &Room) -> Option<PreviousMessage> {
        let newest = match self.newest.get(room) {
            Some(newest) => *newest,
            None if self.others_after == 0 => 0,
            None => return None,
        };
        Some(PreviousMessage {
            newest,
            known: self.through,
        })
    }

    /// An upper bound for a room's newest message, if the stream holds none before `first`.
    pub fn newest_at_most(&self, first: u64) -> u64 {
        self.others_after.min(first.saturating_sub(1))
    }

    fn insert(&mut self, room: &Room, id: u64) {
        if let Some((other, newest)) = self.newest.push(room.clone(), id)
            && other != *room
        {
            self.others_after = self.others_after.max(newest);
        }
    }

    /// `past`, extended by the messages of `room` that were seen between its knowledge and the message `first`.
    pub fn merge(
        &self,
        room: &Room,
        past: Option<PreviousMessage>,
        first: u64,
    ) -> Option<PreviousMessage> {
        // Before the first message of the log there was none.
        let claim = past.unwrap_or_default();
        if claim.known + 1 >= first || self.recent_after > claim.known {
            return past;
        }
        let until = self.recent.partition_point(|(id, _)| *id < first);
        let between = self.recent.range(..until).rev();
        let mut between = between.take_while(|(id, _)| *id > claim.known);
        let newest = between.find(|(_, of)| of == room).map(|(id, _)| *id);
        Some(PreviousMessage {
            newest: newest.unwrap_or(claim.newest),
            known: first - 1,
        })
    }

    /// Remembers the stream's answer that `newest` was the room's newest message when `through` had been seen.
    pub fn record_newest(&mut self, log: LogId, room: &Room, newest: u64, through: u64) {
        // Messages seen in the meantime are newer.
        if self.log == log && self.through == through {
            self.insert(room, newest);
        }
    }
}

/// A position up to which a room's messages may have been removed: at or after the room's newest message before
/// `first`, the oldest that the stream still holds.
pub fn pruned_through(first: u64, past: Option<PreviousMessage>) -> u64 {
    let before_first = first.saturating_sub(1);
    match past {
        // The room had no message between the known history and the removed messages.
        Some(past) if past.known >= before_first => past.newest.min(before_first),
        _ => before_first,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::{draft::Draft, message::Message};

    fn past(newest: u64, known: u64) -> Option<PreviousMessage> {
        Some(PreviousMessage { newest, known })
    }

    fn log() -> LogId {
        "k3".parse().expect("a log id")
    }

    fn record(room: &Room, id: u64) -> Record {
        let draft = Draft {
            room: room.clone(),
            author: "mina".into(),
            text: "x".into(),
        };
        Record {
            message: Message::new(log(), id, draft, Timestamp::UNIX_EPOCH),
            publish: None,
            past: None,
            is_expired: false,
        }
    }

    #[test]
    fn nothing_is_retired_where_all_is_there() {
        assert_eq!(pruned_through(1, None), 0);
        assert_eq!(pruned_through(0, past(0, 4)), 0);
    }

    #[test]
    fn a_message_tells_what_came_before_it() {
        assert_eq!(pruned_through(10, past(4, 12)), 4);
        assert_eq!(pruned_through(10, past(0, 12)), 0);
    }

    #[test]
    fn what_nobody_knows_counts_as_gone() {
        assert_eq!(pruned_through(10, past(4, 8)), 9);
        assert_eq!(pruned_through(10, None), 9);
    }

    #[test]
    fn what_was_seen_fills_what_a_message_does_not_know() {
        let (den, lobby) = ("den".parse().expect("a room"), Room::default());
        let mut room_index = RoomIndex::new(log(), 5);
        let seen = [record(&den, 6), record(&lobby, 7), record(&den, 9)];
        room_index.record(seen.iter(), 9);
        assert_eq!(room_index.previous(&den), past(9, 9));
        // The message at 9 did not know yet of the one at 6.
        assert_eq!(room_index.merge(&den, past(2, 5), 8), past(6, 7));
        assert_eq!(room_index.merge(&lobby, past(0, 5), 7), past(0, 6));
        // This server does not know the messages from before its start.
        assert_eq!(room_index.merge(&den, past(2, 4), 8), past(2, 4));
        assert_eq!(room_index.merge(&den, None, 8), None);
        assert_eq!(room_index.previous(&"attic".parse().expect("a room")), None);
        assert_eq!(
            (room_index.newest_at_most(9), room_index.newest_at_most(3)),
            (5, 2)
        );
        room_index.reset_to(20);
        assert_eq!(room_index.previous(&den), None);
    }
}
