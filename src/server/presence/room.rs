//! The guests of one room.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

use super::{Along, Reader};
use crate::{
    domain::message::{Author, Room},
    ledger::{ClientLabel, counts::Transport},
    transport::sse,
};

/// Guests that are listed; `count` is of all.
const MAX_LISTED: usize = 200;
/// How often a poller is taken to poll that asked once and did not say.
const UNKNOWN_INTERVAL: Duration = Duration::from_secs(15);
/// No poller is taken to have left sooner: timers in hidden tabs are a second late.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Default)]
pub struct Guests {
    by_client: HashMap<ClientLabel, Guest>,
    /// Rises with each guest, so that they are listed in the order they came.
    next: u64,
    changed: bool,
    told_at: Option<Instant>,
    news: Option<watch::Sender<Bytes>>,
}

struct Guest {
    order: u64,
    author: Option<Author>,
    since: Timestamp,
    /// Open streams.
    streams: u32,
    /// Whose stream it reads along with, where it has none of its own.
    through: Option<ClientLabel>,
    /// Who reads along with its stream.
    along: Vec<ClientLabel>,
    poller: Option<Poller>,
}

struct Poller {
    transport: Transport,
    /// Polls under way: a long-poll that waits.
    waiting: u32,
    asked_at: Instant,
    /// When its last answer was done.
    answered_at: Option<Instant>,
    interval: Option<Duration>,
}

impl Guest {
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

impl Poller {
    fn ask(&mut self, reader: &Reader, now: Instant) {
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
            Transport::LongPoll => SHORTEST_INTERVAL,
            _ => UNKNOWN_INTERVAL,
        });
        // Two missed, and half of one for what may have been on its way.
        now - since > interval.max(SHORTEST_INTERVAL) * 5 / 2
    }
}

impl Guests {
    pub fn count(&self) -> usize {
        self.by_client.len()
    }

    /// Notes a reader; `None` where it is new and there is no place.
    pub fn enter(&mut self, reader: Reader, now: Instant, at: Timestamp, full: bool) -> Option<()> {
        let guest = self.guest(&reader.client, at, full)?;
        let before = guest.transport();
        if reader.transport == Transport::Stream {
            guest.streams += 1;
            guest.through = None;
            // It went over from polling, and will not be missed there.
            guest.poller.take_if(|poller| poller.waiting == 0);
        } else {
            match &mut guest.poller {
                Some(poller) => poller.ask(&reader, now),
                None => {
                    guest.poller = Some(Poller {
                        transport: reader.transport,
                        waiting: 1,
                        asked_at: now,
                        answered_at: None,
                        interval: reader.interval,
                    });
                }
            }
        }
        let mut changed = guest.transport() != before;
        if reader.author.is_some() && guest.author != reader.author {
            guest.author = reader.author;
            changed = true;
        }
        self.changed |= changed;
        Some(())
    }

    /// The guest of that label, who may have come just now.
    fn guest(&mut self, client: &ClientLabel, at: Timestamp, full: bool) -> Option<&mut Guest> {
        if !self.by_client.contains_key(client) {
            if full {
                return None;
            }
            let guest = Guest::new(self.next, at);
            self.by_client.insert(client.clone(), guest);
            self.next += 1;
            self.changed = true;
        }
        self.by_client.get_mut(client)
    }

    /// Notes who reads along with the stream of `leader`: just these. `None` where it has none here.
    pub fn read_along(
        &mut self,
        leader: &ClientLabel,
        along: Vec<Along>,
        now: Instant,
        at: Timestamp,
        mut places: usize,
    ) -> Option<()> {
        let guest = self.by_client.get_mut(leader)?;
        if guest.streams == 0 {
            return None;
        }
        let before = std::mem::take(&mut guest.along);
        let stays = |client: &ClientLabel| along.iter().any(|it| it.client == *client);
        self.release(before.into_iter().filter(|it| !stays(it)), leader, now);
        let mut labels = Vec::new();
        for Along { client, author } in along {
            let known = self.by_client.len();
            let Some(guest) = self.guest(&client, at, places == 0) else {
                continue;
            };
            // Who has a stream of its own needs no other.
            if guest.streams > 0 {
                continue;
            }
            let before = guest.transport();
            guest.through = Some(leader.clone());
            guest.poller.take_if(|poller| poller.waiting == 0);
            let mut changed = guest.transport() != before;
            // The name that it has written under meanwhile is the newer one.
            if author.is_some() && guest.author.is_none() {
                guest.author = author;
                changed = true;
            }
            self.changed |= changed;
            places -= self.by_client.len() - known;
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
            let Some(guest) = self.by_client.get_mut(&client) else {
                continue;
            };
            // It may read along with another by now.
            if guest.through.as_ref() != Some(leader) {
                continue;
            }
            guest.through = None;
            self.changed = true;
            if guest.has_left(now) {
                self.by_client.remove(&client);
            }
        }
    }

