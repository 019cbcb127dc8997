//! Streams whose readers stop reading: their cost for the server and for the other readers, and whether they can resume
//! later.

use poll_vs_sse_instrument::{DelayStats, RunResult};
use serde::{Deserialize, Serialize};

use super::super::number::{count, milliseconds, three_digits};
use super::super::part::Part;
use super::super::provenance::Provenance;
use super::super::spread::{self, Spread, spread};

const MIB: f64 = 1024.0 * 1024.0;

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct StalledRun {
    pub about: Provenance,
    /// Streams that stop reading.
    pub stalled: usize,
    /// Bytes of text published while they do not read.
    pub published_bytes: u64,
    pub rounds: Vec<StalledRound>,
    /// Stalled readers that reconnected after the server had disconnected them.
    pub resumed: Vec<ReaderAudit>,
}

/// One measurement of the healthy readers, with or without stalled ones.
#[derive(Debug, Serialize, Deserialize)]
pub struct StalledRound {
    pub with_stalled: bool,
    pub outcome: RunResult,
    /// The server's memory (proportional set size) before the stalled readers connected, and its maximum.
    pub memory_before_bytes: u64,
    pub memory_most_bytes: u64,
    /// Seconds from the first message until the first and the last of them were disconnected.
    pub cut_after_s: Option<[f64; 2]>,
}

/// The audit of a stalled reader that reconnected: the ids of the messages before and after the reconnect.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReaderAudit {
    pub had: u64,
    pub then: u64,
    pub lost: u64,
    pub repeated: u64,
}

impl StalledRound {
    fn grown(&self) -> f64 {
        self.memory_most_bytes as f64 - self.memory_before_bytes as f64
    }
}

impl StalledRun {
    /// The spread of `figure` over the rounds with or without stalled readers.
    fn spread(
        &self,
        with_stalled: bool,
        figure: impl Fn(&StalledRound) -> Option<f64>,
    ) -> Option<Spread> {
        let rounds = self
            .rounds
            .iter()
            .filter(|round| round.with_stalled == with_stalled);
        spread(rounds.filter_map(figure))
    }

    /// A healthy reader's delay with stalled readers relative to that without, round by round.
    fn ratio(&self, of: fn(DelayStats) -> u64) -> Option<Spread> {
        let delay = |round: &StalledRound| Some(of(round.outcome.delay_us?) as f64);
        let with = self.rounds.iter().filter(|round| round.with_stalled);
        spread(with.filter_map(|with| {
            let mut without = self.rounds.iter().filter(|round| !round.with_stalled);
            let without = without.find(|other| other.outcome.round == with.outcome.round)?;
            Some(delay(with)? / delay(without)?)
        }))
    }
}

impl StalledRun {
    /// A point for the documentation's summary.
    pub fn summary_point(&self) -> Option<String> {
        let delay = self.ratio(|delays| delays.p99)?;
        let grown = self.spread(true, |round| Some(round.grown() / MIB))?;
        Some(format!(
            "**Readers that stop reading**: {} of them make the server's memory grow by {:.0} MiB, and the delay of \
             other readers (99th percentile) is {} times the delay without them.",
            count(self.stalled as u64),
            grown.median,
            delay.ratio()
        ))
    }
}

impl Part for StalledRun {
    const TITLE: &'static str = "Readers that stop reading";
    const FILE: &'static str = "growth-stalled.json";
    const ROWS: &'static str = "rounds";

    fn about(&mut self) -> &mut Provenance {
        &mut self.about
    }

    fn report(&self) -> String {
        report(self)
    }
}

fn report(run: &StalledRun) -> String {
    let published = run.published_bytes as f64 / 1e6;
    let healthy = run.rounds.first().map_or(0, |round| round.outcome.clients);
    let mut text = format!(
        "{} streams stop reading in a room in which {published:.0} MB are published, on a SQLite log in memory; \
         {healthy} healthy readers are in the same room. Rounds with and without the stalled streams alternate.\n\n\
         | | without stalled readers | with | ratio |\n|---|---|---|---|",
        count(run.stalled as u64)
    );
    type Quantile = (&'static str, fn(DelayStats) -> u64);
    let quantiles: [Quantile; 3] = [
        ("p50", |delays| delays.p50),
        ("p99", |delays| delays.p99),
        ("max", |delays| delays.max),
    ];
    for (name, of) in quantiles {
        let cell = |with| {
            let delay = run.spread(with, |round| Some(of(round.outcome.delay_us?) as f64));
            delay.map_or("–".to_owned(), |delay| milliseconds(delay.median))
        };
        let ratio = spread::ratio(run.ratio(of));
        text += &format!(
            "\n| healthy readers' delay, {name}, ms | {} | {} | {ratio} |",
            cell(false),
            cell(true)
        );
    }
    let grown = |with| {
        let grown = run.spread(with, |round| Some(round.grown() / MIB));
        grown.map_or("–".to_owned(), |grown| {
            format!("{:.1} (at most {:.1})", grown.median, grown.max)
        })
    };
    text += &format!(
        "\n| the server's memory grew by, MiB | {} | {} | |",
        grown(false),
        grown(true)
    );
    let cuts = run.rounds.iter().filter_map(|round| round.cut_after_s);
    let cuts: Vec<_> = cuts.collect();
    if let (Some(first), Some(last)) = (
        spread(cuts.iter().map(|cut| cut[0])),
        spread(cuts.iter().map(|cut| cut[1])),
    ) {
        text += &format!(
            "\n\nThe server cut the first stalled stream {} s after the first message, and the last one after {} s.",
            three_digits(first.min),
            three_digits(last.max)
        );
    }
    let sum = |of: fn(&ReaderAudit) -> u64| count(run.resumed.iter().map(of).sum());
    text += &format!(
        " {} of them came back with `Last-Event-ID`: they had received {} messages before, and the server sent the \
         other {}; {} were lost, {} repeated.",
        run.resumed.len(),
        sum(|one| one.had),
        sum(|one| one.then),
        sum(|one| one.lost),
        sum(|one| one.repeated)
    );
    text
}
