//! Merges the messages of several rooms by id.
//!
//! Rooms are read one after another while new messages keep coming, and a reader has one cursor for all rooms. So the
//! merge takes no message after a bound that was determined before the first room was read: up to it, every room was
//! complete.

use std::collections::VecDeque;

use super::entry::{Entry, Limit, Page};

/// The fewest messages and bytes that are read from a room at a time.
const MIN_SHARE: Limit = Limit {
    messages: 8,
    bytes: 8 * 1024,
};

/// One read of several rooms.
pub(super) struct Merge {
    lanes: Vec<Lane>,
    /// The bound: every room was read after this message was visible.
    through: u64,
    limit: Limit,
    bytes: usize,
    entries: Vec<Entry>,
}

/// The messages of one room that were read and not taken yet.
struct Lane {
    entries: VecDeque<Entry>,
    /// Whether the room has further messages after these.
    more: bool,
    /// The newest message that was read.
    read_through: u64,
}

/// What the merge needs next.
pub(super) enum MergeStep {
    /// More messages of this lane, after this position, to find the next message.
    Read { lane: usize, after: u64 },
    /// Nothing: the remaining messages do not fit, or there are none.
    Done { more: bool },
}

impl Merge {
    pub fn new(through: u64, limit: Limit) -> Self {
        Self {
            lanes: Vec::new(),
            through,
            limit,
            bytes: 0,
            entries: Vec::new(),
        }
    }

    /// How much to read from each of this number of rooms at a time, so that the total is not many times the messages
    /// that are taken.
    pub fn share(limit: Limit, rooms: usize) -> Limit {
        Limit {
            messages: (2 * limit.messages / rooms)
                .max(MIN_SHARE.messages)
                .min(limit.messages),
            bytes: (2 * limit.bytes / rooms)
                .max(MIN_SHARE.bytes)
                .min(limit.bytes),
        }
    }

    /// Adds a room with its first `page`.
    pub fn add(&mut self, page: Page) {
        let mut lane = Lane {
            entries: VecDeque::new(),
            more: false,
            read_through: 0,
        };
        lane.fill(page);
        self.lanes.push(lane);
    }

    /// Adds the next page to a lane.
    pub fn fill(&mut self, lane: usize, page: Page) {
        self.lanes[lane].fill(page);
    }

    /// Drops everything up to `through`, which is no longer retained: while one room was read, messages of other
    /// rooms were removed too. Returns false if some of them were taken already, so that the gap comes after those.
    pub fn expire(&mut self, through: u64) -> bool {
        if !self.entries.is_empty() {
            return false;
        }
        for lane in &mut self.lanes {
            while lane.entries.pop_front_if(|it| it.id <= through).is_some() {}
        }
        true
    }

    /// Takes as many messages as possible.
    pub fn advance(&mut self) -> MergeStep {
        loop {
            if self.entries.len() == self.limit.messages {
                let more = self.lanes.iter().any(Lane::has_more);
                return MergeStep::Done { more };
            }
            let mut next: Option<(u64, usize)> = None;
            for (i, lane) in self.lanes.iter().enumerate() {
                match lane.entries.front() {
                    Some(entry) if next.is_none_or(|(id, _)| entry.id < id) => {
                        next = Some((entry.id, i));
                    }
                    None if lane.more => {
                        return MergeStep::Read {
                            lane: i,
                            after: lane.read_through,
                        };
                    }
                    _ => {}
                }
            }
            let Some((id, lane)) = next else {
                return MergeStep::Done { more: false };
            };
            if id > self.through || !self.take(lane) {
                return MergeStep::Done { more: true };
            }
        }
    }

    /// The taken messages, oldest first.
    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    /// Takes the lane's first message, if it fits.
    fn take(&mut self, lane: usize) -> bool {
        let Some(entry) = self.lanes[lane].entries.pop_front() else {
            return false;
        };
        self.bytes += entry.frame().len();
        let fits = self.entries.is_empty() || self.bytes <= self.limit.bytes;
        if fits {
            self.entries.push(entry);
        }
        fits
    }
}

impl Lane {
    fn fill(&mut self, page: Page) {
        if let Some(newest) = page.entries.last() {
            self.read_through = newest.id;
        }
        // An empty page with `more` would be requested again endlessly.
        self.more = page.more && !page.entries.is_empty();
        self.entries.extend(page.entries);
    }

    fn has_more(&self) -> bool {
        self.more || !self.entries.is_empty()
    }
}
