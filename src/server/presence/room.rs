//! The members of one room.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

use super::{Follower, PresenceEncoder, Reader};
use crate::{
    domain::{author::Author, room::Room},
    domain::{client_label::ClientLabel, transport::Transport},
};

/// RoomMembers that are listed; `count` is of all.
const MAX_LISTED: usize = 200;
/// How often a poller is taken to poll that asked once and did not say.
const DEFAULT_POLL_INTERVAL: Duration = Duration::from_secs(15);
/// No poller is taken to have left sooner: timers in hidden tabs are a second late.
const MIN_POLL_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Default)]
pub struct RoomMembers {
    by_client: HashMap<ClientLabel, Member>,
    /// Rises with each member, so that they are listed in the order they came.
    next: u64,
    changed: bool,
    notified_at: Option<Instant>,
    updates: Option<watch::Sender<Bytes>>,
}

struct Member {
    order: u64,
    author: Option<Author>,
    since: Timestamp,
    /// Open streams.
    streams: u32,
    /// Whose stream it reads along with, where it has none of its own.
    through: Option<ClientLabel>,
    /// Who reads along with its stream.
    along: Vec<ClientLabel>,
    poller: Option<PollActivity>,
}

struct PollActivity {
    transport: Transport,
    /// Polls under way: a long-poll that waits.
    waiting: u32,
    asked_at: Instant,
    /// When its last answer was done.
    answered_at: Option<Instant>,
    interval: Option<Duration>,
}

impl Member {
    fn new(order: u64, since: Timestamp) -> Self {
        Self {
            order,
            author: None,
            since,
            streams: 0,
            through: None,
            along: Vec::new(),
            poller: None,
        }
    }

    fn is_streamed_to(&self) -> bool {
        self.streams > 0 || self.through.is_some()
    }

    fn transport(&self) -> Transport {
        match &self.poller {
            Some(poller) if !self.is_streamed_to() => poller.transport,
            _ => Transport::Stream,
        }
    }

    fn has_left(&self, now: Instant) -> bool {
        !self.is_streamed_to() && self.poller.as_ref().is_none_or(|it| it.has_left(now))
    }
}

impl PollActivity {
    fn record_poll(&mut self, reader: &Reader, now: Instant) {
        // A long-poll's interval is the pause after an answer.
        let since = match reader.transport {
            Transport::LongPoll => self.answered_at,
            _ => Some(self.asked_at),
        };
        let observed = since.map(|since| now - since);
        self.interval = reader.interval.or(observed);
        self.transport = reader.transport;
        self.asked_at = now;
        self.waiting += 1;
    }

    fn has_left(&self, now: Instant) -> bool {
        if self.waiting > 0 {
            return false;
        }
        let since = match self.transport {
            Transport::LongPoll => self.answered_at.unwrap_or(self.asked_at),
            _ => self.asked_at,
        };
        let interval = self.interval.unwrap_or(match self.transport {
            Transport::LongPoll => MIN_POLL_INTERVAL,
            _ => DEFAULT_POLL_INTERVAL,
        });
        // Two missed, and half of one for what may have been on its way.
        now - since > interval.max(MIN_POLL_INTERVAL) * 5 / 2
    }
}

impl RoomMembers {
    pub fn len(&self) -> usize {
        self.by_client.len()
    }

