//! Catching up with a long log.

use serde::{Deserialize, Serialize};

use super::super::number::{count, target_verdict, three_digits};
use super::super::part::Part;
use super::super::provenance::Provenance;
use super::super::round::{self, Round};
use super::super::spread;

pub const FLOOR: &str = "bare program";
pub const OURS: &str = "poll-vs-sse";
/// The NATS server that this project's server reads from. Its rounds have the same messages and bytes as that server's.
pub const NATS: &str = "its NATS server";

/// The highest CPU relative to the bare program's.
const TARGET: f64 = 1.4;

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct CatchUpRun {
    pub about: Provenance,
    /// The version of NATS; `None` if JetStream was not measured.
    pub nats: Option<String>,
    pub logs: Vec<CatchUpLog>,
}

/// The store of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CatchUpStore {
    Sqlite,
    JetStream,
}

impl CatchUpStore {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::JetStream => "JetStream",
        }
    }
}

/// A log that was read from its first message to its last.
#[derive(Debug, Serialize, Deserialize)]
pub struct CatchUpLog {
    pub store: CatchUpStore,
    pub messages: u64,
    pub rounds: Vec<Round>,
}

impl Part for CatchUpRun {
    const TITLE: &'static str = "Catching up";
    const FILE: &'static str = "limits-catch-up.json";
    const ROWS: &'static str = "logs";

    fn about(&mut self) -> &mut Provenance {
        &mut self.about
    }

    fn report(&self) -> String {
        format!("{}\n\n{}", table(self), targets(self))
    }
}

fn table(run: &CatchUpRun) -> String {
    let mut text = "One reader reads a whole log over one `GET /stream`, from the first message to the last, and \
                    checks that no id is missing. The bare program sends the same stream to the same reader in \
                    blocks of 64 KiB with `send(2)`, and does nothing else. The two take turns; between two turns, \
                    the reader of the other waits with a full socket.\n\n\
                    | log | messages | process | MB a second | messages a second | CPU a message, µs | against the bare program |\n\
                    |---|---|---|---|---|---|---|"
        .to_owned();
    for log in &run.logs {
        for side in round::sides(&log.rounds) {
            let rate = |of: Option<f64>| match side {
                NATS => "–".to_owned(),
                _ => of.map_or("–".to_owned(), three_digits),
            };
            text += &format!(
                "\n| {} | {} | {side} | {} | {} | {} | {} |",
                log.store.name(),
                count(log.messages),
                rate(round::bytes_per_second(&log.rounds, side).map(|bytes| bytes / 1e6)),
                rate(round::per_second(&log.rounds, side)),
                round::cpu_us(&log.rounds, side)
                    .map_or("–".to_owned(), |it| three_digits(it.median)),
                spread::ratio(round::cpu_ratio(&log.rounds, side, FLOOR)),
            );
        }
    }
    if run.nats.is_none() {
        text += "\n\nJetStream was not measured: nats-server was not installed.";
    }
    text
}

fn targets(run: &CatchUpRun) -> String {
    let mut lines = vec!["Against the target:\n".to_owned()];
    for log in &run.logs {
        let Some(ours) = round::cpu_ratio(&log.rounds, OURS, FLOOR) else {
            continue;
        };
        let together = round::counted_to(&log.rounds, NATS, OURS);
        let together = round::cpu_ratio(&together, OURS, FLOOR);
        let nats = together.filter(|_| log.store == CatchUpStore::JetStream);
        let nats = nats.map_or(String::new(), |it| {
            format!(", {} together with NATS", it.ratio())
        });
        lines.push(format!(
            "- from {}: {} of the bare program's CPU{nats}, target at most {TARGET}: {}",
            log.store.name(),
            ours.ratio(),
            target_verdict(ours.median <= TARGET)
        ));
    }
    lines.join("\n")
}
