//! Who is in a room: the readers with a client label, and the transport each uses.
//!
//! A stream is present while its connection is open. A poller has no such connection, so it counts as gone when it
//! has missed two of its intervals. A follower reads through another client's stream, as a browser's tabs do; it is
//! present while that stream is open and the stream's reader lists it. Presence is not stored in the log, and each
//! server knows only its own readers.

mod member;
mod places;
mod room;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::watch;

use self::{places::PlaceTable, room::RoomMembers};
use crate::domain::{
    author::Author, client_address::ClientAddress, client_label::ClientLabel, room::Room,
    room_set::RoomSet, transport::Transport,
};

/// The most members of a room that are listed; `count` counts all.
pub const MAX_LISTED: usize = 200;
/// The shortest time between two presence events of a room.
const NOTIFY_INTERVAL: Duration = Duration::from_secs(1);
/// How often pollers that have left are removed.
pub const EXPIRY_INTERVAL: Duration = Duration::from_millis(250);

/// The members of all rooms of the server.
pub struct Presence {
    rooms: Mutex<PresenceRooms>,
}

/// Encodes a room's presence, as JSON, for streams. It is passed in from outside, so that this module does not depend
/// on the format of a transport.
pub type PresenceEncoder = fn(&str) -> Bytes;

struct PresenceRooms {
    by_name: HashMap<Room, RoomMembers>,
    places: Arc<PlaceTable>,
    encode: PresenceEncoder,
}

/// A reader with a client label.
#[derive(Debug, Clone)]
pub struct Reader {
    pub client: ClientLabel,
    /// Where it comes from. `None` if its connection has no network address, as in a test.
    pub address: Option<ClientAddress>,
    /// Its user's name, if it gave one.
    pub author: Option<Author>,
    pub transport: Transport,
    /// How often it polls, if it said so.
    pub interval: Option<Duration>,
}

/// A client that reads through another client's stream.
#[derive(Debug, Clone)]
pub struct Follower {
    pub client: ClientLabel,
    pub author: Option<Author>,
}

/// Keeps a reader in a room for as long as this value lives; a poller stays for some time after.
pub struct PresenceGuard {
    presence: Arc<Presence>,
    room: Room,
    client: ClientLabel,
    transport: Transport,
}

/// Keeps a reader in each of its rooms for as long as these live.
#[derive(Default)]
pub enum PresenceGuards {
    #[default]
    None,
    One(PresenceGuard),
    Several(Vec<PresenceGuard>),
}

/// The room's newest presence event, whenever it changes.
pub struct PresenceUpdates(watch::Receiver<Bytes>);

impl Presence {
    pub fn new(encode: PresenceEncoder) -> Self {
        Self {
            rooms: Mutex::new(PresenceRooms {
                by_name: HashMap::new(),
                places: Arc::default(),
                encode,
            }),
        }
    }

    /// Adds `reader` to `room`. `None` if there is no place for it.
    pub fn join(self: &Arc<Self>, room: &Room, reader: Reader) -> Option<PresenceGuard> {
        let now = Instant::now();
        let (client, transport) = (reader.client.clone(), reader.transport);
        self.rooms.lock().change(room, now, |members, places| {
            members.join(reader, now, Timestamp::now(), places)
        })?;
        Some(PresenceGuard {
            presence: self.clone(),
            room: room.clone(),
            client,
            transport,
        })
    }

    /// Adds `reader` to each of `rooms`, as far as there are places for it.
    pub fn join_all(self: &Arc<Self>, rooms: &RoomSet, reader: Reader) -> PresenceGuards {
        if rooms.is_single() {
            let guard = self.join(rooms.first(), reader);
            return guard.map_or(PresenceGuards::None, PresenceGuards::One);
        }
        let rooms = rooms.iter();
        let guards = rooms.filter_map(|room| self.join(room, reader.clone()));
        PresenceGuards::Several(guards.collect())
    }

    /// Records the name under which a reader of `room` publishes.
    pub fn set_author(&self, room: &Room, client: &ClientLabel, author: &Author) {
        let mut rooms = self.rooms.lock();
        if rooms.by_name.contains_key(room) {
            rooms.change(room, Instant::now(), |members, _| {
                members.set_author(client, author);
                Some(())
            });
        }
    }

