//! Publishing to JetStream, compared with NATS's own client.

use serde::{Deserialize, Serialize};

pub use super::publish::{DelayQuantiles, PublishMeasurement};

use super::super::number::{count, three_digits};
use super::super::part::Part;
use super::super::provenance::Provenance;
use super::super::round;
use super::super::spread;

pub const CLIENT: &str = "NATS's own client";
pub const OURS: &str = "poll-vs-sse on NATS";
/// The NATS servers of both sides. Their rounds have the messages and the time of the side that publishes to them.
pub const CLIENT_NATS: &str = "the client's NATS server";
pub const OUR_NATS: &str = "poll-vs-sse's NATS server";

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct NatsPublishRun {
    pub about: Provenance,
    /// The version of NATS.
    pub nats: String,
    pub rows: Vec<PublishMeasurement>,
}

impl Part for NatsPublishRun {
    const TITLE: &'static str = "Publishing to NATS";
    const FILE: &'static str = "limits-nats-publish.json";
    const ROWS: &'static str = "rows";

    fn about(&mut self) -> &mut Provenance {
        &mut self.about
    }

    fn report(&self) -> String {
        report(self)
    }
}

fn report(run: &NatsPublishRun) -> String {
    let mut text = format!(
        "Each publisher sends its next message when JetStream has acknowledged its previous one. *NATS's own client* \
         is async-nats in its own process, with one thread. It publishes messages of the same format, with ids for \
         deduplication, to a stream with the same settings. poll-vs-sse takes messages over HTTP, and answers when \
         it has read the message back from the stream, as its readers do. Each side has its own {}. Everything \
         except the publishers over HTTP shares one core.\n\n\
         | publishers | side | messages a second | time against the client | CPU a message, µs | of its NATS server | \
         both against the client's both | delay, p50 / p99 |\n\
         |---|---|---|---|---|---|---|---|",
        run.nats
    );
    let mut lines = String::from(
        "\n\nThere is no fixed target; these are the ratios to the client's figures:\n",
    );
    for row in &run.rows {
        let together = round::counted_to(&row.rounds, CLIENT_NATS, CLIENT);
        let together = round::counted_to(&together, OUR_NATS, OURS);
        for (side, nats) in [(CLIENT, CLIENT_NATS), (OURS, OUR_NATS)] {
            let cpu = |side| {
                round::cpu_us(&row.rounds, side)
                    .map_or("–".to_owned(), |it| three_digits(it.median))
            };
            let delays = row.delays.iter().find(|delays| delays.side == side);
            text += &format!(
                "\n| {} | {side} | {} | {} | {} | {} | {} | {} |",
                count(row.publishers as u64),
                round::per_second(&row.rounds, side).map_or("–".to_owned(), three_digits),
                spread::ratio(round::wall_ratio(&row.rounds, side, CLIENT)),
                cpu(side),
                cpu(nats),
                spread::ratio(round::cpu_ratio(&together, side, CLIENT)),
                delays.map_or("–".to_owned(), DelayQuantiles::cell),
            );
        }
        lines += &format!(
            "\n- {} publishers: {} of the client's time, {} of the CPU of client and NATS",
            count(row.publishers as u64),
            spread::ratio(round::wall_ratio(&row.rounds, OURS, CLIENT)),
            spread::ratio(round::cpu_ratio(&together, OURS, CLIENT)),
        );
    }
    text + &lines
}
