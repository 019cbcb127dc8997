//! Merging what several rooms have into one order, that of the ids.
//!
//! Rooms are read one after the other while messages go on coming, and a reader has one cursor for all
//! of them. So nothing is taken beyond a bound that was there before the first room was read: up to it
//! every room was whole.

use std::collections::VecDeque;

use super::entry::{Entry, Limit, Page};

/// The fewest messages, and bytes of them, that are read of a room at once.
const MIN_SHARE: Limit = Limit {
    messages: 8,
    bytes: 8 * 1024,
};

/// What one read of several rooms takes.
pub(super) struct Merge {
    lanes: Vec<Lane>,
    /// Every room was read after this message was visible.
    through: u64,
    limit: Limit,
    bytes: usize,
    entries: Vec<Entry>,
}

/// What was read of one room and not taken yet.
struct Lane {
    entries: VecDeque<Entry>,
    /// The room has further messages after these.
    more: bool,
    /// The newest message that was read.
    read_through: u64,
}

/// What a merge needs next.
pub(super) enum MergeStep {
    /// To know which message is next, that lane's messages after this place.
    Read { lane: usize, after: u64 },
    /// Nothing: what is left does not fit, or there is nothing left.
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

    /// How much to read of each of this number of rooms at once, so that together they are not many times
    /// what is taken.
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

    /// Adds a room, of which `page` was read.
    pub fn add(&mut self, page: Page) {
        let mut lane = Lane {
            entries: VecDeque::new(),
            more: false,
            read_through: 0,
        };
        lane.fill(page);
        self.lanes.push(lane);
    }

    /// Adds to a lane what was read of it next.
    pub fn fill(&mut self, lane: usize, page: Page) {
        self.lanes[lane].fill(page);
    }

    /// Nothing up to `through` is retained: while one room was looked at, messages of others that had
    /// been read have gone too. False if some were taken already, so that the gap comes after those.
    pub fn expire(&mut self, through: u64) -> bool {
        if !self.entries.is_empty() {
            return false;
        }
        for lane in &mut self.lanes {
            while lane.entries.pop_front_if(|it| it.id <= through).is_some() {}
        }
        true
    }

    /// Takes what can be taken.
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

    /// What was taken, oldest first.
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
        // A page that is empty and has more would be asked for again without end.
        self.more = page.more && !page.entries.is_empty();
        self.entries.extend(page.entries);
    }

    fn has_more(&self) -> bool {
        self.more || !self.entries.is_empty()
    }
}
