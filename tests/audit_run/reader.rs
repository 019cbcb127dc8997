//! A reader on one of the transports, and its manners: steady, moving, slow, or stalling.

use std::{io, sync::Arc, sync::atomic::Ordering::Relaxed, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    http::Connection,
    record::{Delivered, Record, Transport},
    rng::Rng,
    world::{END_WITHIN, Phase, World, message},
};

/// A stream says something every 15 s; a paused server some seconds later.
const SILENT_FOR: Duration = Duration::from_secs(20);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// What a long-poll waits for, seconds.
const WAIT: u32 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReaderBehaviour {
    /// Always the same server.
    Steady,
    /// Another server every now and then.
    Moving,
    /// Takes less than is published.
    Slow,
    /// Stops reading for a while, sometimes for so long that retention overtakes it.
    Stalling,
}

impl ReaderBehaviour {
    pub const ALL: [Self; 4] = [Self::Steady, Self::Moving, Self::Slow, Self::Stalling];
}

pub struct Reader {
    world: Arc<World>,
    transport: Transport,
    manner: ReaderBehaviour,
    room: usize,
    rng: Rng,
    server: usize,
    connection: Option<Connection>,
    cursor: String,
    last: u64,
    given: Vec<Delivered>,
    stall_at: Instant,
    long_stall: Duration,
    /// Says what it knows in a header, as a browser does.
    uses_headers: bool,
    give_up_at: Option<Instant>,
}

impl Reader {
    /// A reader from `cursor`, the beginning of its room.
    pub fn new(
        world: Arc<World>,
        transport: Transport,
        manner: ReaderBehaviour,
        number: usize,
        (room, cursor): (usize, String),
        long_stall: Duration,
    ) -> Self {
        let mut rng = Rng::of(world.seed, transport.as_str(), number);
        Self {
            server: number % world.fronts.len(),
            stall_at: Instant::now() + rng.ms(500..4000),
            uses_headers: rng.once_in(2),
            world,
            transport,
            manner,
            room,
            rng,
            connection: None,
            cursor,
            last: 0,
            given: Vec::new(),
            long_stall,
            give_up_at: None,
        }
    }

    /// Reads until all that was published has come, or there is no more time for it.
    pub async fn run(mut self) -> Record {
        while !self.is_done() {
            let read = match self.transport {
                Transport::Stream => self.stream().await,
                _ => self.poll().await,
            };
            if read.is_err() {
                self.world.tally.broken.fetch_add(1, Relaxed);
                self.connection = None;
                let pause = self.rng.ms(20..200);
                sleep(pause).await;
                self.move_on();
            }
        }
        Record {
            transport: self.transport,
            room: self.room,
            given: self.given,
        }
    }

    fn is_done(&mut self) -> bool {
        if self.world.phase() < Phase::CatchingUp {
            return false;
        }
        let end = *self
            .give_up_at
            .get_or_insert_with(|| Instant::now() + END_WITHIN);
        self.last >= self.world.published().newest(self.room) || Instant::now() > end
    }

    /// Chooses the next server, if it is one that moves.
    fn move_on(&mut self) {
        if self.manner != ReaderBehaviour::Steady && self.world.fronts.len() > 1 {
            self.server = self.rng.below(self.world.fronts.len());
            self.world.tally.moves.fetch_add(1, Relaxed);
        }
        self.connection = None;
    }

    /// Behaves as it is wont to between two reads.
    async fn dawdle(&mut self) {
        if self.world.phase() > Phase::Publishing {
            return;
        }
        match self.manner {
            ReaderBehaviour::Slow => self.world.rest(Duration::from_millis(60)).await,
            ReaderBehaviour::Stalling if Instant::now() >= self.stall_at => {
                let time = match self.rng.once_in(3) {
                    true => self.long_stall,
                    false => self.rng.ms(500..3000),
                };
                self.world.tally.stalls.fetch_add(1, Relaxed);
                self.world.rest(time).await;
                self.stall_at = Instant::now() + self.rng.ms(1000..6000);
            }
            _ => {}
        }
    }

