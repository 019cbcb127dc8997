//! As many rooms as readers.

use serde::{Deserialize, Serialize};

use super::super::number::{count, target_verdict, three_digits};
use super::super::part::Part;
use super::super::provenance::Provenance;
use super::super::round::{self, Round};
use super::super::spread;

pub const FLOOR: &str = "bare loop";
pub const OURS: &str = "poll-vs-sse";

const TARGET: f64 = 1.5;

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct RoomPerReaderRun {
    pub about: Provenance,
    pub rooms: usize,
    /// The proportional set size of this project's server before the readers connected, and with them.
    pub before_kib: u64,
    pub held_kib: u64,
    pub rounds: Vec<Round>,
}

impl Part for RoomPerReaderRun {
    const TITLE: &'static str = "A room for each reader";
    const FILE: &'static str = "limits-rooms.json";
    const ROWS: &'static str = "rounds";

    fn about(&mut self) -> &mut Provenance {
        &mut self.about
    }

    fn report(&self) -> String {
        let each = |side| {
            round::cpu_us(&self.rounds, side).map_or("–".to_owned(), |it| three_digits(it.median))
        };
        let ratio = round::cpu_ratio(&self.rounds, OURS, FLOOR);
        let outcome = target_verdict(ratio.is_some_and(|it| it.median <= TARGET));
        format!(
            "{} rooms have one reader each, on a store in memory. The bench publishes a message to one room, waits \
             for its delivery, and goes on to the next room. The bare loop reads the same publish, sends the same \
             bytes to the reader that asked for that path, and answers.\n\n\
             | server | CPU a publish with its delivery, µs |\n|---|---|\n| {FLOOR} | {} |\n| {OURS} | {} |\n\n\
             A room with its reader takes {} KiB of the process's memory.\n\n\
             Against the target:\n\n- {} of the bare loop's CPU, target at most {TARGET}: {outcome}",
            count(self.rooms as u64),
            each(FLOOR),
            each(OURS),
            three_digits((self.held_kib as f64 - self.before_kib as f64) / self.rooms as f64),
            spread::ratio(ratio),
        )
    }
}
