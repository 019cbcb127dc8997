//! A reader on one of the transports, with one of four behaviours: steady, moving, slow, or stalling.

use std::{io, sync::Arc, sync::atomic::Ordering::Relaxed, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    http::Connection,
    record::{Delivery, ReaderRecord, Transport},
    rng::Rng,
    state::{END_TIMEOUT, Phase, SharedState, message},
};

/// A stream has a keep-alive every 15 s; that of a paused server comes some seconds later.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(20);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// The wait of a long-poll, in seconds.
const WAIT_S: u32 = 5;

/// How a reader chooses its server, and how fast it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReaderBehaviour {
    /// Always the same server.
    Steady,
    /// Changes to another server now and then.
    Moving,
    /// Reads more slowly than messages are published.
    Slow,
    /// Stops reading for some time, sometimes long enough for retention to overtake it.
    Stalling,
}

impl ReaderBehaviour {
    pub const ALL: [Self; 4] = [Self::Steady, Self::Moving, Self::Slow, Self::Stalling];
}

/// A reader, and the messages it has received.
pub struct Reader {
    state: Arc<SharedState>,
    transport: Transport,
    behaviour: ReaderBehaviour,
    room: usize,
    rng: Rng,
    server: usize,
    connection: Option<Connection>,
    cursor: String,
    last: u64,
    deliveries: Vec<Delivery>,
    stall_at: Instant,
    long_stall: Duration,
    /// Whether it sends its cursor in a header, as a browser does.
    uses_headers: bool,
    give_up_at: Option<Instant>,
}

impl Reader {
    /// A reader that starts at `cursor`, the beginning of its room.
    pub fn new(
        state: Arc<SharedState>,
        transport: Transport,
        behaviour: ReaderBehaviour,
        number: usize,
        (room, cursor): (usize, String),
        long_stall: Duration,
    ) -> Self {
        let mut rng = Rng::from_seed(state.seed, transport.as_str(), number);
        Self {
            server: number % state.fronts.len(),
            stall_at: Instant::now() + rng.ms(500..4000),
            uses_headers: rng.once_in(2),
            state,
            transport,
            behaviour,
            room,
            rng,
            connection: None,
            cursor,
            last: 0,
            deliveries: Vec::new(),
            long_stall,
            give_up_at: None,
        }
    }

    /// Reads until every published message has arrived, or until the time limit.
    pub async fn run(mut self) -> ReaderRecord {
        while !self.is_done() {
            let read = match self.transport {
                Transport::Stream => self.stream().await,
                _ => self.poll().await,
            };
            if read.is_err() {
                self.state.counters.broken_connections.fetch_add(1, Relaxed);
                self.connection = None;
                let pause = self.rng.ms(20..200);
                sleep(pause).await;
                self.change_server();
            }
        }
        ReaderRecord {
            transport: self.transport,
            room: self.room,
            deliveries: self.deliveries,
        }
    }

    fn is_done(&mut self) -> bool {
        if self.state.phase() < Phase::CatchingUp {
            return false;
        }
        let end = *self
            .give_up_at
            .get_or_insert_with(|| Instant::now() + END_TIMEOUT);
        self.last >= self.state.published().newest(self.room) || Instant::now() > end
    }

    /// Selects another server, except for a steady reader, and drops the connection.
    fn change_server(&mut self) {
        if self.behaviour != ReaderBehaviour::Steady && self.state.fronts.len() > 1 {
            self.server = self.rng.below(self.state.fronts.len());
            self.state.counters.moves.fetch_add(1, Relaxed);
        }
        self.connection = None;
    }

    /// Waits between two reads, according to the reader's behaviour.
    async fn pause_between_reads(&mut self) {
        if self.state.phase() > Phase::Publishing {
            return;
        }
        match self.behaviour {
            ReaderBehaviour::Slow => {
                self.state
                    .sleep_while_publishing(Duration::from_millis(60))
                    .await
            }
            ReaderBehaviour::Stalling if Instant::now() >= self.stall_at => {
                let time = match self.rng.once_in(3) {
                    true => self.long_stall,
                    false => self.rng.ms(500..3000),
                };
                self.state.counters.stalls.fetch_add(1, Relaxed);
                self.state.sleep_while_publishing(time).await;
                self.stall_at = Instant::now() + self.rng.ms(1000..6000);
            }
            _ => {}
        }
    }

