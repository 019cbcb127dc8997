//! The rooms that one reader reads.

use std::{fmt, sync::Arc};

use thiserror::Error;

use super::room::Room;

/// The most rooms that one reader may read.
pub const MAX_ROOMS: usize = 64;

/// One room or several, each once, in the order in which they were named. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomSet(Rooms);

/// One room, as nearly all readers have, needs no list.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rooms {
    One(Room),
    Several(Arc<Vec<Room>>),
}

/// A reader named more rooms than it may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("names more than {MAX_ROOMS} rooms")]
pub struct TooManyRooms;

impl RoomSet {
    pub fn first(&self) -> &Room {
        &self.as_slice()[0]
    }

    pub fn is_single(&self) -> bool {
        matches!(self.0, Rooms::One(_))
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Room> {
        self.as_slice().iter()
    }

    /// Adds a room. A repeated room counts once.
    pub fn insert(&mut self, room: Room) -> Result<(), TooManyRooms> {
        if self.as_slice().contains(&room) {
            return Ok(());
        }
        match &mut self.0 {
            Rooms::One(first) => self.0 = Rooms::Several(Arc::new(vec![first.clone(), room])),
            Rooms::Several(rooms) if rooms.len() < MAX_ROOMS => Arc::make_mut(rooms).push(room),
            Rooms::Several(_) => return Err(TooManyRooms),
        }
        Ok(())
    }

    fn as_slice(&self) -> &[Room] {
        match &self.0 {
            Rooms::One(room) => std::slice::from_ref(room),
            Rooms::Several(rooms) => rooms,
        }
    }
}

impl Default for RoomSet {
    fn default() -> Self {
        Room::default().into()
    }
}

impl From<Room> for RoomSet {
    fn from(room: Room) -> Self {
        Self(Rooms::One(room))
    }
}

/// The names with commas between them, which no name has.
impl fmt::Display for RoomSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, room) in self.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            write!(f, "{comma}{room}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(name: &str) -> Room {
        name.parse().expect("a room")
    }

    #[test]
    fn a_room_that_is_named_twice_counts_once() {
        let mut rooms = RoomSet::from(room("b"));
        for name in ["a", "b", "a"] {
            rooms.insert(room(name)).expect("few rooms");
        }
        assert_eq!(rooms.to_string(), "b,a");
        assert!(!rooms.is_single());
    }

    #[test]
    fn there_may_be_64_and_no_more() {
        let mut rooms = RoomSet::from(room("r0"));
        for i in 1..MAX_ROOMS {
            rooms.insert(room(&format!("r{i}"))).expect("few rooms");
        }
        rooms.insert(room("r7")).expect("there already");
        assert_eq!(rooms.insert(room("r64")), Err(TooManyRooms));
        assert_eq!(rooms.iter().count(), MAX_ROOMS);
    }
}