    async fn connection(&mut self) -> io::Result<&mut Connection> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => Ok(none.insert(Connection::open(self.world.fronts[self.server]).await?)),
        }
    }

    async fn poll(&mut self) -> io::Result<()> {
        let room = World::room(self.room);
        let limit = match self.manner {
            ReaderBehaviour::Slow => self.rng.within(1..8),
            _ => self.rng.within(1..200),
        };
        let mut target = format!("/poll?room={room}&cursor={}&limit={limit}", self.cursor);
        if self.transport == Transport::LongPoll {
            target += &format!("&wait={WAIT}");
        }
        let header = match self.uses_headers {
            true => format!("If-None-Match: \"{}\"\r\n", self.cursor),
            false => String::new(),
        };
        let request = format!("GET {target} HTTP/1.1\r\nHost: audit\r\n{header}\r\n");
        let answer = self
            .connection()
            .await?
            .ask(&request, ANSWER_WITHIN)
            .await?;
        if answer.is_last {
            self.connection = None;
        }
        let more = match answer.status {
            200 => self.take_page(&answer.body)?,
            304 => false,
            503 => {
                self.world.tally.away.fetch_add(1, Relaxed);
                false
            }
            status => {
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                self.world.complain(format!("a poll got {status}: {body}"));
                false
            }
        };
        self.dawdle().await;
        if self.transport == Transport::Poll && !more || answer.status == 503 {
            let pause = self.rng.ms(50..250);
            sleep(pause).await;
        }
        if self.manner == ReaderBehaviour::Moving && self.rng.once_in(10) {
            self.move_on();
        }
        Ok(())
    }

    fn take_page(&mut self, body: &[u8]) -> io::Result<bool> {
        let page: Value = serde_json::from_slice(body)?;
        let (Some(messages), Some(cursor)) = (page["messages"].as_array(), page["cursor"].as_str())
        else {
            self.world.complain(format!("not a poll's answer: {page}"));
            return Err(io::ErrorKind::InvalidData.into());
        };
        if let Some(reason) = page["reset"].as_str() {
            self.take_reset(reason);
        }
        for json in messages {
            self.take_message(json);
        }
        cursor.clone_into(&mut self.cursor);
        Ok(page["more"] == true)
    }

    async fn stream(&mut self) -> io::Result<()> {
        let room = World::room(self.room);
        let (query, header) = match self.uses_headers {
            true => ("", format!("Last-Event-ID: {}\r\n", self.cursor)),
            false => ("&cursor=", String::new()),
        };
        let cursor = if query.is_empty() { "" } else { &self.cursor };
        // HTTP/1.0 asks for an answer without chunks, whose frames can be read as they are.
        let request = format!(
            "GET /stream?room={room}{query}{cursor} HTTP/1.0\r\nHost: audit\r\n{header}\r\n"
        );
        self.connection = None;
        let status = self
            .connection()
            .await?
            .ask_stream(&request, ANSWER_WITHIN)
            .await?;
        if status != 200 {
            match status {
                503 => _ = self.world.tally.away.fetch_add(1, Relaxed),
                _ => self.world.complain(format!("a stream got {status}")),
            }
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let mut heard_at = Instant::now();
        while !self.is_done() {
            // Short of its patience, so that it notices the end.
            let connection = self.connection().await?;
            match timeout(Duration::from_secs(1), connection.frame()).await {
                Ok(frame) => self.take_frame(&frame?)?,
                Err(_) if heard_at.elapsed() > SILENT_FOR => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Err(_) => continue,
            }
            heard_at = Instant::now();
            self.dawdle().await;
            if self.manner == ReaderBehaviour::Moving && self.rng.once_in(60) {
                self.move_on();
                return Ok(());
            }
        }
        Ok(())
    }

    fn take_frame(&mut self, frame: &str) -> io::Result<()> {
        if let Some((id, data)) = frame
            .strip_prefix("id: ")
            .and_then(|f| f.split_once("\ndata: "))
        {
            let json: Value = serde_json::from_str(data)?;
            self.take_message(&json);
            id.clone_into(&mut self.cursor);
        } else if let Some(data) = frame.strip_prefix("event: reset\ndata: ") {
            let json: Value = serde_json::from_str(data)?;
            self.take_reset(json["reason"].as_str().unwrap_or_default());
        } else if !frame.starts_with("retry: ") && !frame.starts_with(':') {
            self.world.complain(format!("not a frame: {frame:?}"));
        }
        Ok(())
    }

    fn take_message(&mut self, json: &Value) {
        let Some((id, name)) = message(json) else {
            self.world.complain(format!("not a message: {json}"));
            return;
        };
        if json["room"] != *World::room(self.room) {
            self.world.complain(format!("of another room: {json}"));
        }
        self.world.know_of(id);
        self.last = self.last.max(id);
        self.given.push(Delivered::Message { id, name });
    }

    fn take_reset(&mut self, reason: &str) {
        self.given.push(Delivered::Reset {
            head: self.world.head(),
            is_expired: reason == "expired",
        });
    }
}