    async fn connection(&mut self) -> io::Result<&mut Connection> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => Ok(none.insert(Connection::open(self.state.fronts[self.server]).await?)),
        }
    }

    async fn poll(&mut self) -> io::Result<()> {
        let room = SharedState::room(self.room);
        let limit = match self.behaviour {
            ReaderBehaviour::Slow => self.rng.within(1..8),
            _ => self.rng.within(1..200),
        };
        let mut target = format!("/poll?room={room}&cursor={}&limit={limit}", self.cursor);
        if self.transport == Transport::LongPoll {
            target += &format!("&wait={WAIT_S}");
        }
        let header = match self.uses_headers {
            true => format!("If-None-Match: \"{}\"\r\n", self.cursor),
            false => String::new(),
        };
        let request = format!("GET {target} HTTP/1.1\r\nHost: audit\r\n{header}\r\n");
        let answer = self
            .connection()
            .await?
            .request(&request, RESPONSE_TIMEOUT)
            .await?;
        if answer.is_last {
            self.connection = None;
        }
        let more = match answer.status {
            200 => self.take_page(&answer.body)?,
            304 => false,
            503 => {
                self.state.counters.unavailable.fetch_add(1, Relaxed);
                false
            }
            status => {
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                self.state
                    .report_problem(format!("a poll got {status}: {body}"));
                false
            }
        };
        self.pause_between_reads().await;
        if self.transport == Transport::Poll && !more || answer.status == 503 {
            let pause = self.rng.ms(50..250);
            sleep(pause).await;
        }
        if self.behaviour == ReaderBehaviour::Moving && self.rng.once_in(10) {
            self.change_server();
        }
        Ok(())
    }

    fn take_page(&mut self, body: &[u8]) -> io::Result<bool> {
        let page: Value = serde_json::from_slice(body)?;
        let (Some(messages), Some(cursor)) = (page["messages"].as_array(), page["cursor"].as_str())
        else {
            self.state
                .report_problem(format!("not a poll's answer: {page}"));
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
        let room = SharedState::room(self.room);
        let (query, header) = match self.uses_headers {
            true => ("", format!("Last-Event-ID: {}\r\n", self.cursor)),
            false => ("&cursor=", String::new()),
        };
        let cursor = if query.is_empty() { "" } else { &self.cursor };
        // HTTP/1.0, so that the answer has no chunks and its frames can be read directly.
        let request = format!(
            "GET /stream?room={room}{query}{cursor} HTTP/1.0\r\nHost: audit\r\n{header}\r\n"
        );
        self.connection = None;
        let status = self
            .connection()
            .await?
            .request_stream(&request, RESPONSE_TIMEOUT)
            .await?;
        if status != 200 {
            match status {
                503 => _ = self.state.counters.unavailable.fetch_add(1, Relaxed),
                _ => self.state.report_problem(format!("a stream got {status}")),
            }
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let mut last_frame_at = Instant::now();
        while !self.is_done() {
            // Shorter than the time-out, so that the reader notices the end of the run.
            let connection = self.connection().await?;
            match timeout(Duration::from_secs(1), connection.next_frame()).await {
                Ok(frame) => self.take_frame(&frame?)?,
                Err(_) if last_frame_at.elapsed() > SILENCE_TIMEOUT => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Err(_) => continue,
            }
            last_frame_at = Instant::now();
            self.pause_between_reads().await;
            if self.behaviour == ReaderBehaviour::Moving && self.rng.once_in(60) {
                self.change_server();
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
            self.state.report_problem(format!("not a frame: {frame:?}"));
        }
        Ok(())
    }

    fn take_message(&mut self, json: &Value) {
        let Some((id, name)) = message(json) else {
            self.state.report_problem(format!("not a message: {json}"));
            return;
        };
        if json["room"] != *SharedState::room(self.room) {
            self.state
                .report_problem(format!("a message of another room: {json}"));
        }
        self.state.record_known(id);
        self.last = self.last.max(id);
        self.deliveries.push(Delivery::Message { id, name });
    }

    fn take_reset(&mut self, reason: &str) {
        self.deliveries.push(Delivery::Reset {
            head: self.state.head(),
            is_expired: reason == "expired",
        });
    }
}
