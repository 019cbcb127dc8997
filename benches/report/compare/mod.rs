//! The matrix: all runs of each transport, by clients, message rate and polling interval.

mod crossing;
mod lengths;
mod reasons;
mod tables;

use poll_vs_sse_instrument::{RunResult, Transport};
use poll_vs_sse_model::RequestHead;
use serde::{Deserialize, Serialize};

use super::provenance::Provenance;
use super::runs::LatestRun;
use super::spread::{Spread, spread};

/// The matrix's file in a run's directory.
pub const FILE: &str = "compare.json";
/// The subject that all others are compared with.
pub const OURS: &str = "poll-vs-sse";
pub const FLOOR: &str = "floor";
pub const NCHAN: &str = "nchan";

/// The head of every request.
pub const HEAD: RequestHead = RequestHead::Chrome;
/// A host name as long as those of the measured servers, because some headers of a browser contain it.
pub const HOST: &str = "127.0.0.1:40000";

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Matrix {
    pub about: Provenance,
    /// How often each combination was measured. Short ones may have one more run, long ones only one.
    pub rounds: u32,
    /// The text of a message, bytes.
    pub size_bytes: usize,
    /// The head of every request.
    pub head: RequestHead,
    /// The capacity of the machine, measured beforehand.
    pub reach: MachineCapacity,
    pub skipped: Vec<SkippedCombination>,
    pub runs: Vec<Run>,
}

/// One transport on one server under one load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Combination {
    /// `poll-vs-sse`, `nchan` or `floor`.
    pub subject: String,
    pub transport: Transport,
    pub clients: usize,
    /// Messages a second.
    pub rate: f64,
    /// The interval of polls; `None` for other transports.
    pub interval_s: Option<f64>,
}

/// A combination, measured once.
#[derive(Debug, Serialize, Deserialize)]
pub struct Run {
    #[serde(flatten)]
    pub of: Combination,
    pub outcome: RunResult,
}

/// A combination that was not measured, and why.
#[derive(Debug, Serialize, Deserialize)]
pub struct SkippedCombination {
    #[serde(flatten)]
    pub of: Combination,
    pub why: String,
}

/// CPU time of one unit of work in microseconds, for the server and for the load.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Cost {
    pub server_us: f64,
    pub load_us: f64,
}

impl Cost {
    /// The CPU time of the more expensive side.
    pub fn dearer(self) -> f64 {
        self.server_us.max(self.load_us)
    }
}

/// The capacity of a machine with one processor for each side.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct MachineCapacity {
    /// One message pushed to one client.
    pub push: Cost,
    /// One poll without a message.
    pub poll: Cost,
    /// One more message in a poll's answer.
    pub message: Cost,
    /// Combinations that would take more than this share of a processor are skipped.
    pub most: f64,
}

impl MachineCapacity {
    /// The share of a processor that `of` would take on the more expensive side.
    pub fn share(&self, of: &Combination) -> f64 {
        let deliveries = of.clients as f64 * of.rate;
        let share_us = match (of.transport, of.interval_s) {
            (Transport::Stream, _) => deliveries * self.push.dearer(),
            (Transport::Poll, Some(interval)) => {
                let polls = of.clients as f64 / interval;
                polls * self.poll.dearer() + deliveries * self.message.dearer()
            }
            // Each message takes a separate request.
            (Transport::LongPoll | Transport::Poll, _) => {
                deliveries * (self.poll.dearer() + self.message.dearer())
            }
        };
        share_us / 1e6
    }
}

/// The load generator was late if one in a hundred of its timers was later than this…
const LATE_TIMERS_US: u64 = 10_000;
/// …or if a message was sent later than this.
const LATE_MESSAGE_US: u64 = 20_000;

impl Run {
    /// Whether the load generator was near its limit or late, so that a part of the delays is its own.
    pub fn is_held_up(&self) -> bool {
        let RunResult {
            load, publishing, ..
        } = &self.outcome;
        load.limited || load.lag_us_p99 > LATE_TIMERS_US || publishing.late_us_max > LATE_MESSAGE_US
    }

    /// Whether the server could not keep up, so that fewer messages arrived than were due.
    pub fn is_behind(&self) -> bool {
        let outcome = &self.outcome;
        // A message may be in flight when the measured time begins, and another when it ends.
        let due = outcome.deliveries.saturating_sub(2 * outcome.clients);
        (outcome.arrivals as f64) < 0.95 * due as f64
    }

    /// Server CPU, as a share of one processor.
    pub fn cpu(&self) -> Option<f64> {
        Some(self.outcome.server_cpu_s? / self.outcome.duration_s)
    }

