//! Which rooms each client label was used in, so that only tokens that may read all of them see the label's ledger
//! and traces.

use std::collections::BTreeSet;

use lru::LruCache;
use parking_lot::Mutex;

use super::identity::Identity;
use crate::domain::{client_label::ClientLabel, room::Room};

/// Only tokens that may read every room may see a client of more rooms.
const MAX_ROOMS: usize = 64;

/// No one may see a label that is not here.
pub struct ClientRooms(Mutex<LruCache<ClientLabel, KnownRooms>>);

#[derive(Default)]
enum KnownRooms {
    #[default]
    None,
    Some(BTreeSet<Room>),
    TooMany,
}

impl Default for ClientRooms {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(ClientLabel::MAX_REMEMBERED)))
    }
}

impl ClientRooms {
    /// Notes that `client` was used in `room`.
    pub fn record(&self, client: &ClientLabel, room: &Room) {
        let mut clients = self.0.lock();
        clients
            .get_or_insert_mut_ref(client, KnownRooms::default)
            .add(room);
    }

    /// Whether the holder of this token may know of `client`.
    pub fn are_readable(&self, client: &ClientLabel, identity: &Identity) -> bool {
        if identity.may_read_all() {
            return true;
        }
        match self.0.lock().peek(client) {
            None | Some(KnownRooms::None | KnownRooms::TooMany) => false,
            Some(KnownRooms::Some(rooms)) => rooms.iter().all(|room| identity.may_read(room)),
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
