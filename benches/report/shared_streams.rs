//! Streams that share a connection: the cost of a delivery and of an idle stream over HTTP/2 and TLS.

use serde::{Deserialize, Serialize};

use super::number::{count, target_verdict, three_digits};
use super::part::Part;
use super::provenance::Provenance;
use super::round::{self, Round};
use super::spread::{self, Spread};

pub const ORDINARY: &str = "HTTP/1.1, the ordinary way";
pub const ONE: &str = "HTTP/2 over TLS";
pub const EIGHT: &str = "HTTP/2 over TLS, eight to a connection";
pub const NCHAN: &str = "nchan, HTTP/2 over TLS";
pub const NCHAN_EIGHT: &str = "nchan, HTTP/2 over TLS, eight to a connection";

const SIDES: [&str; 5] = [ORDINARY, ONE, EIGHT, NCHAN, NCHAN_EIGHT];

/// The highest CPU of a delivery relative to HTTP/1.1 through actix-web.
const DELIVERY_TARGETS: [(&str, f64); 2] = [(ONE, 1.6), (EIGHT, 0.6)];
/// The most KiB for an idle stream.
const MEMORY_TARGETS: [(&str, f64); 2] = [(ONE, 34.0), (EIGHT, 6.5)];

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct SharedStreamsRun {
    pub about: Provenance,
    pub streams: usize,
    pub a_connection: usize,
    pub held: Vec<StreamMemory>,
    pub rounds: Vec<Round>,
}

/// The memory of a stream, from the growth of the server's proportional set size.
#[derive(Debug, Serialize, Deserialize)]
pub struct StreamMemory {
    pub side: String,
    pub bytes_each: f64,
}

impl SharedStreamsRun {
    fn held_kib(&self, side: &str) -> Option<f64> {
        let held = self.held.iter().find(|held| held.side == side)?;
        Some(held.bytes_each / 1024.0)
    }

    fn ratio(&self, side: &str) -> Option<Spread> {
        round::cpu_ratio(&self.rounds, side, ORDINARY)
    }

    fn targets(&self) -> String {
        let mut lines = Vec::new();
        for (side, target) in DELIVERY_TARGETS {
            let ratio = self.ratio(side);
            let outcome = target_verdict(ratio.is_some_and(|it| it.median <= target));
            lines.push(format!(
                "- a delivery, {side}: {} of the ordinary way's CPU, target at most {target}: {outcome}",
                spread::ratio(ratio)
            ));
        }
        for (side, target) in MEMORY_TARGETS {
            let Some(held) = self.held_kib(side) else {
                continue;
            };
            lines.push(format!(
                "- an idle stream, {side}: {} KiB, target at most {target} KiB: {}",
                three_digits(held),
                target_verdict(held <= target)
            ));
        }
        lines.join("\n")
    }
}

impl Part for SharedStreamsRun {
    const TITLE: &'static str = "Streams that share a connection";
    const FILE: &'static str = "forms-shared.json";
    const ROWS: &'static str = "rounds";

    fn about(&mut self) -> &mut Provenance {
        &mut self.about
    }

    fn report(&self) -> String {
        let mut text = format!(
            "{} streams use one server with one worker and a store in memory, with a connection each or {} to a \
             connection. The bench publishes the next message when all streams have the previous one. The figures \
             include publishing. The memory of a stream is the growth of the process's proportional set size.\n\n\
             | streams | CPU a delivery, µs | against the ordinary way | KiB each |\n|---|---|---|---|",
            count(self.streams as u64),
            self.a_connection,
        );
        for side in SIDES {
            let Some(cpu) = round::cpu_us(&self.rounds, side) else {
                continue;
            };
            text += &format!(
                "\n| {side} | {} | {} | {} |",
                three_digits(cpu.median),
                spread::ratio(self.ratio(side)),
                self.held_kib(side).map_or("–".to_owned(), three_digits),
            );
        }
        format!("{text}\n\nAgainst the targets:\n\n{}", self.targets())
    }
}
