//! The members of one room.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

use super::{
    Follower, MAX_LISTED, PresenceEncoder, Reader,
    member::{Member, PollActivity},
    places::PlaceTable,
};
use crate::domain::{
    author::Author, client_address::ClientAddress, client_label::ClientLabel, room::Room,
    transport::Transport,
};

/// The most bytes a second of presence events for all streams of a room together. If events are large or there are
/// many streams, changes are gathered for longer.
const MAX_BYTES_PER_SECOND: u64 = 1024 * 1024;

#[derive(Default)]
pub struct RoomMembers {
    by_client: HashMap<ClientLabel, Member>,
    /// Rises with each member, so that members are listed in order of arrival.
    next: u64,
    changed: bool,
    /// No event is sent before this.
    quiet_until: Option<Instant>,
    updates: Option<watch::Sender<Bytes>>,
}

impl RoomMembers {
    /// Adds a reader; `None` if it is new and there is no place for it.
    pub fn join(
        &mut self,
        reader: Reader,
        now: Instant,
        at: Timestamp,
        places: &Arc<PlaceTable>,
    ) -> Option<()> {
        let member = self.member(&reader.client, reader.address, at, places)?;
        let before = member.transport();
        if reader.transport == Transport::Stream {
            member.streams += 1;
            member.through = None;
            // The client has switched from polling, so it must not leave as a poller later.
            member.poller.take_if(|poller| poller.waiting == 0);
        } else {
            match &mut member.poller {
                Some(poller) => poller.record_poll(&reader, now),
                None => member.poller = Some(PollActivity::begin(&reader, now)),
            }
        }
        let mut changed = member.transport() != before;
        if reader.author.is_some() && member.author != reader.author {
            member.author = reader.author;
            changed = true;
        }
        self.changed |= changed;
        Some(())
    }

    /// The member with that label, added if it is new.
    fn member(
        &mut self,
        client: &ClientLabel,
        address: Option<ClientAddress>,
        at: Timestamp,
        places: &Arc<PlaceTable>,
    ) -> Option<&mut Member> {
        if !self.by_client.contains_key(client) {
            let member = Member::new(self.next, at, places.take(address)?);
            self.by_client.insert(client.clone(), member);
            self.next += 1;
            self.changed = true;
        }
        self.by_client.get_mut(client)
    }

    /// Sets the followers of `leader`'s stream. `None` if it has no stream here.
    pub fn set_followers(
        &mut self,
        leader: &ClientLabel,
        along: Vec<Follower>,
        now: Instant,
        at: Timestamp,
        places: &Arc<PlaceTable>,
    ) -> Option<()> {
        let member = self.by_client.get_mut(leader)?;
        if member.streams == 0 {
            return None;
        }
        let address = member.place.address();
        let before = std::mem::take(&mut member.along);
        let stays = |client: &ClientLabel| along.iter().any(|it| it.client == *client);
        self.release(before.into_iter().filter(|it| !stays(it)), leader, now);
        let mut labels = Vec::new();
        for Follower { client, author } in along {
            let Some(member) = self.member(&client, address, at, places) else {
                continue;
            };
            // A client that has its own stream does not follow another.
            if member.streams > 0 {
                continue;
            }
            let before = member.transport();
            member.through = Some(leader.clone());
            member.poller.take_if(|poller| poller.waiting == 0);
            let mut changed = member.transport() != before;
            // A name under which it has published in the meantime is newer.
            if author.is_some() && member.author.is_none() {
                member.author = author;
                changed = true;
            }
            self.changed |= changed;
            labels.push(client);
        }
        self.by_client.get_mut(leader)?.along = labels;
        Some(())
    }

    /// Removes followers of `leader`.
    fn release(
        &mut self,
        along: impl IntoIterator<Item = ClientLabel>,
        leader: &ClientLabel,
        now: Instant,
    ) {
        for client in along {
            let Some(member) = self.by_client.get_mut(&client) else {
                continue;
            };
            // It may follow another client by now.
            if member.through.as_ref() != Some(leader) {
                continue;
            }
            member.through = None;
            self.changed = true;
            if member.has_left(now) {
                self.by_client.remove(&client);
            }
        }
    }

    pub fn set_author(&mut self, client: &ClientLabel, author: &Author) {
        if let Some(member) = self.by_client.get_mut(client)
            && member.author.as_ref() != Some(author)
        {
            member.author = Some(author.clone());
            self.changed = true;
        }
    }