    /// Replaces the followers of `leader`'s stream in `room` by `along`. `None` if it has no stream there.
    pub fn set_followers(
        &self,
        room: &Room,
        leader: &ClientLabel,
        along: Vec<Follower>,
    ) -> Option<()> {
        let now = Instant::now();
        let mut rooms = self.rooms.lock();
        if !rooms.by_name.contains_key(room) {
            return None;
        }
        rooms.change(room, now, |members, places| {
            members.set_followers(leader, along, now, Timestamp::now(), places)
        })
    }

    /// Events of `room` from now on.
    pub fn subscribe(&self, room: &Room) -> PresenceUpdates {
        let mut rooms = self.rooms.lock();
        PresenceUpdates(rooms.by_name.entry(room.clone()).or_default().subscribe())
    }

    /// Who is in `room` now, as JSON.
    pub fn json(&self, room: &Room) -> String {
        self.json_of_some(room, MAX_LISTED)
    }

    fn json_of_some(&self, room: &Room, listed: usize) -> String {
        let rooms = self.rooms.lock();
        match rooms.by_name.get(room) {
            Some(members) => members.json(room, listed),
            None => RoomMembers::default().json(room, listed),
        }
    }

    /// The same for each of `rooms`: an object for one room, or a list of objects. They list `listed` readers
    /// together, each room the same number and at least one.
    pub fn json_of_all(&self, rooms: &RoomSet, listed: usize) -> String {
        let listed = (listed / rooms.iter().count()).max(1);
        if rooms.is_single() {
            return self.json_of_some(rooms.first(), listed);
        }
        let each = rooms.iter().map(|room| self.json_of_some(room, listed));
        format!("[{}]", each.collect::<Vec<_>>().join(","))
    }

    /// Removes pollers that have missed two of their intervals, and sends events that are due.
    pub fn expire_pollers(&self) {
        let now = Instant::now();
        let mut rooms = self.rooms.lock();
        let encode = rooms.encode;
        rooms.by_name.retain(|room, members| {
            members.expire_pollers(now);
            members.notify(room, now, NOTIFY_INTERVAL, encode);
            members.is_active()
        });
    }

    fn leave(&self, guard: &PresenceGuard) {
        let now = Instant::now();
        self.rooms.lock().change(&guard.room, now, |members, _| {
            members.leave(&guard.client, guard.transport, now);
            Some(())
        });
    }
}

impl PresenceRooms {
    /// Calls `act` with a room's members and the places for more. If the members changed, sends the room's streams an
    /// event.
    fn change<T>(
        &mut self,
        room: &Room,
        now: Instant,
        act: impl FnOnce(&mut RoomMembers, &Arc<PlaceTable>) -> Option<T>,
    ) -> Option<T> {
        let members = self.by_name.entry(room.clone()).or_default();
        let done = act(members, &self.places);
        members.notify(room, now, NOTIFY_INTERVAL, self.encode);
        // A reader without a place must not leave its rooms behind.
        if !members.is_active() {
            self.by_name.remove(room);
        }
        done
    }
}

impl PresenceGuards {
    pub fn is_empty(&self) -> bool {
        match self {
            Self::None => true,
            Self::One(_) => false,
            Self::Several(guards) => guards.is_empty(),
        }
    }
}

impl PresenceUpdates {
    /// Waits for the next event.
    pub async fn next(mut self) -> (Self, Option<Bytes>) {
        let event = match self.0.changed().await {
            Ok(()) => Some(self.0.borrow_and_update().clone()),
            Err(_) => None,
        };
        (self, event)
    }
}

impl Drop for PresenceGuard {
    fn drop(&mut self) {
        self.presence.leave(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(client: &str, transport: Transport) -> Reader {
        Reader {
            client: client.parse().expect("a label"),
            address: None,
            author: None,
            transport,
            interval: None,
        }
    }

    #[test]
    fn readers_without_a_place_and_readers_that_left_leave_no_room_behind() {
        let presence = Arc::new(Presence::new(|json| {
            Bytes::copy_from_slice(json.as_bytes())
        }));
        let room = |name: &str| name.parse::<Room>().expect("a room");
        let mut guards = Vec::new();
        while let Some(guard) = presence.join(
            &room("full"),
            reader(&guards.len().to_string(), Transport::Stream),
        ) {
            guards.push(guard);
        }
        assert!(
            presence
                .join(&room("other"), reader("late", Transport::Poll))
                .is_none()
        );
        let rooms = || presence.rooms.lock().by_name.len();
        assert_eq!(rooms(), 1);
        drop(guards);
        assert_eq!(rooms(), 0);
    }
}