    pub fn named(&mut self, client: &ClientLabel, author: &Author) {
        if let Some(guest) = self.by_client.get_mut(client)
            && guest.author.as_ref() != Some(author)
        {
            guest.author = Some(author.clone());
            self.changed = true;
        }
    }

    /// One request of `client` is over.
    pub fn leave(&mut self, client: &ClientLabel, transport: Transport, now: Instant) {
        let Some(guest) = self.by_client.get_mut(client) else {
            return;
        };
        let before = guest.transport();
        let mut alone = Vec::new();
        if transport == Transport::Stream {
            guest.streams = guest.streams.saturating_sub(1);
            if guest.streams == 0 {
                alone = std::mem::take(&mut guest.along);
            }
        } else if let Some(poller) = &mut guest.poller {
            poller.waiting = poller.waiting.saturating_sub(1);
            poller.answered_at = Some(now);
        }
        if guest.has_left(now) {
            self.by_client.remove(client);
            self.changed = true;
        } else {
            self.changed |= guest.transport() != before;
        }
        self.release(alone, client, now);
    }

    /// Lets those go that have left; returns how many.
    pub fn sweep(&mut self, now: Instant) -> usize {
        let before = self.by_client.len();
        self.by_client.retain(|_, guest| {
            // A stream's client may have polled before: that is over.
            if guest.poller.as_ref().is_some_and(|it| it.has_left(now)) {
                guest.poller = None;
            }
            !guest.has_left(now)
        });
        let gone = before - self.by_client.len();
        self.changed |= gone > 0;
        gone
    }

    pub fn listen(&mut self) -> watch::Receiver<Bytes> {
        self.news
            .get_or_insert_with(|| watch::Sender::new(Bytes::new()))
            .subscribe()
    }

    /// Whether there is anybody to remember or to tell.
    pub fn is_of_use(&self) -> bool {
        !self.by_client.is_empty() || self.is_heard()
    }

    fn is_heard(&self) -> bool {
        self.news.as_ref().is_some_and(|it| it.receiver_count() > 0)
    }

    /// Tells the room's streams what changed, unless they were told less than `every` ago.
    pub fn tell(&mut self, room: &Room, now: Instant, every: Duration) {
        if !self.changed || self.told_at.is_some_and(|at| now - at < every) {
            return;
        }
        self.changed = false;
        self.told_at = Some(now);
        if self.is_heard() {
            let event = sse::presence(&self.json(room));
            if let Some(news) = &self.news {
                news.send_replace(event);
            }
        }
    }

    pub fn json(&self, room: &Room) -> String {
        #[derive(Serialize)]
        struct Present<'a> {
            client: &'a str,
            author: Option<&'a str>,
            transport: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            through: Option<&'a str>,
            since: String,
        }
        #[derive(Serialize)]
        struct Json<'a> {
            room: &'a str,
            count: usize,
            present: Vec<Present<'a>>,
            /// Other servers of a group have readers of their own.
            scope: &'a str,
        }
        let mut guests: Vec<_> = self.by_client.iter().collect();
        guests.sort_unstable_by_key(|(_, guest)| guest.order);
        let present = guests.into_iter().take(MAX_LISTED);
        let json = Json {
            room: room.as_str(),
            count: self.by_client.len(),
            present: present
                .map(|(client, guest)| Present {
                    client: client.as_str(),
                    author: guest.author.as_ref().map(Author::as_str),
                    transport: guest.transport().as_str(),
                    through: guest.through.as_ref().map(ClientLabel::as_str),
                    since: format!("{:.6}", guest.since),
                })
                .collect(),
            scope: "server",
        };
        serde_json::to_string(&json).expect("strings and integers always serialise")
    }
}