    /// Records the end of a request of `client`.
    pub fn leave(&mut self, client: &ClientLabel, transport: Transport, now: Instant) {
        let Some(member) = self.by_client.get_mut(client) else {
            return;
        };
        let before = member.transport();
        let mut alone = Vec::new();
        if transport == Transport::Stream {
            member.streams = member.streams.saturating_sub(1);
            if member.streams == 0 {
                alone = std::mem::take(&mut member.along);
            }
        } else if let Some(poller) = &mut member.poller {
            poller.waiting = poller.waiting.saturating_sub(1);
            poller.answered_at = Some(now);
        }
        if member.has_left(now) {
            self.by_client.remove(client);
            self.changed = true;
        } else {
            self.changed |= member.transport() != before;
        }
        self.release(alone, client, now);
    }

    /// Removes pollers that have left.
    pub fn expire_pollers(&mut self, now: Instant) {
        let before = self.by_client.len();
        self.by_client.retain(|_, member| {
            // The client of a stream may have polled before, and has stopped.
            if member.poller.as_ref().is_some_and(|it| it.has_left(now)) {
                member.poller = None;
            }
            !member.has_left(now)
        });
        self.changed |= self.by_client.len() < before;
    }

    /// The room's events: the last one at once, if there is one, and then each change.
    pub fn subscribe(&mut self) -> watch::Receiver<Bytes> {
        let updates = self
            .updates
            .get_or_insert_with(|| watch::Sender::new(Bytes::new()));
        let mut receiver = updates.subscribe();
        if receiver.borrow().is_empty() {
            self.changed = true;
        } else {
            receiver.mark_changed();
        }
        receiver
    }

    /// Whether the room has members or subscribers.
    pub fn is_active(&self) -> bool {
        !self.by_client.is_empty() || self.has_subscribers()
    }

    fn has_subscribers(&self) -> bool {
        self.updates
            .as_ref()
            .is_some_and(|it| it.receiver_count() > 0)
    }

    /// Sends the room's streams an event if it has changed, at most once in `every`.
    pub fn notify(&mut self, room: &Room, now: Instant, every: Duration, encode: PresenceEncoder) {
        if !self.changed || self.quiet_until.is_some_and(|until| now < until) {
            return;
        }
        self.changed = false;
        let Some(updates) = &self.updates else {
            return;
        };
        let subscribers = updates.receiver_count() as u64;
        if subscribers == 0 {
            // The next subscriber must not get this old state.
            self.updates = None;
            return;
        }
        let event = encode(&self.json(room, MAX_LISTED));
        let bytes = event.len() as u64 * subscribers;
        updates.send_replace(event);
        let cost = Duration::from_millis(1000 * bytes / MAX_BYTES_PER_SECOND);
        self.quiet_until = Some(now + cost.max(every));
    }

    /// The room's presence, with at most `listed` members.
    pub fn json(&self, room: &Room, listed: usize) -> String {
        #[derive(Serialize)]
        struct PresenceEntry<'a> {
            client: &'a str,
            author: Option<&'a str>,
            transport: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            through: Option<&'a str>,
            since: String,
        }
        #[derive(Serialize)]
        struct PresenceJson<'a> {
            room: &'a str,
            count: usize,
            present: Vec<PresenceEntry<'a>>,
            /// Other servers of a group have readers of their own.
            scope: &'a str,
        }
        let mut members: Vec<_> = self.by_client.iter().collect();
        if members.len() > listed {
            members.select_nth_unstable_by_key(listed, |(_, member)| member.order);
            members.truncate(listed);
        }
        members.sort_unstable_by_key(|(_, member)| member.order);
        let json = PresenceJson {
            room: room.as_str(),
            count: self.by_client.len(),
            present: members
                .into_iter()
                .map(|(client, member)| PresenceEntry {
                    client: client.as_str(),
                    author: member.author.as_ref().map(Author::as_str),
                    transport: member.transport().as_str(),
                    through: member.through.as_ref().map(ClientLabel::as_str),
                    since: format!("{:.6}", member.since),
                })
                .collect(),
            scope: "server",
        };
        serde_json::to_string(&json).expect("strings and integers always serialise")
    }
}

#[cfg(test)]
mod tests;
