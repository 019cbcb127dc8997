//! Deliveries compared with the cheapest possible loop.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::super::number::{count, milliseconds, target_verdict, three_digits};
use super::super::part::Part;
use super::super::provenance::Provenance;
use super::super::round::{self, Round};
use super::super::spread::{self, Spread, spread};
use super::peers::{self, Peer};

pub const FLOOR: &str = "bare loop, send(2)";
pub const WRITE_FLOOR: &str = "bare loop, write(2)";
pub const OURS: &str = "poll-vs-sse";

/// The highest CPU of a delivery relative to the bare loop's, with a thousand readers.
const TARGET: f64 = 1.05;
const TARGET_READERS: usize = 1000;
/// The highest ratio between the costs of a delivery with different numbers of readers.
const EVENNESS_TARGET: f64 = 1.2;
/// The lowest ratio of the deliveries a second of a burst to those of single messages.
const BURST_TARGET: f64 = 10.0;

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct DeliveryRun {
    pub about: Provenance,
    #[serde(default)]
    pub peers: Vec<Peer>,
    pub sizes: Vec<DeliverySize>,
    pub bursts: Vec<Burst>,
}

/// The measurement with one number of readers.
#[derive(Debug, Serialize, Deserialize)]
pub struct DeliverySize {
    pub readers: usize,
    pub messages_a_round: usize,
    pub frame_bytes: usize,
    pub delays: Vec<DelayQuantiles>,
    pub rounds: Vec<Round>,
}

/// Quantiles of the delay from a publish to its arrivals, over all rounds.
#[derive(Debug, Serialize, Deserialize)]
pub struct DelayQuantiles {
    pub side: String,
    pub p50_us: u64,
    pub p99_us: u64,
    pub count: u64,
}

impl DelayQuantiles {
    pub fn from_histogram(side: &str, delays: &Histogram<u64>) -> Self {
        Self {
            side: side.to_owned(),
            p50_us: delays.value_at_quantile(0.5),
            p99_us: delays.value_at_quantile(0.99),
            count: delays.len(),
        }
    }

    pub fn cell(&self) -> String {
        format!(
            "{} / {} ms",
            milliseconds(self.p50_us as f64),
            milliseconds(self.p99_us as f64)
        )
    }
}

/// A burst of messages that were published at once.
#[derive(Debug, Serialize, Deserialize)]
pub struct Burst {
    pub readers: usize,
    pub messages: u64,
    pub wall_ns: u64,
    pub cpu_ns: u64,
    pub wire_bytes: u64,
}

impl Burst {
    fn deliveries_per_second(&self) -> f64 {
        self.readers as f64 * self.messages as f64 / (self.wall_ns as f64 / 1e9)
    }
}

impl DeliveryRun {
    fn ratio(&self, readers: usize) -> Option<Spread> {
        let size = self.sizes.iter().find(|size| size.readers == readers)?;
        round::cpu_ratio(&size.rounds, OURS, FLOOR)
    }
}

impl Part for DeliveryRun {
    const TITLE: &'static str = "Deliveries";
    const FILE: &'static str = "limits-delivery.json";
    const ROWS: &'static str = "sizes";

    fn about(&mut self) -> &mut Provenance {
        &mut self.about
    }

    fn report(&self) -> String {
        [sizes(self), bursts(self), targets(self)].join("\n\n")
    }
}

fn sizes(run: &DeliveryRun) -> String {
    let mut text = format!(
        "This is a closed loop: the bench publishes the next message when all readers have the previous one. The \
         bare loop makes one system call per reader with the same bytes, and does nothing else. The figures of all \
         servers include publishing. Delays run from the publish to each arrival. {}\n\n\
         | readers | server | CPU a delivery, µs | against the bare loop with send(2) | delay, p50 / p99 |\n\
         |---|---|---|---|---|",
        peers::sentence(&run.peers)
    );
    for size in &run.sizes {
        for side in round::sides(&size.rounds) {
            let each = round::cpu_us(&size.rounds, side).map_or(0.0, |it| it.median);
            let ratio = round::cpu_ratio(&size.rounds, side, FLOOR);
            let delays = size.delays.iter().find(|delays| delays.side == side);
            text += &format!(
                "\n| {} | {side} | {} | {} | {} |",
                count(size.readers as u64),
                three_digits(each),
                spread::ratio(ratio),
                delays.map_or("–".to_owned(), DelayQuantiles::cell),
            );
        }
    }
    text
}

fn bursts(run: &DeliveryRun) -> String {
    let each = run.bursts.iter().map(|burst| {
        format!(
            "{} deliveries a second, {} µs of CPU each",
            three_digits(burst.deliveries_per_second()),
            three_digits(
                burst.cpu_ns as f64 / 1000.0 / (burst.readers as f64 * burst.messages as f64)
            )
        )
    });
    let each: Vec<_> = each.collect();
    let Some(burst) = run.bursts.first() else {
        return String::new();
    };
    format!(
        "Bursts of {} messages to {} readers, published over eight connections without waiting, gave: {}.",
        count(burst.messages),
        count(burst.readers as u64),
        each.join("; ")
    )
}

fn targets(run: &DeliveryRun) -> String {
    let mut lines = vec!["Against the targets:\n".to_owned()];
    if let Some(ratio) = run.ratio(TARGET_READERS) {
        lines.push(format!(
            "- a delivery to {} readers: {} of the bare loop's CPU, target at most {TARGET}: {}",
            count(TARGET_READERS as u64),
            ratio.ratio(),
            target_verdict(ratio.median <= TARGET)
        ));
    }
    let each = run.sizes.iter();
    let each = spread(each.filter_map(|size| Some(round::cpu_us(&size.rounds, OURS)?.median)));
    if let Some(each) = each {
        let ratio = each.max / each.min;
        lines.push(format!(
            "- cost of a delivery, the most expensive of these numbers of readers over the cheapest: {ratio:.2}, target at most {EVENNESS_TARGET}: {}",
            target_verdict(ratio <= EVENNESS_TARGET)
        ));
    }
    let one_by_one = run.sizes.iter().find(|size| size.readers == TARGET_READERS);
    let one_by_one = one_by_one.and_then(|size| round::per_second(&size.rounds, OURS));
    let burst = spread(run.bursts.iter().map(Burst::deliveries_per_second));
    if let (Some(one_by_one), Some(burst)) = (one_by_one, burst) {
        let ratio = burst.median / one_by_one;
        lines.push(format!(
            "- deliveries a second of a burst over those of single messages: {ratio:.1}, target at least {BURST_TARGET}: {}",
            target_verdict(ratio >= BURST_TARGET)
        ));
    }
    lines.join("\n")
}