    /// Notes a reader; `None` where it is new and there is no place.
    pub fn join(&mut self, reader: Reader, now: Instant, at: Timestamp, full: bool) -> Option<()> {
        let member = self.member(&reader.client, at, full)?;
        let before = member.transport();
        if reader.transport == Transport::Stream {
            member.streams += 1;
            member.through = None;
            // It went over from polling, and will not be missed there.
            member.poller.take_if(|poller| poller.waiting == 0);
        } else {
            match &mut member.poller {
                Some(poller) => poller.record_poll(&reader, now),
                None => {
                    member.poller = Some(PollActivity {
                        transport: reader.transport,
                        waiting: 1,
                        asked_at: now,
                        answered_at: None,
                        interval: reader.interval,
                    });
                }
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

    /// The member of that label, who may have come just now.
    fn member(&mut self, client: &ClientLabel, at: Timestamp, full: bool) -> Option<&mut Member> {
        if !self.by_client.contains_key(client) {
            if full {
                return None;
            }
            let member = Member::new(self.next, at);
            self.by_client.insert(client.clone(), member);
            self.next += 1;
            self.changed = true;
        }
        self.by_client.get_mut(client)
    }

    /// Notes who reads along with the stream of `leader`: just these. `None` where it has none here.
    pub fn set_followers(
        &mut self,
        leader: &ClientLabel,
        along: Vec<Follower>,
        now: Instant,
        at: Timestamp,
        mut capacity: usize,
    ) -> Option<()> {
        let member = self.by_client.get_mut(leader)?;
        if member.streams == 0 {
            return None;
        }
        let before = std::mem::take(&mut member.along);
        let stays = |client: &ClientLabel| along.iter().any(|it| it.client == *client);
        self.release(before.into_iter().filter(|it| !stays(it)), leader, now);
        let mut labels = Vec::new();
        for Follower { client, author } in along {
            let known = self.by_client.len();
            let Some(member) = self.member(&client, at, capacity == 0) else {
                continue;
            };
            // Who has a stream of its own needs no other.
            if member.streams > 0 {
                continue;
            }
            let before = member.transport();
            member.through = Some(leader.clone());
            member.poller.take_if(|poller| poller.waiting == 0);
            let mut changed = member.transport() != before;
            // The name that it has written under meanwhile is the newer one.
            if author.is_some() && member.author.is_none() {
                member.author = author;
                changed = true;
            }
            self.changed |= changed;
            capacity -= self.by_client.len() - known;
            labels.push(client);
        }
        self.by_client.get_mut(leader)?.along = labels;
        Some(())
    }

    /// These no longer read along with `leader`.
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
            // It may read along with another by now.
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

    /// One request of `client` is over.
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

    /// Lets those go that have left; returns how many.
    pub fn expire_pollers(&mut self, now: Instant) -> usize {
        let before = self.by_client.len();
        self.by_client.retain(|_, member| {
            // A stream's client may have polled before: that is over.
            if member.poller.as_ref().is_some_and(|it| it.has_left(now)) {
                member.poller = None;
            }
            !member.has_left(now)
        });
        let gone = before - self.by_client.len();
        self.changed |= gone > 0;
        gone
    }

    pub fn subscribe(&mut self) -> watch::Receiver<Bytes> {
        self.updates
            .get_or_insert_with(|| watch::Sender::new(Bytes::new()))
            .subscribe()
    }

    /// Whether there is anybody to remember or to tell.
    pub fn is_active(&self) -> bool {
        !self.by_client.is_empty() || self.has_subscribers()
    }

    fn has_subscribers(&self) -> bool {
        self.updates
            .as_ref()
            .is_some_and(|it| it.receiver_count() > 0)
    }

    /// Tells the room's streams what changed, unless they were told less than `every` ago.
    pub fn notify(&mut self, room: &Room, now: Instant, every: Duration, encode: PresenceEncoder) {
        if !self.changed || self.notified_at.is_some_and(|at| now - at < every) {
            return;
        }
        self.changed = false;
        self.notified_at = Some(now);
        if self.has_subscribers() {
            let event = encode(&self.json(room));
            if let Some(updates) = &self.updates {
                updates.send_replace(event);
            }
        }
    }

    pub fn json(&self, room: &Room) -> String {
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
        members.sort_unstable_by_key(|(_, member)| member.order);
        let present = members.into_iter().take(MAX_LISTED);
        let json = PresenceJson {
            room: room.as_str(),
            count: self.by_client.len(),
            present: present
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
