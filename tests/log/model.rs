//! The expected content of the log: the acknowledged messages, and how many are retained.

use poll_vs_sse_server::domain::room::Room;

/// An acknowledged message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendedMessage {
    pub id: u64,
    pub room: Room,
    pub json: String,
}

/// The acknowledged messages, and how many of them the log must retain.
#[derive(Debug, Default)]
pub struct Model {
    pub messages: Vec<AppendedMessage>,
    /// The number of newest messages of the whole log that are kept; `None` for all.
    pub retained: Option<u64>,
    /// Whether the store may not know a room's earlier messages, so that it may report a gap although there is none.
    pub is_forgetful: bool,
}

impl Model {
    /// The newest id that is no longer retained.
    pub fn floor(&self) -> u64 {
        let head = self.messages.last().map_or(0, |newest| newest.id);
        self.retained.map_or(0, |kept| head.saturating_sub(kept))
    }

    /// Messages of `room` after `id`, retained or not.
    pub fn after(&self, room: &Room, id: u64) -> impl Iterator<Item = &AppendedMessage> {
        let of_room = self
            .messages
            .iter()
            .filter(move |known| known.room == *room);
        of_room.filter(move |known| known.id > id)
    }

    /// Retained messages of `room` after `id`.
    pub fn retained_after(&self, room: &Room, id: u64) -> impl Iterator<Item = &AppendedMessage> {
        self.after(room, id.max(self.floor()))
    }

    /// Whether a reader at `id` may get a reset although it misses nothing.
    pub fn may_see_a_gap_after(&self, id: u64) -> bool {
        self.is_forgetful && id < self.floor()
    }

    /// Whether a reader at `id` misses messages of `room` that are no longer retained.
    pub fn has_gap_after(&self, room: &Room, id: u64) -> bool {
        let floor = self.floor();
        self.after(room, id).any(|known| known.id <= floor)
    }
}
