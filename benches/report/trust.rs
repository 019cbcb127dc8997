//! The instrument's figures compared with those of other programs: the format of the run's file, and its table in
//! `docs/compare.md`.

use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::number::three_digits;
use super::part::Part;
use super::provenance::Provenance;
use super::runs::{self, LatestRun};
use super::spread::{Spread, spread};

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct TrustRun {
    pub about: Provenance,
    /// The versions that the other programs report.
    pub versions: Vec<String>,
    pub rows: Vec<TrustRow>,
}

/// One figure by the instrument and by another program, in one round.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrustRow {
    pub figure: Figure,
    pub referee: Referee,
    pub round: u32,
    /// `None` if the instrument does not measure the figure.
    pub own: Option<f64>,
    pub other: f64,
    /// CPU of the load generator itself for each poll or delivery, in microseconds: ours and the other's.
    pub own_cost_us: Option<f64>,
    pub other_cost_us: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    PollRate,
    PollBytes,
    PollCpu,
    PollsOfACore,
    BusyPollCpu,
    DeliveryRate,
    DeliveryBytes,
    DeliveryCpu,
    StreamCpu,
    StreamMemory,
    KernelMemory,
}

/// The other program, or the source that it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Referee {
    H2load,
    Wrk,
    Curl,
    Perf,
    Cgroup,
    Proc,
}

impl Figure {
    const ALL: [Self; 11] = [
        Self::PollRate,
        Self::PollBytes,
        Self::PollCpu,
        Self::PollsOfACore,
        Self::BusyPollCpu,
        Self::DeliveryRate,
        Self::DeliveryBytes,
        Self::DeliveryCpu,
        Self::StreamCpu,
        Self::StreamMemory,
        Self::KernelMemory,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::PollRate => "empty polls a second, at a steady rate",
            Self::PollBytes => "bytes of an empty answer",
            Self::PollCpu => "server CPU under these polls, ms a second",
            Self::PollsOfACore => "empty polls a second of one core, in a closed loop",
            Self::BusyPollCpu => "server CPU of such a poll, µs",
            Self::DeliveryRate => "deliveries a second to streams",
            Self::DeliveryBytes => "bytes of a delivery",
            Self::DeliveryCpu => "server CPU of a delivery, µs",
            Self::StreamCpu => "server CPU under these deliveries, ms a second",
            Self::StreamMemory => "memory of the server's process for an idle stream, KiB",
            Self::KernelMemory => "memory of the kernel for it, KiB",
        }
    }
}

impl Referee {
    const ALL: [Self; 6] = [
        Self::H2load,
        Self::Wrk,
        Self::Curl,
        Self::Perf,
        Self::Cgroup,
        Self::Proc,
    ];

    fn name(self, of: Figure) -> &'static str {
        match (self, of) {
            (Self::H2load, _) => "`h2load --rps`",
            (Self::Wrk, Figure::BusyPollCpu) => "`wrk`, `perf stat`",
            (Self::Wrk, _) => "`wrk`",
            (Self::Curl, Figure::DeliveryCpu) => "`curl`, `perf stat`",
            (Self::Curl, _) => "100 × `curl --raw`",
            (Self::Perf, _) => "`perf stat` of the same run",
            (Self::Cgroup, Figure::KernelMemory) => "its control group: the server's end",
            (Self::Cgroup, _) => "its control group, same run",
            (Self::Proc, Figure::KernelMemory) => "`/proc`: slabs and TCP buffers, both ends",
            (Self::Proc, Figure::StreamMemory) => "`/proc/PID/status`, same run",
            (Self::Proc, _) => "`/proc/PID/stat`, same run",
        }
    }
}

impl TrustRow {
    pub fn new(figure: Figure, referee: Referee, own: f64, other: f64) -> Self {
        Self {
            own: Some(own),
            ..Self::other_only(figure, referee, other)
        }
    }

    /// A figure that only the other program measures.
    pub fn other_only(figure: Figure, referee: Referee, other: f64) -> Self {
        Self {
            figure,
            referee,
            round: 0,
            own: None,
            other,
            own_cost_us: None,
            other_cost_us: None,
        }
    }

    /// The same with the CPU time of both load generators.
    pub fn with_costs(self, own_us: f64, other_us: f64) -> Self {
        Self {
            own_cost_us: Some(own_us),
            other_cost_us: Some(other_us),
            ..self
        }
    }

