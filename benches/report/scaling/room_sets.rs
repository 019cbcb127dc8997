//! Readers of many rooms over one connection, compared with a connection for each room.

use serde::{Deserialize, Serialize};

use super::super::number::three_digits;
use super::super::part::Part;
use super::super::provenance::Provenance;
use super::super::spread::{self, Spread, spread};

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct RoomSetsRun {
    pub about: Provenance,
    pub rooms: usize,
    /// Readers of each room. Each reads all rooms, or only that one.
    pub readers: usize,
    pub sides: Vec<RoomSetMemory>,
    pub rounds: Vec<RoomSetRound>,
}

/// How the rooms are spread over connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoomLayout {
    /// All rooms over one connection.
    AllRooms,
    /// Each room over a separate connection.
    OneRoom,
    /// The same without the accelerator, which does not serve readers of several rooms.
    OneRoomOverHttp,
}

/// The server's memory with the readers of one layout.
#[derive(Debug, Serialize, Deserialize)]
pub struct RoomSetMemory {
    pub kind: RoomLayout,
    /// The server's memory (proportional set size) before the readers connected, with them, and after each room has
    /// had a message.
    pub before_kib: u64,
    pub idle_kib: u64,
    pub used_kib: u64,
}

/// Messages published to the rooms in turn, each after the one before was delivered.
#[derive(Debug, Serialize, Deserialize)]
pub struct RoomSetRound {
    pub kind: RoomLayout,
    pub round: usize,
    pub deliveries: u64,
    pub cpu_ns: u64,
}

impl RoomLayout {
    pub fn name(self) -> &'static str {
        match self {
            Self::AllRooms => "all rooms on one connection",
            Self::OneRoom => "a connection each",
            Self::OneRoomOverHttp => "a connection each, without the accelerator",
        }
    }
}

impl RoomSetRound {
    fn each_us(&self) -> f64 {
        self.cpu_ns as f64 / 1000.0 / self.deliveries as f64
    }
}

impl RoomSetsRun {
    fn each_us(&self, kind: RoomLayout) -> Option<Spread> {
        let rounds = self.rounds.iter().filter(|round| round.kind == kind);
        spread(rounds.map(RoomSetRound::each_us))
    }

    /// CPU per delivery relative to that with a connection for each room, round by round.
    fn ratio(&self, kind: RoomLayout) -> Option<Spread> {
        let rounds = self.rounds.iter().filter(|round| round.kind == kind);
        spread(rounds.filter_map(|round| {
            let mut bases = self.rounds.iter();
            let is_base = |base: &&RoomSetRound| {
                base.kind == RoomLayout::OneRoom && base.round == round.round
            };
            Some(round.each_us() / bases.find(is_base)?.each_us())
        }))
    }
}

impl Part for RoomSetsRun {
    const TITLE: &'static str = "Several rooms on one connection";
    const FILE: &'static str = "growth-room-sets.json";
    const ROWS: &'static str = "rounds";

    fn about(&mut self) -> &mut Provenance {
        &mut self.about
    }

    fn report(&self) -> String {
        report(self)
    }
}

fn report(run: &RoomSetsRun) -> String {
    let mut text = format!(
        "{} rooms on a memory store each have {} readers by stream. This is a closed loop: the bench publishes a \
         message when the readers of its room have the previous one. The figures include publishing.\n\n\
         | read over | CPU a delivery, µs | against a connection each | memory for all rooms of one reader, idle | \
         after a message to each |\n|---|---|---|---|---|",
        run.rooms, run.readers
    );
    for side in &run.sides {
        let kib = |kib: u64| (kib as f64 - side.before_kib as f64) / run.readers as f64;
        let each = run.each_us(side.kind);
        let ratio = run.ratio(side.kind);
        text += &format!(
            "\n| {} | {} | {} | {} KiB | {} KiB |",
            side.kind.name(),
            each.map_or("–".to_owned(), |each| three_digits(each.median)),
            spread::ratio(ratio),
            three_digits(kib(side.idle_kib)),
            three_digits(kib(side.used_kib)),
        );
    }
    text
}
