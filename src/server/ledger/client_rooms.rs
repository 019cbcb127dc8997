//! The rooms that a client label was used in, so that a server with tokens can hide the label's figures and trace from
//! those who may not read all of these rooms.
//!
//! They are kept with the figures and with the trace, and not in a table of their own, which could forget a label
//! earlier than these do.

use std::collections::BTreeSet;

use parking_lot::Mutex;

use crate::domain::room::Room;

/// Of a client of more rooms, only the number is known to be too large.
const MAX_ROOMS: usize = 64;

/// The rooms of one client label. A server without tokens records none.
#[derive(Debug, Default)]
pub struct ClientRooms(Mutex<KnownRooms>);

#[derive(Debug, Default)]
enum KnownRooms {
    #[default]
    None,
    Some(BTreeSet<Room>),
    TooMany,
}

impl ClientRooms {
    /// Notes that the client was used in `room`.
    pub fn record(&self, room: &Room) {
        self.0.lock().add(room);
    }

    /// Whether `condition` holds for every room. False if the rooms are not known.
    pub fn all(&self, condition: impl FnMut(&Room) -> bool) -> bool {
        match &*self.0.lock() {
            KnownRooms::None | KnownRooms::TooMany => false,
            KnownRooms::Some(rooms) => rooms.iter().all(condition),
        }
    }
}

impl KnownRooms {
    fn add(&mut self, room: &Room) {
        match self {
            Self::None => *self = Self::Some(BTreeSet::from([room.clone()])),
            Self::Some(rooms) if rooms.contains(room) => {}
            Self::Some(rooms) if rooms.len() < MAX_ROOMS => {
                rooms.insert(room.clone());
            }
            Self::Some(_) => *self = Self::TooMany,
            Self::TooMany => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_too_many_rooms_meet_no_condition() {
        let rooms = ClientRooms::default();
        assert!(!rooms.all(|_| true));
        for n in 0..MAX_ROOMS {
            rooms.record(&format!("room-{n}").parse().expect("a room"));
        }
        assert!(rooms.all(|_| true));
        assert!(!rooms.all(|room| room.as_str() != "room-7"));
        rooms.record(&"one-more".parse().expect("a room"));
        assert!(!rooms.all(|_| true));
    }
}
