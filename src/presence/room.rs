//! The guests of one room.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

use super::Reader;
use crate::{
    ledger::{ClientLabel, counts::Transport},
    message::{Author, Room},
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
    fn transport(&self) -> Transport {
        match &self.poller {
            Some(poller) if self.streams == 0 => poller.transport,
            _ => Transport::Stream,
        }
    }

    fn has_left(&self, now: Instant) -> bool {
        self.streams == 0 && self.poller.as_ref().is_none_or(|it| it.has_left(now))
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
        if !self.by_client.contains_key(&reader.client) {
            if full {
                return None;
            }
            let guest = Guest {
                order: self.next,
                author: None,
                since: at,
                streams: 0,
                poller: None,
            };
            self.next += 1;
            self.by_client.insert(reader.client.clone(), guest);
            self.changed = true;
        }
        let guest = self.by_client.get_mut(&reader.client)?;
        let before = guest.transport();
        if reader.transport == Transport::Stream {
            guest.streams += 1;
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
        self.changed |= guest.transport() != before;
        if reader.author.is_some() && guest.author != reader.author {
            guest.author = reader.author;
            self.changed = true;
        }
        Some(())
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
        if transport == Transport::Stream {
            guest.streams = guest.streams.saturating_sub(1);
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
                    since: format!("{:.6}", guest.since),
                })
                .collect(),
            scope: "server",
        };
        serde_json::to_string(&json).expect("strings and integers always serialise")
    }
}
