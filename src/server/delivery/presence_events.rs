//! A stream's presence: the events that it gets about other readers in its rooms, and its own entry in these rooms.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;

use super::read_query::ReadQuery;
use crate::{
    domain::transport::Transport,
    presence::{Presence, PresenceGuards, PresenceUpdates},
};

pub(super) struct PresenceEvents {
    /// The next event of each room.
    updates: Vec<PresenceUpdate>,
    _guards: PresenceGuards,
}

type PresenceUpdate = Pin<Box<dyn Future<Output = (PresenceUpdates, Option<Bytes>)>>>;

impl PresenceEvents {
    pub fn open(presence: &Arc<Presence>, query: &ReadQuery) -> Option<Box<Self>> {
        let reader = query.reader(Transport::Stream);
        // Subscribes before it joins, so that it also gets the event about itself.
        let rooms = query.rooms.iter().filter(|_| query.presence);
        let updates: Vec<PresenceUpdate> =
            rooms.map(|room| next(presence.subscribe(room))).collect();
        let guards = reader.map(|reader| presence.join_all(&query.rooms, reader));
        let guards = guards.unwrap_or_default();
        let is_needed = !updates.is_empty() || !guards.is_empty();
        is_needed.then(|| {
            Box::new(Self {
                updates,
                _guards: guards,
            })
        })
    }

    /// Whether an event must wake the reader.
    pub fn awaits_wake(&self) -> bool {
        !self.updates.is_empty()
    }

    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        let mut i = 0;
        while let Some(update) = self.updates.get_mut(i) {
            match update.as_mut().poll(cx) {
                Poll::Pending => i += 1,
                Poll::Ready((updates, Some(event))) => {
                    self.updates[i] = next(updates);
                    return Poll::Ready(event);
                }
                // That room will send no more events.
                Poll::Ready((_, None)) => drop(self.updates.swap_remove(i)),
            }
        }
        Poll::Pending
    }
}

fn next(updates: PresenceUpdates) -> PresenceUpdate {
    Box::pin(updates.next())
}