    /// Wire bytes a second in both directions.
    pub fn wire(&self) -> f64 {
        let outcome = &self.outcome;
        (outcome.wire_bytes_in + outcome.wire_bytes_out) as f64 / outcome.duration_s
    }

    /// The same, computed for requests with no headers but `Host` and those of the protocol. [`HEAD`] adds the same
    /// number of bytes to each request.
    pub fn wire_with_bare_heads(&self) -> f64 {
        let extra = HEAD.extra_bytes(self.of.transport, HOST, 0) as f64;
        self.wire() - self.outcome.requests as f64 * extra / self.outcome.duration_s
    }

    /// Bytes of server memory for each client.
    pub fn memory(&self) -> Option<f64> {
        let outcome = &self.outcome;
        let grown = outcome.server_memory_bytes? as f64 - outcome.server_memory_base_bytes? as f64;
        Some(grown / outcome.clients as f64)
    }
}

impl Matrix {
    /// The runs of one combination, by round.
    pub fn runs_of<'a>(&'a self, of: &'a Combination) -> impl Iterator<Item = &'a Run> {
        self.runs.iter().filter(move |run| run.of == *of)
    }

    /// The spread of `figure` over the runs of one combination.
    pub fn spread(&self, of: &Combination, figure: impl Fn(&Run) -> Option<f64>) -> Option<Spread> {
        spread(self.runs_of(of).filter_map(figure))
    }

    /// The ratio of `figure` of two combinations, round by round. Rounds in which one of them fell behind are left out:
    /// the cost of a server that does not do all the work is meaningless.
    pub fn ratio(
        &self,
        of: &Combination,
        to: &Combination,
        figure: impl Fn(&Run) -> Option<f64>,
    ) -> Option<Spread> {
        let ratios = self.ratios(of, to, figure).into_iter();
        spread(ratios.map(|(_, ratio)| ratio))
    }

    /// The same as a list of rounds and their ratios.
    pub fn ratios(
        &self,
        of: &Combination,
        to: &Combination,
        figure: impl Fn(&Run) -> Option<f64>,
    ) -> Vec<(u32, f64)> {
        let ratios = self.runs_of(of).filter(|run| !run.is_behind());
        let ratios = ratios.filter_map(|run| {
            let mut bases = self.runs_of(to).filter(|base| !base.is_behind());
            let base = bases.find(|base| base.outcome.round == run.outcome.round)?;
            let base = figure(base)?;
            (base > 0.0).then_some((run.outcome.round, figure(run)? / base))
        });
        ratios.collect()
    }

    /// All values of a dimension that were measured with our server, in ascending order.
    fn values(&self, of: impl Fn(&Combination) -> Option<f64>) -> Vec<f64> {
        let ours = self.runs.iter().filter(|run| run.of.subject == OURS);
        let mut values: Vec<f64> = ours.filter_map(|run| of(&run.of)).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        values
    }

    pub fn clients(&self) -> Vec<usize> {
        let values = self.values(|of| Some(of.clients as f64));
        values.into_iter().map(|value| value as usize).collect()
    }

    pub fn rates(&self) -> Vec<f64> {
        self.values(|of| Some(of.rate))
    }

    pub fn intervals(&self) -> Vec<f64> {
        self.values(|of| of.interval_s)
    }
}

impl Combination {
    pub fn ours(transport: Transport, clients: usize, rate: f64, interval_s: Option<f64>) -> Self {
        Self {
            subject: OURS.to_owned(),
            transport,
            clients,
            rate,
            interval_s,
        }
    }

    /// The same load on another subject.
    pub fn on(&self, subject: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            ..self.clone()
        }
    }

    /// `poll every 1 s`, `stream`.
    pub fn way(&self) -> String {
        match self.interval_s {
            Some(interval) => format!("{} every {interval} s", self.transport),
            None => self.transport.to_string(),
        }
    }
}

/// The section of the documentation.
pub fn section(found: &LatestRun<Matrix>) -> String {
    let matrix = &found.run;
    let source = format!(
        "From [`{}/{FILE}`](../benches/runs/{0}/{FILE}): `{}`, {}",
        found.directory,
        matrix.about.command,
        matrix.about.sentence()
    );
    format!("{source}\n\n{}", report(matrix))
}

/// All tables, as a run prints and stores them.
pub fn report(matrix: &Matrix) -> String {
    [
        tables::scope(matrix),
        lengths::text(matrix),
        crossing::text(matrix),
        reasons::text(matrix),
        tables::cpu(matrix),
        tables::wire(matrix),
        tables::wire_with_bare_heads(matrix),
        tables::delay(matrix),
        tables::memory(matrix),
        tables::others(matrix),
    ]
    .join("\n\n")
}
