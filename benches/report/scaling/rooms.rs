//! Ten thousand rooms, compared with one.

use serde::{Deserialize, Serialize};

use super::super::number::{count, three_digits};
use super::super::part::Part;
use super::super::provenance::Provenance;
use super::super::spread::{self, Spread, spread};

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct RoomsRun {
    pub about: Provenance,
    pub readers: usize,
    pub sides: Vec<RoomsMemory>,
    pub rounds: Vec<RoomsRound>,
}

/// The server's memory with the readers spread over `rooms` rooms.
#[derive(Debug, Serialize, Deserialize)]
pub struct RoomsMemory {
    pub rooms: usize,
    /// The server's memory (proportional set size) before the readers connected, with them, and after each room has
    /// had a message.
    pub before_kib: u64,
    pub idle_kib: u64,
    pub used_kib: u64,
}

/// Messages published to the readers' rooms in turn, each after the one before was delivered.
#[derive(Debug, Serialize, Deserialize)]
pub struct RoomsRound {
    pub rooms: usize,
    pub round: usize,
    pub deliveries: u64,
    pub cpu_ns: u64,
}

impl RoomsRound {
    fn each_us(&self) -> f64 {
        self.cpu_ns as f64 / 1000.0 / self.deliveries as f64
    }
}

impl RoomsRun {
    fn each_us(&self, rooms: usize) -> Option<Spread> {
        let rounds = self.rounds.iter().filter(|round| round.rooms == rooms);
        spread(rounds.map(RoomsRound::each_us))
    }

    /// CPU per delivery relative to that with the fewest rooms, round by round.
    fn ratio(&self, rooms: usize) -> Option<Spread> {
        let fewest = self.sides.iter().map(|side| side.rooms).min()?;
        let rounds = self.rounds.iter().filter(|round| round.rooms == rooms);
        spread(rounds.filter_map(|round| {
            let mut bases = self.rounds.iter().filter(|base| base.rooms == fewest);
            let base = bases.find(|base| base.round == round.round)?;
            Some(round.each_us() / base.each_us())
        }))
    }
}

impl Part for RoomsRun {
    const TITLE: &'static str = "Rooms";
    const FILE: &'static str = "growth-rooms.json";
    const ROWS: &'static str = "rounds";

    fn about(&mut self) -> &mut Provenance {
        &mut self.about
    }

    fn report(&self) -> String {
        report(self)
    }
}

fn report(run: &RoomsRun) -> String {
    let mut text = format!(
        "{} streams on a memory store are either all in one room or each in its own room. This is a closed loop: the \
         bench publishes a message when the readers of its room have the previous one. The figures include \
         publishing. In one room, all readers share the cost of a publish; with a room each, every delivery has a \
         publish of its own.\n\n\
         | rooms | CPU a delivery, µs | against one room | memory a reader, idle | after a message |\n\
         |---|---|---|---|---|",
        count(run.readers as u64)
    );
    for side in &run.sides {
        let kib = |kib: u64| (kib as f64 - side.before_kib as f64) / run.readers as f64;
        let each = run
            .each_us(side.rooms)
            .map_or("–".to_owned(), |each| three_digits(each.median));
        let ratio = spread::ratio(run.ratio(side.rooms));
        text += &format!(
            "\n| {} | {each} | {ratio} | {} KiB | {} KiB |",
            count(side.rooms as u64),
            three_digits(kib(side.idle_kib)),
            three_digits(kib(side.used_kib)),
        );
    }
    text
}
