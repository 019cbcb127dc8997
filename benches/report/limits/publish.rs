//! Publishing that waits for the disk.

use serde::{Deserialize, Serialize};

pub use super::delivery::DelayQuantiles;

use super::super::number::{count, target_verdict, three_digits};
use super::super::part::Part;
use super::super::provenance::Provenance;
use super::super::round::{self, Round};
use super::super::spread;

pub const FLOOR: &str = "bare append and fdatasync";
pub const OURS: &str = "poll-vs-sse on SQLite";

const TARGET: f64 = 1.25;

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct DurablePublishRun {
    pub about: Provenance,
    pub rows: Vec<PublishMeasurement>,
}

/// The measurement with one number of publishers, each of which always has one message in flight.
#[derive(Debug, Serialize, Deserialize)]
pub struct PublishMeasurement {
    pub publishers: usize,
    pub messages_a_round: u64,
    /// From a publish to its answer, over all rounds.
    pub delays: Vec<DelayQuantiles>,
    pub rounds: Vec<Round>,
}

impl Part for DurablePublishRun {
    const TITLE: &'static str = "Durable publishing";
    const FILE: &'static str = "limits-publish.json";
    const ROWS: &'static str = "rows";

    fn about(&mut self) -> &mut Provenance {
        &mut self.about
    }

    fn report(&self) -> String {
        report(self)
    }
}

fn report(run: &DurablePublishRun) -> String {
    let mut text = "Each publisher sends its next message when its previous one was answered. The bare loop appends \
                    all bodies that are waiting with one `write` and one `fdatasync`, and answers. The server \
                    commits all messages that are waiting in one transaction, with `synchronous=FULL`. How many wait \
                    at a time depends on each side's speed.\n\n\
                    | publishers | messages a second | bare loop | time against the bare loop | CPU against it | delay, p50 / p99 | bare loop's |\n\
                    |---|---|---|---|---|---|---|"
        .to_owned();
    let mut targets = String::from("\n\nAgainst the target:\n");
    for row in &run.rows {
        let per_second =
            |side| round::per_second(&row.rounds, side).map_or("–".to_owned(), three_digits);
        let delays = |side: &str| {
            let delays = row.delays.iter().find(|delays| delays.side == side);
            delays.map_or("–".to_owned(), DelayQuantiles::cell)
        };
        let ratio = round::wall_ratio(&row.rounds, OURS, FLOOR);
        text += &format!(
            "\n| {} | {} | {} | {} | {} | {} | {} |",
            count(row.publishers as u64),
            per_second(OURS),
            per_second(FLOOR),
            spread::ratio(ratio),
            spread::ratio(round::cpu_ratio(&row.rounds, OURS, FLOOR)),
            delays(OURS),
            delays(FLOOR),
        );
        if let Some(ratio) = ratio {
            let outcome = target_verdict(ratio.median <= TARGET);
            targets += &format!(
                "\n- {} publishers: {:.2} of the bare loop's time, target at most {TARGET}: {outcome}",
                count(row.publishers as u64),
                ratio.median
            );
        }
    }
    text + &targets
}
