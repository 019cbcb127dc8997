//! The connections of a reactor that wait in each room, so that one notification of a room serves them all.

use std::{
    collections::HashMap,
    sync::Arc,
    task::{Context, Waker},
};

use slab::Slab;

use super::signals::Signals;
use crate::log::{LogReader as _, RoomReader, Subscription};

pub struct WaitingRooms {
    signals: Arc<Signals>,
    by_key: HashMap<usize, u32>,
    rooms: Slab<WaitingRoom>,
    /// Connections whose place changed since this list was last emptied.
    pub moved: Vec<(u32, Seat)>,
}

struct WaitingRoom {
    subscription: Subscription,
    waker: Waker,
    readers: Vec<u32>,
}

/// A connection's place among the connections that wait in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    room: u32,
    place: u32,
}

impl WaitingRooms {
    pub fn new(signals: Arc<Signals>) -> Self {
        Self {
            signals,
            by_key: HashMap::new(),
            rooms: Slab::new(),
            moved: Vec::new(),
        }
    }

    /// Makes every notification of `room` run the connection from now on.
    pub fn join(&mut self, room: &RoomReader, connection: u32) -> Seat {
        let signals = &self.signals;
        let rooms = &mut self.rooms;
        let key = *self.by_key.entry(room.key()).or_insert_with(|| {
            let slot = rooms.vacant_entry();
            let key = slot.key() as u32;
            let waiting = WaitingRoom {
                subscription: room.clone().subscribe(),
                waker: signals.room_waker(key),
                readers: Vec::new(),
            };
            waiting.arm();
            slot.insert(waiting);
            key
        });
        let readers = &mut self.rooms[key as usize].readers;
        readers.push(connection);
        Seat {
            room: key,
            place: (readers.len() - 1) as u32,
        }
    }

    pub fn leave(&mut self, seat: Seat) {
        let room = &mut self.rooms[seat.room as usize];
        room.readers.swap_remove(seat.place as usize);
        if let Some(&moved) = room.readers.get(seat.place as usize) {
            self.moved.push((moved, seat));
        }
        if room.readers.is_empty() {
            let room = self.rooms.remove(seat.room as usize);
            self.by_key.remove(&room.subscription.room.key());
        } else if room.readers.len() < room.readers.capacity() / 4 {
            room.readers.shrink_to(room.readers.len() * 2);
        }
    }

    pub fn is_in(&self, seat: Seat, room: &RoomReader) -> bool {
        self.rooms[seat.room as usize]
            .subscription
            .room
            .is_same(room)
    }

    /// The connections to run after their room was notified. The room's next notification will signal again, so that
    /// messages that come while they run are not missed.
    pub fn readers(&mut self, room: u32) -> &[u32] {
        let Some(room) = self.rooms.get(room as usize) else {
            return &[];
        };
        room.arm();
        &room.readers
    }
}

impl WaitingRoom {
    fn arm(&self) {
        self.subscription.arm(&mut Context::from_waker(&self.waker));
    }
}
