//! A publisher: numbered messages, each sent until it is known whether it was appended.

use std::{sync::Arc, sync::atomic::Ordering::Relaxed, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    http::{Answer, Connection},
    record::MessageName,
    rng::Rng,
    state::{END_TIMEOUT, Phase, ROOMS, SharedState, text},
};

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// The text in a refusal after which the message may or may not be in the log (docs/api.md).
const NOT_CONFIRMED: &str = "did not confirm";
/// One in this many publishers does not send a message again after a refusal.
const GIVES_UP_ONE_IN: usize = 3;

/// A publisher with its connection.
pub struct Publisher {
    state: Arc<SharedState>,
    number: u32,
    rng: Rng,
    server: usize,
    connection: Option<Connection>,
    gives_up: bool,
    pace: Duration,
}

impl Publisher {
    pub fn new(state: Arc<SharedState>, number: u32, pace: Duration) -> Self {
        let mut rng = Rng::from_seed(state.seed, "publisher", number as usize);
        Self {
            server: rng.below(state.fronts.len()),
            state,
            number,
            rng,
            connection: None,
            gives_up: (number as usize).is_multiple_of(GIVES_UP_ONE_IN),
            pace,
        }
    }

    /// Publishes until the end of publishing. Returns the number of messages whose outcome is unknown at the end.
    pub async fn run(mut self) -> u64 {
        for sequence in 0.. {
            if self.state.phase() > Phase::Publishing {
                break;
            }
            let room = self.rng.below(ROOMS);
            let length = self.rng.within(10..1200);
            if !self.publish(room, (self.number, sequence), length).await {
                return 1;
            }
            sleep(self.pace.mul_f64(0.5 + self.rng.below(100) as f64 / 100.0)).await;
        }
        0
    }

    /// Sends one message until its outcome is known. Returns false if it is still unknown at the end.
    async fn publish(&mut self, room: usize, name: MessageName, length: usize) -> bool {
        let request = self.publish_request(room, name, length);
        let mut give_up_at = None;
        // Whether an attempt without an answer may have appended it.
        let mut in_doubt = false;
        loop {
            if self.state.phase() > Phase::Publishing {
                let end = *give_up_at.get_or_insert_with(|| Instant::now() + END_TIMEOUT);
                if Instant::now() > end {
                    return false;
                }
            }
            let asked = Instant::now();
            match self.request(&request).await {
                Ok(answer) if matches!(answer.status, 200 | 201) => {
                    let message = self.record_acknowledged(room, name, &answer.body);
                    if answer.status == 201
                        && let Some((id, cursor)) = message
                    {
                        self.check_visible(room, id, &cursor).await;
                    }
                    return true;
                }
                Ok(answer) if answer.status == 503 => {
                    self.state.counters.unavailable.fetch_add(1, Relaxed);
                    let took_ms = asked.elapsed().as_millis() as u64;
                    let slowest = &self.state.counters.slowest_refusal_ms;
                    slowest.fetch_max(took_ms, Relaxed);
                    if String::from_utf8_lossy(&answer.body).contains(NOT_CONFIRMED) {
                        self.state.counters.unconfirmed.fetch_add(1, Relaxed);
                        in_doubt = true;
                    }
                    if self.gives_up && !in_doubt {
                        self.state.published().refuse(name);
                        return true;
                    }
                }
                Ok(answer) => {
                    let body = String::from_utf8_lossy(&answer.body).into_owned();
                    let status = answer.status;
                    self.state
                        .report_problem(format!("a publish got {status}: {body}"));
                    in_doubt = true;
                }
                Err(_) => {
                    self.state.counters.broken_connections.fetch_add(1, Relaxed);
                    self.connection = None;
                    in_doubt = true;
                }
            }
            let pause = self.rng.ms(50..300);
            sleep(pause).await;
            self.server = self.rng.below(self.state.fronts.len());
            self.connection = None;
        }
    }

    async fn request(&mut self, request: &str) -> std::io::Result<Answer> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(Connection::open(self.state.fronts[self.server]).await?),
        };
        let answer = connection.request(request, RESPONSE_TIMEOUT).await?;
        if answer.is_last {
            self.connection = None;
        }
        Ok(answer)
    }

    /// Records an acknowledged message, and returns its id and cursor.
    fn record_acknowledged(
        &self,
        room: usize,
        name: MessageName,
        body: &[u8],
    ) -> Option<(u64, String)> {
        let message: Value = serde_json::from_slice(body).unwrap_or_default();
        let (Some(id), Some(cursor)) = (message["id"].as_u64(), message["cursor"].as_str()) else {
            self.state
                .report_problem("an acknowledgement without an id".to_owned());
            return None;
        };
        self.state.record_known(id);
        self.state.published().acknowledge(room, id, name);
        Some((id, cursor.to_owned()))
    }

    /// Reads from the server that acknowledged a message, at which it must be visible from then on.
    async fn check_visible(&mut self, room: usize, id: u64, cursor: &str) {
        let Some((log, _)) = cursor.rsplit_once('-') else {
            return self.state.report_problem(format!("no cursor: {cursor}"));
        };
        let is_after = self.rng.once_in(2);
        let start = match is_after {
            true => format!("cursor={log}-{}&limit=1", id - 1),
            false => "last=1".to_owned(),
        };
        let room = SharedState::room(room);
        let request = format!("GET /poll?room={room}&{start} HTTP/1.1\r\nHost: audit\r\n\r\n");
        let answer = match self.request(&request).await {
            Ok(answer) => answer,
            Err(_) => {
                self.state.counters.broken_connections.fetch_add(1, Relaxed);
                self.connection = None;
                return;
            }
        };
        let page: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        // If the store became unavailable or retention came first, the read proves nothing.
        if answer.status != 200 || !page["reset"].is_null() {
            return;
        }
        self.state.counters.visibility_checks.fetch_add(1, Relaxed);
        let found = page["messages"][0]["id"].as_u64();
        let is_seen = match is_after {
            true => found == Some(id),
            // There may be newer messages by now.
            false => found >= Some(id),
        };
        if !is_seen {
            self.state.counters.unseen.fetch_add(1, Relaxed);
        }
    }

    fn publish_request(&self, room: usize, name: MessageName, length: usize) -> String {
        let body = json!({
            "room": SharedState::room(room),
            "author": format!("publisher {}", self.number),
            "text": text(name, length),
        })
        .to_string();
        format!(
            "POST /messages HTTP/1.1\r\nHost: audit\r\nContent-Type: application/json\r\n\
             Idempotency-Key: {:x}-{}-{}\r\nContent-Length: {}\r\n\r\n{body}",
            self.state.seed,
            name.0,
            name.1,
            body.len()
        )
    }
}