    /// The deviation of the instrument, relative to the other program's figure.
    fn deviation(&self) -> Option<f64> {
        Some(self.own? / self.other - 1.0)
    }

    /// For a terminal.
    pub fn line(&self) -> String {
        format!(
            "{}: {} by the instrument, {} by {}{}",
            self.figure.name(),
            self.own.map_or("–".to_owned(), three_digits),
            three_digits(self.other),
            self.referee.name(self.figure),
            self.deviation()
                .map_or(String::new(), |off| format!(", {:+.1} %", off * 100.0)),
        )
    }
}

impl Part for TrustRun {
    const TITLE: &'static str = "The instrument compared with other programs";
    const FILE: &'static str = "trust.json";
    const ROWS: &'static str = "rows";

    fn about(&mut self) -> &mut Provenance {
        &mut self.about
    }

    fn report(&self) -> String {
        let mut text = "| figure | by the instrument | by another | which | off by | CPU of the load itself, µs each: ours, the other's |\n\
                        |---|---|---|---|---|---|"
            .to_owned();
        for figure in Figure::ALL {
            for referee in Referee::ALL {
                let rows: Vec<_> = self
                    .rows
                    .iter()
                    .filter(|row| row.figure == figure && row.referee == referee)
                    .collect();
                if let Some(line) = line(&rows) {
                    text += &format!("\n{line}");
                }
            }
        }
        text
    }
}

/// The rounds of one figure as a line; `None` if there are none.
fn line(rows: &[&TrustRow]) -> Option<String> {
    let first = rows.first()?;
    let of =
        |figure: fn(&TrustRow) -> Option<f64>| spread(rows.iter().filter_map(|row| figure(row)));
    let off = of(TrustRow::deviation).map_or("–".to_owned(), |off| {
        let [median, min, max] = [off.median, off.min, off.max].map(|share| share * 100.0);
        match rows.len() {
            1 => format!("{median:+.1} %"),
            _ => format!("{median:+.1} % ({min:+.1} to {max:+.1})"),
        }
    });
    let costs = of(|row| row.own_cost_us).zip(of(|row| row.other_cost_us));
    let costs = costs.map_or(String::new(), |(own, other)| {
        format!(
            "{}, {}",
            three_digits(own.median),
            three_digits(other.median)
        )
    });
    Some(format!(
        "| {} | {} | {} | {} | {off} | {costs} |",
        first.figure.name(),
        figure(of(|row| row.own)),
        figure(of(|row| Some(row.other))),
        first.referee.name(first.figure),
    ))
}

fn figure(spread: Option<Spread>) -> String {
    let Some(Spread {
        median, min, max, ..
    }) = spread
    else {
        return "not measured".to_owned();
    };
    let [median, min, max] = [median, min, max].map(three_digits);
    match min == max {
        true => median,
        false => format!("{median} ({min}–{max})"),
    }
}

/// The section of `docs/compare.md`, if there is a full run.
pub fn section(root: &Path) -> Result<Option<String>> {
    let found = runs::latest::<TrustRun>(root, TrustRun::FILE)?;
    Ok(found.map(|LatestRun { run, directory }| {
        format!(
            "From [`{directory}/{file}`](../benches/runs/{directory}/{file}): `{}`, {} Compared with {}.\n\n{}\n",
            run.about.command,
            run.about.sentence(),
            run.versions.join(", "),
            run.report(),
            file = TrustRun::FILE,
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_median_and_range_of_its_rounds() {
        let round = |own, other| TrustRow::new(Figure::PollRate, Referee::H2load, own, other);
        let rows = [
            round(4000.0, 4000.0),
            round(4100.0, 4000.0).with_costs(30.0, 10.0),
            round(3960.0, 4000.0),
        ];
        let line = line(&rows.iter().collect::<Vec<_>>()).expect("three rounds");
        assert_eq!(
            line,
            "| empty polls a second, at a steady rate | 4,000 (3,960–4,100) | 4,000 | `h2load --rps` | \
             +0.0 % (-1.0 to +2.5) | 30.0, 10.0 |"
        );
        let kernel = TrustRow::other_only(Figure::KernelMemory, Referee::Proc, 4.0);
        assert!(
            super::line(&[&kernel])
                .expect("one")
                .contains("| not measured | 4.00 |")
        );
    }
}
