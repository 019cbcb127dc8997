//! Who is in a room: the readers with a client label, and the transport each uses.
//!
//! A stream is there for as long as its connection is. A poller leaves no such trace: it is taken
//! to have left when it missed two of its intervals. Who reads along with another's stream, as a
//! browser's tabs do, is there while that stream is and its reader says so. Nothing here is kept in
//! the log; each server knows its own readers only.

pub mod along;
pub mod http;
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

use self::room::Guests;
use crate::{
    domain::message::{Author, Room},
    ledger::{ClientLabel, counts::Transport},
};

/// Readers that are remembered over all rooms. More of them are served, but not listed.
const MAX_GUESTS: usize = 20_000;
/// A room's streams are told of changes no more often than this.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked for pollers that have left.
pub const SWEEP_EVERY: Duration = Duration::from_millis(250);

/// Who is in which room, for the whole server.
#[derive(Default)]
pub struct Presence {
    rooms: Mutex<Rooms>,
}

#[derive(Default)]
struct Rooms {
    by_name: HashMap<Room, Guests>,
    guests: usize,
}

/// A reader that says who it is.
#[derive(Debug, Clone)]
pub struct Reader {
    pub client: ClientLabel,
    /// Its user's name, where it told.
    pub author: Option<Author>,
    pub transport: Transport,
    /// How often it polls, where it told.
    pub interval: Option<Duration>,
}

/// One that reads along with another's stream.
#[derive(Debug, Clone)]
pub struct Along {
    pub client: ClientLabel,
    pub author: Option<Author>,
}

/// A reader is in a room for as long as this lives; a poller for some time after.
pub struct Visit {
    presence: Arc<Presence>,
    room: Room,
    client: ClientLabel,
    transport: Transport,
}

/// What a room's streams are told: the newest presence event, whenever there is another.
pub struct News(watch::Receiver<Bytes>);

impl Presence {
    /// Notes that `reader` reads `room`. `None` where there are more readers than are remembered.
    pub fn enter(self: &Arc<Self>, room: &Room, reader: Reader) -> Option<Visit> {
        let now = Instant::now();
        let (client, transport) = (reader.client.clone(), reader.transport);
        self.rooms.lock().change(room, now, |guests, places| {
            guests.enter(reader, now, Timestamp::now(), places == 0)
        })?;
        Some(Visit {
            presence: self.clone(),
            room: room.clone(),
            client,
            transport,
        })
    }

    /// Notes the name under which a reader of `room` writes.
    pub fn named(&self, room: &Room, client: &ClientLabel, author: &Author) {
        let mut rooms = self.rooms.lock();
        if rooms.by_name.contains_key(room) {
            rooms.change(room, Instant::now(), |guests, _| {
                guests.named(client, author);
                Some(())
            });
        }
    }

    /// Notes that `along`, and nobody else, read along with the stream that `leader` has open in
    /// `room`. `None` where it has none.
    pub fn read_along(&self, room: &Room, leader: &ClientLabel, along: Vec<Along>) -> Option<()> {
        let now = Instant::now();
        let mut rooms = self.rooms.lock();
        if !rooms.by_name.contains_key(room) {
            return None;
        }
        rooms.change(room, now, |guests, places| {
            guests.read_along(leader, along, now, Timestamp::now(), places)
        })
    }

    /// Events of `room` from now on.
    pub fn listen(&self, room: &Room) -> News {
        let mut rooms = self.rooms.lock();
        News(rooms.by_name.entry(room.clone()).or_default().listen())
    }

    /// Who is in `room` now, as JSON.
    pub fn json(&self, room: &Room) -> String {
        let rooms = self.rooms.lock();
        match rooms.by_name.get(room) {
            Some(guests) => guests.json(room),
            None => Guests::default().json(room),
        }
    }

    /// Lets pollers go that have missed two of their intervals, and tells what is due to be told.
    pub fn sweep(&self) {
        let now = Instant::now();
        let mut rooms = self.rooms.lock();
        let Rooms { by_name, guests } = &mut *rooms;
        by_name.retain(|room, in_room| {
            *guests -= in_room.sweep(now);
            in_room.tell(room, now, TELL_EVERY);
            in_room.is_of_use()
        });
    }

    fn leave(&self, visit: &Visit) {
        let now = Instant::now();
        self.rooms.lock().change(&visit.room, now, |guests, _| {
            guests.leave(&visit.client, visit.transport, now);
            Some(())
        });
    }
}

impl Rooms {
    /// Does `act` with a room's guests, and tells its streams where that made a difference. `act`
    /// is told how many more guests there is place for.
    fn change<T>(
        &mut self,
        room: &Room,
        now: Instant,
        act: impl FnOnce(&mut Guests, usize) -> Option<T>,
    ) -> Option<T> {
        let places = MAX_GUESTS.saturating_sub(self.guests);
        let known = self.by_name.get_mut(room);
        let guests = match known {
            Some(guests) => guests,
            None if places == 0 => return None,
            None => self.by_name.entry(room.clone()).or_default(),
        };
        let before = guests.count();
        let done = act(guests, places);
        self.guests = self.guests + guests.count() - before;
        guests.tell(room, now, TELL_EVERY);
        done
    }
}

impl News {
    /// Waits for the next event.
    pub async fn next(mut self) -> (Self, Option<Bytes>) {
        let event = match self.0.changed().await {
            Ok(()) => Some(self.0.borrow_and_update().clone()),
            Err(_) => None,
        };
        (self, event)
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.presence.leave(self);
    }
}
