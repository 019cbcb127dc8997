//! The same number of readers, all in one room or each in a separate room.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, Result, ensure};

use super::http::{self, Connection};
use super::report::provenance::Provenance;
use super::report::scaling::rooms::{self as report, RoomsRun};
use super::rounds::{self, RoundSizes, Work};
use super::servers::{OwnServer, RunningServer};
use super::subscribers::Subscribers;
use super::usage::settled_pss_kib;

/// The size of the measurement.
#[derive(Clone, Copy)]
pub struct RoomsSizes {
    pub readers: usize,
    pub rounds: usize,
    /// Messages that each reader gets in a round.
    pub times: u64,
}

/// Measures both layouts, each on its own server. Readers are connected to only one server at a time, because readers
/// of both would need more descriptors than a process usually may have.
pub fn run(
    binary: &Path,
    core: Option<usize>,
    amount: RoomsSizes,
    about: Provenance,
) -> Result<RoomsRun> {
    let turn = ActiveReaders::default();
    let open = |name, rooms| RoomsSide::open(name, rooms, binary, core, amount.readers, &turn);
    let mut sides = [open("one room", 1)?, open("a room each", amount.readers)?];
    let amounts = RoundSizes {
        rounds: amount.rounds,
        per_round: amount.times,
        per_slice: amount.times,
    };
    let rounds = rounds::run_alternating(&mut sides, amounts)?;
    let rounds = rounds.into_iter().map(|round| report::RoomsRound {
        rooms: sides
            .iter()
            .find(|side| side.name == round.side)
            .map_or(0, |side| side.memory.rooms),
        round: round.round,
        deliveries: round.units,
        cpu_ns: round.cpu_ns,
    });
    Ok(RoomsRun {
        about,
        readers: amount.readers,
        rounds: rounds.collect(),
        sides: sides.map(|side| side.memory).into(),
    })
}

/// The readers of the side that runs, with its name.
type ActiveReaders = Rc<RefCell<Option<(&'static str, Subscribers)>>>;

struct RoomsSide {
    name: &'static str,
    server: RunningServer,
    publisher: Connection,
    readers: usize,
    turn: ActiveReaders,
    published: u64,
    memory: report::RoomsMemory,
}

impl RoomsSide {
    fn open(
        name: &'static str,
        rooms: usize,
        binary: &Path,
        core: Option<usize>,
        readers: usize,
        turn: &ActiveReaders,
    ) -> Result<Self> {
        let server = OwnServer::default().start(name, binary, core)?;
        let pids = server.process.pids();
        let mut side = Self {
            name,
            publisher: Connection::open(server.address)?,
            readers,
            turn: turn.clone(),
            published: 0,
            memory: report::RoomsMemory {
                rooms,
                before_kib: settled_pss_kib(&pids)?,
                idle_kib: 0,
                used_kib: 0,
            },
            server,
        };
        side.connect_readers()?;
        side.memory.idle_kib = settled_pss_kib(&pids)?;
        side.deliver()?;
        side.memory.used_kib = settled_pss_kib(&pids)?;
        Ok(side)
    }

    /// Connects the readers, after disconnecting those of the other side.
    fn connect_readers(&mut self) -> Result<()> {
        let mut turn = self.turn.borrow_mut();
        match &mut *turn {
            Some((name, readers)) if *name == self.name => readers.drain(),
            other => {
                drop(other.take());
                let rooms = self.memory.rooms;
                let path = |reader: usize| format!("/stream?room=room{}&last=0", reader % rooms);
                let address = self.server.address;
                let readers = Subscribers::open_each(address, path, self.readers, false)
                    .with_context(|| format!("subscribe to {}", self.name))?;
                *other = Some((self.name, readers));
                Ok(())
            }
        }
    }

    /// Publishes one message to each room, each after the one before has arrived.
    fn deliver(&mut self) -> Result<Work> {
        let rooms = self.memory.rooms;
        let mut turn = self.turn.borrow_mut();
        let (_, readers) = turn.as_mut().context("a turn")?;
        let mut work = Work::default();
        for room in 0..rooms {
            let tag = format!("m{:09}", self.published);
            self.published += 1;
            let body = format!(r#"{{"room":"room{room}","author":"mina","text":"{tag}"}}"#);
            let request = http::post("/messages", "application/json", body.as_bytes());
            self.publisher.send(&request)?;
            // One room has all readers; otherwise each room has one.
            let awaited = match rooms {
                1 => 0..readers.len(),
                _ => room..room + 1,
            };
            work += readers.receive_within(awaited, tag.as_bytes())?;
            let answer = self.publisher.answer()?;
            ensure!(answer.status == 201, "publish: status {}", answer.status);
        }
        Ok(work)
    }
}

impl rounds::Contender for RoomsSide {
    fn name(&self) -> &'static str {
        self.name
    }

    fn pids(&self) -> Vec<i32> {
        self.server.process.pids()
    }

    fn warm_up(&mut self) -> Result<()> {
        self.connect_readers()
    }

    fn work(&mut self, amount: u64) -> Result<Work> {
        rounds::repeat(amount, || self.deliver())
    }

    fn units_expected(&self, amount: u64) -> u64 {
        amount * self.readers as u64
    }
}
