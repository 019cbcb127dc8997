//! One, two and three servers on one NATS.

use serde::{Deserialize, Serialize};

use super::super::number::{count, milliseconds, three_digits};
use super::super::part::Part;
use super::super::provenance::Provenance;
use super::super::spread::{self, Spread, spread};

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct GroupRun {
    pub about: Provenance,
    /// The version of the NATS server.
    pub nats: String,
    /// Readers, spread evenly over the servers.
    pub readers: usize,
    pub rounds: Vec<GroupRound>,
    pub seen: Vec<DeliveryTimes>,
}

/// Messages published to the servers in turn, each after all readers have received the one before.
#[derive(Debug, Serialize, Deserialize)]
pub struct GroupRound {
    pub servers: usize,
    pub round: usize,
    pub deliveries: u64,
    /// CPU of all servers and NATS.
    pub cpu_ns: u64,
    /// CPU of NATS alone.
    pub nats_cpu_ns: u64,
}

/// The times at which one message arrived, in microseconds after its publish was sent.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct DeliveryTimes {
    /// At a reader of the server that it was published to.
    pub here_us: u64,
    /// At a reader of another server.
    pub there_us: u64,
    /// At its publisher, as the `201`.
    pub answered_us: u64,
}

impl GroupRound {
    fn each_us(&self, cpu_ns: u64) -> f64 {
        cpu_ns as f64 / 1000.0 / self.deliveries as f64
    }
}

impl GroupRun {
    fn rounds_of(&self, servers: usize) -> impl Iterator<Item = &GroupRound> {
        self.rounds
            .iter()
            .filter(move |round| round.servers == servers)
    }

    fn ratio(&self, servers: usize) -> Option<Spread> {
        spread(self.rounds_of(servers).filter_map(|round| {
            let base = self.rounds_of(1).find(|base| base.round == round.round)?;
            Some(round.each_us(round.cpu_ns) / base.each_us(base.cpu_ns))
        }))
    }

    /// A quantile of one of the times.
    fn quantile_us(&self, of: fn(&DeliveryTimes) -> u64, share: f64) -> f64 {
        let mut all: Vec<u64> = self.seen.iter().map(of).collect();
        all.sort_unstable();
        let at = ((all.len() as f64 - 1.0) * share).round() as usize;
        all.get(at).map_or(0.0, |us| *us as f64)
    }
}

impl GroupRun {
    /// A point for the documentation's summary.
    pub fn summary_point(&self) -> Option<String> {
        let most = self.rounds.iter().map(|round| round.servers).max()?;
        Some(format!(
            "**A group**: {most} servers on one NATS take {} times the CPU of one for each delivery, NATS \
             included.",
            self.ratio(most)?.ratio()
        ))
    }
}

impl Part for GroupRun {
    const TITLE: &'static str = "Servers on one NATS";
    const FILE: &'static str = "growth-group.json";
    const ROWS: &'static str = "seen";

    fn about(&mut self) -> &mut Provenance {
        &mut self.about
    }

    fn report(&self) -> String {
        report(self)
    }
}

fn report(run: &GroupRun) -> String {
    let mut text = format!(
        "{} streams are spread over the servers of a group, on {}; servers and NATS share one core. This is a closed \
         loop: when all readers have a message, the bench publishes the next one to the next server. CPU is that of \
         all servers and NATS together, publishing included.\n\n\
         | servers | CPU a delivery, µs | of it NATS | against one server |\n|---|---|---|---|",
        count(run.readers as u64),
        run.nats
    );
    let mut sizes: Vec<usize> = run.rounds.iter().map(|round| round.servers).collect();
    sizes.sort_unstable();
    sizes.dedup();
    for servers in sizes {
        let each = spread(
            run.rounds_of(servers)
                .map(|round| round.each_us(round.cpu_ns)),
        );
        let nats = spread(
            run.rounds_of(servers)
                .map(|round| round.each_us(round.nats_cpu_ns)),
        );
        let cell =
            |spread: Option<Spread>| spread.map_or("–".to_owned(), |it| three_digits(it.median));
        let ratio = spread::ratio(run.ratio(servers));
        text += &format!(
            "\n| {servers} | {} | {} | {ratio} |",
            cell(each),
            cell(nats)
        );
    }
    text += &format!(
        "\n\nThe delay from publishing to arrival, over {} messages one by one, in a room with one reader on the \
         server that takes the messages and one on another server:\n\n| | p50 | p99 |\n|---|---|---|",
        count(run.seen.len() as u64)
    );
    type Times = [(&'static str, fn(&DeliveryTimes) -> u64); 3];
    let times: Times = [
        ("seen on the same server, ms", |seen| seen.here_us),
        ("seen on another server, ms", |seen| seen.there_us),
        ("`201` to the publisher, ms", |seen| seen.answered_us),
    ];
    for (name, of) in times {
        text += &format!(
            "\n| {name} | {} | {} |",
            milliseconds(run.quantile_us(of, 0.5)),
            milliseconds(run.quantile_us(of, 0.99))
        );
    }
    let ratios = run
        .seen
        .iter()
        .map(|seen| seen.there_us as f64 / seen.here_us as f64);
    if let Some(ratio) = spread(ratios) {
        text += &format!(
            "\n\nThe delay of a message on the other server was {:.2} times its delay on the server that took it \
            (median).",
            ratio.median
        );
    }
    text
}
