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

/// What telling a room's streams of changes may cost, all of them together. Changes are gathered for
/// longer where an event is large or many are told.
const MAX_BYTES_PER_SECOND: u64 = 1024 * 1024;
/// Members that are listed; `count` is of all.
const MAX_LISTED: usize = 200;
/// The interval of a poller that asked once and did not state it.
const DEFAULT_POLL_INTERVAL: Duration = Duration::from_secs(15);
/// No poller is considered gone sooner: timers in hidden tabs are a second late.
const MIN_POLL_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Default)]
pub struct RoomMembers {
    by_client: HashMap<ClientLabel, Member>,
    /// Rises with each member, so that they are listed in the order they came.
    next: u64,
    changed: bool,
    /// No event is sent before this.
    quiet_until: Option<Instant>,
    updates: Option<watch::Sender<Bytes>>,
}

struct Member {
    order: u64,
    author: Option<Author>,
    since: Timestamp,
    /// Open streams.
    streams: u32,
    /// The client whose stream it follows, if it has none of its own.
    through: Option<ClientLabel>,
    /// The followers of its stream.
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

    /// Adds a reader; `None` if it is new and there is no capacity.
    pub fn join(&mut self, reader: Reader, now: Instant, at: Timestamp, full: bool) -> Option<()> {
        let member = self.member(&reader.client, at, full)?;
        let before = member.transport();
        if reader.transport == Transport::Stream {
            member.streams += 1;
            member.through = None;
            // It has switched from polling and leaves no gap there.
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

    /// The member with that label, added if it is new.
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

    /// Sets the followers of the stream of `leader`. `None` if it has none here.
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
            // A client with a stream of its own needs no other.
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
            capacity -= self.by_client.len() - known;
            labels.push(client);
        }
        self.by_client.get_mut(leader)?.along = labels;
        Some(())
    }

    /// These no longer follow `leader`.
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

    /// Removes pollers that have left; returns how many.
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

    /// The room's events: the last one at once, if there was any, and then each change.
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
            // The next one to subscribe must not be sent this old state.
            self.updates = None;
            return;
        }
        let event = encode(&self.json(room));
        let bytes = event.len() as u64 * subscribers;
        updates.send_replace(event);
        let cost = Duration::from_millis(1000 * bytes / MAX_BYTES_PER_SECOND);
        self.quiet_until = Some(now + cost.max(every));
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
        if members.len() > MAX_LISTED {
            members.select_nth_unstable_by_key(MAX_LISTED, |(_, member)| member.order);
            members.truncate(MAX_LISTED);
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
mod tests {
    use super::*;

    fn encode(json: &str) -> Bytes {
        Bytes::copy_from_slice(json.as_bytes())
    }

    fn reader(client: &str) -> Reader {
        Reader {
            client: client.parse().expect("a label"),
            author: None,
            transport: Transport::Stream,
            interval: None,
        }
    }

    /// Joins `client` and returns the bytes that the room's streams are sent because of it.
    fn join(members: &mut RoomMembers, client: &str, now: Instant) -> usize {
        members
            .join(reader(client), now, Timestamp::UNIX_EPOCH, false)
            .expect("has joined");
        notify(members, now)
    }

    fn notify(members: &mut RoomMembers, now: Instant) -> usize {
        let mut watching = members.updates.as_ref().map(watch::Sender::subscribe);
        members.notify(&Room::default(), now, Duration::from_secs(1), encode);
        let Some(watching) = &mut watching else {
            return 0;
        };
        if !watching.has_changed().unwrap_or(false) {
            return 0;
        }
        let subscribers = members.updates.as_ref().map_or(0, |it| it.receiver_count());
        watching.borrow_and_update().len() * subscribers
    }

    #[test]
    fn a_busy_room_of_many_streams_costs_a_bounded_amount() {
        let mut members = RoomMembers::default();
        let start = Instant::now();
        let streams: Vec<_> = (0..2000).map(|_| members.subscribe()).collect();
        let mut bytes = 0;
        let mut largest = 0;
        for tick in 0..2400_u32 {
            let now = start + Duration::from_millis(250) * tick;
            let sent = join(&mut members, &format!("visitor-{tick}"), now);
            bytes += sent as u64;
            largest = largest.max(sent as u64);
        }
        assert!(bytes > 0, "changes are told");
        let seconds = 600;
        assert!(
            bytes <= seconds * MAX_BYTES_PER_SECOND + largest,
            "{bytes} bytes in {seconds} s"
        );
        drop(streams);
    }

    #[test]
    fn a_small_room_is_told_of_each_change_within_a_second() {
        let mut members = RoomMembers::default();
        let start = Instant::now();
        let _stream = members.subscribe();
        assert!(join(&mut members, "a", start) > 0);
        assert_eq!(join(&mut members, "b", start), 0);
        assert!(notify(&mut members, start + Duration::from_secs(1)) > 0);
    }

    #[test]
    fn a_new_subscriber_is_sent_the_present_state() {
        let mut members = RoomMembers::default();
        let start = Instant::now();
        let first = members.subscribe();
        assert!(!first.has_changed().expect("open"));
        join(&mut members, "a", start);
        let mut second = members.subscribe();
        assert!(second.has_changed().expect("open"));
        let event = String::from_utf8(second.borrow_and_update().to_vec()).expect("text");
        assert!(event.contains("\"client\":\"a\""), "{event}");
        drop((first, second));
    }

    #[test]
    fn changes_that_no_stream_asked_for_are_not_encoded() {
        let mut members = RoomMembers::default();
        let start = Instant::now();
        drop(members.subscribe());
        let joined = members.join(reader("a"), start, Timestamp::UNIX_EPOCH, false);
        assert!(joined.is_some());
        members.notify(&Room::default(), start, Duration::from_secs(1), encode);
        assert!(members.updates.is_none());
    }
}
