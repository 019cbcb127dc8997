//! What the log should hold: the messages as they were acknowledged, and how many are retained.

use poll_vs_sse_server::domain::room::Room;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub id: u64,
    pub room: Room,
    pub json: String,
}

#[derive(Debug, Default)]
pub struct Model {
    pub messages: Vec<Known>,
    /// The newest messages of the whole log that are kept; `None`: all.
    pub retained: Option<u64>,
    /// What rooms had before may be forgotten: a gap may be told of where there is none.
    pub is_forgetful: bool,
}

impl Model {
    /// The newest id of all that is no longer retained.
    pub fn floor(&self) -> u64 {
        let head = self.messages.last().map_or(0, |newest| newest.id);
        self.retained.map_or(0, |kept| head.saturating_sub(kept))
    }

    /// Messages of `room` after `id`, retained or not.
    pub fn after(&self, room: &Room, id: u64) -> impl Iterator<Item = &Known> {
        let of_room = self
            .messages
            .iter()
            .filter(move |known| known.room == *room);
        of_room.filter(move |known| known.id > id)
    }

    /// Retained messages of `room` after `id`.
    pub fn retained_after(&self, room: &Room, id: u64) -> impl Iterator<Item = &Known> {
        self.after(room, id.max(self.floor()))
    }

    /// Whether a reader at `id` may be told that it misses something where it does not.
    pub fn may_see_a_gap_after(&self, id: u64) -> bool {
        self.is_forgetful && id < self.floor()
    }

    /// Whether a reader at `id` misses messages of `room` that are no longer retained.
    pub fn has_gap_after(&self, room: &Room, id: u64) -> bool {
        let floor = self.floor();
        self.after(room, id).any(|known| known.id <= floor)
    }
}
