//! As many readers in one room, and each in a room of its own.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::figures::about::About;
use super::figures::growth::rooms::{self as figures, Rooms};
use super::http::{self, Connection};
use super::rounds::{self, Amounts, Work};
use super::subject::{Ours, Subject};
use super::subscribers::Subscribers;
use super::usage::settled_pss_kib;

/// How much of it.
#[derive(Clone, Copy)]
pub struct Amount {
    pub readers: usize,
    pub rounds: usize,
    /// Deliveries of each side in a round: a message to all, or one to each.
    pub times: u64,
}

/// Measures both on servers of their own.
pub fn run(binary: &Path, core: Option<usize>, amount: Amount, about: About) -> Result<Rooms> {
    let mut sides = [
        Side::open("one room", 1, binary, core, amount)?,
        Side::open("a room each", amount.readers, binary, core, amount)?,
    ];
    let amounts = Amounts {
        rounds: amount.rounds,
        a_round: amount.times,
        a_slice: 1,
    };
    let rounds = rounds::alternate(&mut sides, amounts)?;
    let rounds = rounds.into_iter().map(|round| figures::Round {
        rooms: sides
            .iter()
            .find(|side| side.name == round.side)
            .map_or(0, |side| side.rooms),
        round: round.round,
        deliveries: round.units,
        cpu_ns: round.cpu_ns,
    });
    let rounds = rounds.collect();
    let sides = sides.into_iter().map(Side::memory);
    Ok(Rooms {
        about,
        readers: amount.readers,
        sides: sides.collect::<Result<_>>()?,
        rounds,
    })
}

struct Side {
    name: &'static str,
    rooms: usize,
    server: Subject,
    publisher: Connection,
    readers: Subscribers,
    published: u64,
    before_kib: u64,
    idle_kib: u64,
}

impl Side {
    fn open(
        name: &'static str,
        rooms: usize,
        binary: &Path,
        core: Option<usize>,
        amount: Amount,
    ) -> Result<Self> {
        let server = Ours::default().start(name, binary, core)?;
        let pids = server.process.pids();
        let before_kib = settled_pss_kib(&pids)?;
        let path = |reader: usize| format!("/stream?room=room{}&last=0", reader % rooms);
        let readers = Subscribers::open_each(server.address, path, amount.readers, false)
            .with_context(|| format!("subscribe to {name}"))?;
        Ok(Self {
            name,
            rooms,
            publisher: Connection::open(server.address)?,
            idle_kib: settled_pss_kib(&pids)?,
            before_kib,
            readers,
            published: 0,
            server,
        })
    }

    /// Publishes one message to each room, one room after the other; each has to arrive first.
    fn deliver(&mut self) -> Result<Work> {
        let mut work = Work::default();
        for room in 0..self.rooms {
            let tag = format!("m{:09}", self.published);
            self.published += 1;
            let body = format!(r#"{{"room":"room{room}","author":"mina","text":"{tag}"}}"#);
            let request = http::post("/messages", "application/json", body.as_bytes());
            self.publisher.send(&request)?;
            // With one room they are all in it; with more, one is in each.
            let awaited = match self.rooms {
                1 => 0..self.readers.len(),
                _ => room..room + 1,
            };
            let received = self.readers.receive_within(awaited, tag.as_bytes())?;
            let answer = self.publisher.answer()?;
            ensure!(answer.status == 201, "publish: status {}", answer.status);
            work.units += received.deliveries;
            work.wire_bytes += received.wire_bytes;
        }
        Ok(work)
    }

    fn memory(self) -> Result<figures::Side> {
        Ok(figures::Side {
            rooms: self.rooms,
            before_kib: self.before_kib,
            idle_kib: self.idle_kib,
            used_kib: settled_pss_kib(&self.server.process.pids())?,
        })
    }
}

impl rounds::Side for Side {
    fn name(&self) -> &'static str {
        self.name
    }

    fn pids(&self) -> Vec<i32> {
        self.server.process.pids()
    }

    fn warm_up(&mut self) -> Result<()> {
        self.readers.settle()
    }

    fn work(&mut self, amount: u64) -> Result<Work> {
        let mut work = Work::default();
        for _ in 0..amount {
            let part = self.deliver()?;
            work.units += part.units;
            work.wire_bytes += part.wire_bytes;
        }
        Ok(work)
    }

    fn units_expected(&self, amount: u64) -> u64 {
        amount * self.readers.len() as u64
    }
}
