//! Readers of 64 rooms over one connection, compared with 64 readers of one room for each of them.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::http::{self, Connection};
use super::report::provenance::Provenance;
use super::report::scaling::room_sets::{self as report, RoomLayout, RoomSetsRun};
use super::rounds::{self, RoundSizes, Work};
use super::servers::{OwnServer, RunningServer};
use super::subscribers::Subscribers;
use super::usage::settled_pss_kib;

/// The most rooms that one reader may read.
const ROOMS: usize = 64;

/// The size of the measurement.
#[derive(Clone, Copy)]
pub struct RoomSetSizes {
    /// Readers of all rooms.
    pub readers: usize,
    pub rounds: usize,
    /// Messages to each room in a round.
    pub times: u64,
}

/// Measures each kind of readers on its own server.
pub fn run(
    binary: &Path,
    core: Option<usize>,
    amount: RoomSetSizes,
    about: Provenance,
) -> Result<RoomSetsRun> {
    let open = |kind| RoomSetSide::open(kind, binary, core, amount.readers);
    let mut sides = [
        open(RoomLayout::AllRooms)?,
        open(RoomLayout::OneRoom)?,
        open(RoomLayout::OneRoomOverHttp)?,
    ];
    let amounts = RoundSizes {
        rounds: amount.rounds,
        per_round: amount.times,
        per_slice: 1,
    };
    let rounds = rounds::run_alternating(&mut sides, amounts)?;
    let rounds = rounds.into_iter().filter_map(|round| {
        let side = sides.iter().find(|side| side.kind.name() == round.side)?;
        Some(report::RoomSetRound {
            kind: side.kind,
            round: round.round,
            deliveries: round.units,
            cpu_ns: round.cpu_ns,
        })
    });
    Ok(RoomSetsRun {
        about,
        rooms: ROOMS,
        readers: amount.readers,
        rounds: rounds.collect(),
        sides: sides.map(|side| side.memory).into(),
    })
}

struct RoomSetSide {
    kind: RoomLayout,
    server: RunningServer,
    publisher: Connection,
    subscribers: Subscribers,
    readers: usize,
    published: u64,
    memory: report::RoomSetMemory,
}

impl RoomSetSide {
    fn open(kind: RoomLayout, binary: &Path, core: Option<usize>, readers: usize) -> Result<Self> {
        let server = OwnServer {
            fast_path: kind != RoomLayout::OneRoomOverHttp,
            ..OwnServer::default()
        };
        let server = server.start(kind.name(), binary, core)?;
        let pids = server.process.pids();
        let address = server.address;
        let before_kib = settled_pss_kib(&pids)?;
        let subscribers = match kind {
            RoomLayout::AllRooms => {
                let rooms: Vec<String> =
                    (0..ROOMS).map(|room| format!("room=room{room}")).collect();
                let path = format!("/stream?{}&last=0", rooms.join("&"));
                Subscribers::open(address, &path, readers, false)
            }
            // Readers of the same room are next to each other.
            RoomLayout::OneRoom | RoomLayout::OneRoomOverHttp => {
                let path = |reader: usize| format!("/stream?room=room{}&last=0", reader / readers);
                Subscribers::open_each(address, path, ROOMS * readers, false)
            }
        };
        let mut side = Self {
            kind,
            publisher: Connection::open(address)?,
            subscribers: subscribers.with_context(|| format!("subscribe to {}", kind.name()))?,
            readers,
            published: 0,
            memory: report::RoomSetMemory {
                kind,
                before_kib,
                idle_kib: 0,
                used_kib: 0,
            },
            server,
        };
        side.memory.idle_kib = settled_pss_kib(&pids)?;
        side.deliver()?;
        side.memory.used_kib = settled_pss_kib(&pids)?;
        Ok(side)
    }

    /// Publishes one message to each room, one room at a time: the next room's turn comes once all readers of the room
    /// have received theirs.
    fn deliver(&mut self) -> Result<Work> {
        let mut work = Work::default();
        for room in 0..ROOMS {
            let tag = format!("m{:09}", self.published);
            self.published += 1;
            let body = format!(r#"{{"room":"room{room}","author":"mina","text":"{tag}"}}"#);
            let request = http::post("/messages", "application/json", body.as_bytes());
            self.publisher.send(&request)?;
            let awaited = match self.kind {
                RoomLayout::AllRooms => 0..self.readers,
                RoomLayout::OneRoom | RoomLayout::OneRoomOverHttp => {
                    room * self.readers..(room + 1) * self.readers
                }
            };
            work += self.subscribers.receive_within(awaited, tag.as_bytes())?;
            let answer = self.publisher.answer()?;
            ensure!(answer.status == 201, "publish: status {}", answer.status);
        }
        Ok(work)
    }
}

impl rounds::Contender for RoomSetSide {
    fn name(&self) -> &'static str {
        self.kind.name()
    }

    fn pids(&self) -> Vec<i32> {
        self.server.process.pids()
    }

    fn warm_up(&mut self) -> Result<()> {
        self.subscribers.drain()
    }

    fn work(&mut self, amount: u64) -> Result<Work> {
        rounds::repeat(amount, || self.deliver())
    }

    fn units_expected(&self, amount: u64) -> u64 {
        amount * (ROOMS * self.readers) as u64
    }
}
