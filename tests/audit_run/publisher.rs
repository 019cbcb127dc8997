//! A publisher: numbered messages, each sent until it is known what became of it.

use std::{sync::Arc, sync::atomic::Ordering::Relaxed, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    http::{Answer, Connection},
    record::Name,
    rng::Rng,
    world::{END_WITHIN, Phase, ROOMS, World, text},
};

const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// What a refusal says that leaves open whether the message is there (docs/api.md).
const NOT_CONFIRMED: &str = "did not confirm";
/// One publisher in so many takes a refusal for an answer, and does not send the message again.
const GIVES_UP_ONE_IN: usize = 3;

pub struct Publisher {
    world: Arc<World>,
    number: u32,
    rng: Rng,
    server: usize,
    connection: Option<Connection>,
    gives_up: bool,
    pace: Duration,
}

impl Publisher {
    pub fn new(world: Arc<World>, number: u32, pace: Duration) -> Self {
        let mut rng = Rng::of(world.seed, "publisher", number as usize);
        Self {
            server: rng.below(world.fronts.len()),
            world,
            number,
            rng,
            connection: None,
            gives_up: (number as usize).is_multiple_of(GIVES_UP_ONE_IN),
            pace,
        }
    }

    /// Publishes until that is over. The number of messages whose fate is unknown at the end.
    pub async fn run(mut self) -> u64 {
        for sequence in 0.. {
            if self.world.phase() > Phase::Publishing {
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

    /// Sends one message until its fate is known. False: it stayed unknown to the end.
    async fn publish(&mut self, room: usize, name: Name, length: usize) -> bool {
        let request = self.request(room, name, length);
        let mut give_up_at = None;
        // Whether it may have been appended by an attempt that was not answered.
        let mut in_doubt = false;
        loop {
            if self.world.phase() > Phase::Publishing {
                let end = *give_up_at.get_or_insert_with(|| Instant::now() + END_WITHIN);
                if Instant::now() > end {
                    return false;
                }
            }
            let asked = Instant::now();
            match self.ask(&request).await {
                Ok(answer) if matches!(answer.status, 200 | 201) => {
                    let message = self.acknowledged(room, name, &answer.body);
                    if answer.status == 201
                        && let Some((id, cursor)) = message
                    {
                        self.look(room, id, &cursor).await;
                    }
                    return true;
                }
                Ok(answer) if answer.status == 503 => {
                    self.world.tally.away.fetch_add(1, Relaxed);
                    let took_ms = asked.elapsed().as_millis() as u64;
                    let slowest = &self.world.tally.slowest_refusal_ms;
                    slowest.fetch_max(took_ms, Relaxed);
                    if String::from_utf8_lossy(&answer.body).contains(NOT_CONFIRMED) {
                        self.world.tally.unconfirmed.fetch_add(1, Relaxed);
                        in_doubt = true;
                    }
                    if self.gives_up && !in_doubt {
                        self.world.published().refuse(name);
                        return true;
                    }
                }
                Ok(answer) => {
                    let body = String::from_utf8_lossy(&answer.body).into_owned();
                    let status = answer.status;
                    self.world
                        .complain(format!("a publish got {status}: {body}"));
                    in_doubt = true;
                }
                Err(_) => {
                    self.world.tally.broken.fetch_add(1, Relaxed);
                    self.connection = None;
                    in_doubt = true;
                }
            }
            let pause = self.rng.ms(50..300);
            sleep(pause).await;
            self.server = self.rng.below(self.world.fronts.len());
            self.connection = None;
        }
    }

    async fn ask(&mut self, request: &str) -> std::io::Result<Answer> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(Connection::open(self.world.fronts[self.server]).await?),
        };
        let answer = connection.ask(request, ANSWER_WITHIN).await?;
        if answer.is_last {
            self.connection = None;
        }
        Ok(answer)
    }

    /// Books an acknowledged message; its id and cursor.
    fn acknowledged(&self, room: usize, name: Name, body: &[u8]) -> Option<(u64, String)> {
        let message: Value = serde_json::from_slice(body).unwrap_or_default();
        let (Some(id), Some(cursor)) = (message["id"].as_u64(), message["cursor"].as_str()) else {
            self.world
                .complain("an acknowledgement without an id".to_owned());
            return None;
        };
        self.world.know_of(id);
        self.world.published().acknowledge(room, id, name);
        Some((id, cursor.to_owned()))
    }

    /// Reads at the server that acknowledged a message: it is to be seen there from then on.
    async fn look(&mut self, room: usize, id: u64, cursor: &str) {
        let Some((log, _)) = cursor.rsplit_once('-') else {
            return self.world.complain(format!("no cursor: {cursor}"));
        };
        let is_after = self.rng.once_in(2);
        let start = match is_after {
            true => format!("cursor={log}-{}&limit=1", id - 1),
            false => "last=1".to_owned(),
        };
        let room = World::room(room);
        let request = format!("GET /poll?room={room}&{start} HTTP/1.1\r\nHost: audit\r\n\r\n");
        let answer = match self.ask(&request).await {
            Ok(answer) => answer,
            Err(_) => {
                self.world.tally.broken.fetch_add(1, Relaxed);
                self.connection = None;
                return;
            }
        };
        let page: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        // Where the store went away or retention came first, nothing can be said.
        if answer.status != 200 || !page["reset"].is_null() {
            return;
        }
        self.world.tally.looks.fetch_add(1, Relaxed);
        let found = page["messages"][0]["id"].as_u64();
        let is_seen = match is_after {
            true => found == Some(id),
            // By now there may be another.
            false => found >= Some(id),
        };
        if !is_seen {
            self.world.tally.unseen.fetch_add(1, Relaxed);
        }
    }

    fn request(&self, room: usize, name: Name, length: usize) -> String {
        let body = json!({
            "room": World::room(room),
            "author": format!("publisher {}", self.number),
            "text": text(name, length),
        })
        .to_string();
        format!(
            "POST /messages HTTP/1.1\r\nHost: audit\r\nContent-Type: application/json\r\n\
             Idempotency-Key: {:x}-{}-{}\r\nContent-Length: {}\r\n\r\n{body}",
            self.world.seed,
            name.0,
            name.1,
            body.len()
        )
    }
}
