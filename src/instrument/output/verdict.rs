//! The verdict: one or two sentences that follow from the figures alone.

use crate::{Comparison, RunResult, Transport};
use poll_vs_sse_model::format::{significant, time_us};

/// A smaller difference does not count. Bytes are counted, so they vary only with the moments at which a run begins and
/// ends.
const BYTES_MARGIN: f64 = 0.02;
/// CPU time varies with the other work of the machine.
const CPU_MARGIN: f64 = 0.10;
/// The CPU time from which that margin holds. It grows with the inverse square root of less, as the error of a mean
/// does: a server that worked for 30 ms has no CPU figure of three digits.
const STEADY_CPU_S: f64 = 1.0;
/// With fewer runs, a difference may come from the other work of a busy machine.
const DECISIVE_RUNS: usize = 3;
const DELAY_MARGIN: f64 = 0.10;
/// People perceive a response within 0.1 s as immediate (Miller 1968, "Response time in man-computer conversational
/// transactions"), so a delay up to that does not count as a cost.
const NOTICED_US: f64 = 100_000.0;

/// The verdict on a comparison, in one or two sentences. `is_busy`: the machine had other work when it began.
pub fn verdict(comparison: &Comparison, is_busy: bool) -> String {
    let (sound, void): (Vec<&RunResult>, Vec<&RunResult>) = comparison
        .transports
        .iter()
        .partition(|outcome| outcome.is_valid());
    let mut sentences = Vec::new();
    if !void.is_empty() {
        let names = void.iter().map(|outcome| outcome.transport.to_string());
        let is_short = |outcome: &&RunResult| outcome.publishing.fell_short;
        let why = match void.iter().all(is_short) {
            true => "messages could not be published at the requested rate",
            false => "not every message reached every client once, in order and without an error",
        };
        sentences.push(format!(
            "No verdict on {}: {why}.",
            list(&names.collect::<Vec<_>>())
        ));
    }
    if let Some(costs) = costs(comparison, &sound, is_busy) {
        sentences.push(costs.sentence());
        if void.is_empty() {
            sentences.push(costs.delays(&sound));
        }
    }
    sentences.retain(|sentence| !sentence.is_empty());
    if sentences.is_empty() {
        return "No verdict: nothing was measured.".to_owned();
    }
    sentences.join(" ")
}

/// One figure of one transport, and its range over several runs.
#[derive(Debug, Clone, Copy)]
struct Figure {
    value: f64,
    range: Option<(f64, f64)>,
    /// The share by which it may be off.
    margin: f64,
}

/// A kind of cost that transports are compared by.
struct CostMeasure {
    unit: fn(f64) -> String,
    noun: &'static str,
    /// The margin of a figure that was measured for long enough.
    margin: f64,
    /// The multiple of `margin` for a figure of `runs` runs together.
    noise: fn(outcome: &RunResult, runs: usize, is_busy: bool) -> f64,
    of: fn(&RunResult) -> Option<f64>,
}

const MEASURES: [CostMeasure; 2] = [
    CostMeasure {
        unit: |bytes| format!("{} wire bytes", significant(bytes)),
        noun: "bytes",
        margin: BYTES_MARGIN,
        noise: |_, _, _| 1.0,
        of: RunResult::wire_bytes_per_delivery,
    },
    CostMeasure {
        unit: |us| format!("{} of server CPU", time_us(us)),
        noun: "CPU",
        margin: CPU_MARGIN,
        noise: cpu_noise,
        of: RunResult::server_cpu_us_per_delivery,
    },
];

fn cpu_noise(outcome: &RunResult, runs: usize, is_busy: bool) -> f64 {
    if is_busy && runs < DECISIVE_RUNS {
        return f64::INFINITY;
    }
    let cpu_s = outcome.server_cpu_s.unwrap_or(0.0);
    (STEADY_CPU_S / cpu_s).sqrt().max(1.0)
}

/// The difference between two figures, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Difference {
    Decided,
    /// It may be random variation.
    Undecided,
    Negligible,
}

impl Figure {
    /// Whether it is smaller by more than random variation.
    fn is_below(self, other: Self) -> bool {
        let margin = self.margin.max(other.margin);
        let is_apart = match (self.range, other.range) {
            (Some((_, high)), Some((low, _))) => high < low,
            _ => true,
        };
        is_apart && self.value * (1.0 + margin) < other.value
    }

    fn difference(self, other: Self, measure: &CostMeasure) -> Difference {
        let (low, high) = (self.value.min(other.value), self.value.max(other.value));
        if self.is_below(other) || other.is_below(self) {
            Difference::Decided
        } else if high > low * (1.0 + measure.margin) {
            Difference::Undecided
        } else {
            Difference::Negligible
        }
    }
}

/// The costs of the transports with valid results.
struct Costs {
    names: Vec<Transport>,
    /// The measures that are known of all of them, and each one's figures in the order of `names`.
    measures: Vec<(&'static CostMeasure, Vec<Figure>)>,
}

fn costs(comparison: &Comparison, sound: &[&RunResult], is_busy: bool) -> Option<Costs> {
    if sound.is_empty() {
        return None;
    }
    let figures = |measure: &CostMeasure| -> Option<Vec<Figure>> {
        let figures = sound.iter().map(|outcome| {
            let value = (measure.of)(outcome).filter(|value| *value > 0.0)?;
            let runs = comparison.runs_of(outcome.transport).count();
            Some(Figure {
                value,
                range: comparison.range(outcome.transport, measure.of),
                margin: measure.margin * (measure.noise)(outcome, runs, is_busy),
            })
        });
        figures.collect()
    };
    let known = MEASURES
        .iter()
        .filter_map(|measure| figures(measure).map(|figures| (measure, figures)));
    Some(Costs {
        names: sound.iter().map(|outcome| outcome.transport).collect(),
        measures: known.collect(),
    })
}

impl Costs {
    fn sentence(&self) -> String {
        let [first, others @ ..] = &self.names[..] else {
            return String::new();
        };
        if self.measures.is_empty() {
            return "No verdict on costs: nothing arrived within the measured time.".to_owned();
        }
        if others.is_empty() {
            return format!("{}: {} a delivery.", capitalize(*first), self.costs_of(0));
        }
        match self.unbeaten()[..] {
            [] => self.split(),
            [best, ref others @ ..] if others.len() + 1 < self.names.len() => self.join_best(best),
            _ => self.tie(),
        }
    }

    /// The transports than which no other costs less in any measure, the cheapest by value first.
    fn unbeaten(&self) -> Vec<usize> {
        let mut unbeaten: Vec<usize> = (0..self.names.len())
            .filter(|at| self.is_best(*at))
            .collect();
        // The product weighs each measure by its ratio, not by its unit.
        let value = |at: &usize| -> f64 {
            let measures = self.measures.iter();
            measures.map(|(_, figures)| figures[*at].value).product()
        };
        unbeaten.sort_by(|one, other| value(one).total_cmp(&value(other)));
        unbeaten
    }

    /// Whether no other transport costs less in any measure.
    fn is_best(&self, at: usize) -> bool {
        self.measures
            .iter()
            .all(|(_, figures)| !figures.iter().any(|other| other.is_below(figures[at])))
    }

    fn join_best(&self, best: usize) -> String {
        let others = (0..self.names.len())
            .filter(|at| *at != best)
            .map(|at| self.compare_to(at, best));
        format!(
            "{} costs least, {} a delivery: {}.",
            capitalize(self.names[best]),
            self.costs_of(best),
            list(&others.collect::<Vec<_>>())
        )
    }

    /// No transport is best in both costs.
    fn split(&self) -> String {
        let parts = self.measures.iter().map(|(measure, figures)| {
            let best = lowest(figures);
            let others = (0..figures.len()).filter(|at| *at != best).map(|at| {
                let (figure, best) = (figures[at], figures[best]);
                let text = match figure.difference(best, measure) {
                    Difference::Decided => format!("{} times that", times(figure, best)),
                    Difference::Undecided => "not decided".to_owned(),
                    Difference::Negligible => "about the same".to_owned(),
                };
                format!("{} {text}", self.names[at])
            });
            format!(
                "{} costs least in {}, {} a delivery ({})",
                self.names[best],
                measure.noun,
                (measure.unit)(figures[best].value),
                others.collect::<Vec<_>>().join(", ")
            )
        });
        let text = parts.collect::<Vec<_>>().join("; ");
        format!("No transport costs least in everything: {text}.")
    }

    fn tie(&self) -> String {
        let each = (0..self.names.len())
            .map(|at| format!("{} takes {}", self.names[at], self.costs_of(at)));
        format!(
            "They cost the same, as far as this run can tell: a delivery by {}.",
            list(&each.collect::<Vec<_>>())
        )
    }

    /// All costs of `at`.
    fn costs_of(&self, at: usize) -> String {
        let measures = self.measures.iter();
        let parts = measures.map(|(measure, figures)| (measure.unit)(figures[at].value));
        list(&parts.collect::<Vec<_>>())
    }

    /// A clause that says what `at` costs, in terms of `best`.
    fn compare_to(&self, at: usize, best: usize) -> String {
        let (mut known, mut open) = (Vec::new(), Vec::new());
        for (measure, figures) in &self.measures {
            let (figure, best, noun) = (figures[at], figures[best], measure.noun);
            match figure.difference(best, measure) {
                Difference::Decided => {
                    known.push(format!("{} times the {noun}", times(figure, best)))
                }
                Difference::Negligible => known.push(format!("about the same {noun}")),
                Difference::Undecided => open.push(noun.to_owned()),
            }
        }
        let (name, known, open) = (self.names[at], list(&known), list(&open));
        match (known.is_empty(), open.is_empty()) {
            (true, _) => format!("it is not decided whether {name} takes more ({open})"),
            (false, true) => format!("{name} takes {known}"),
            (false, false) => format!("{name} takes {known} ({open} not decided)"),
        }
    }

    /// How long messages took.
    fn delays(&self, sound: &[&RunResult]) -> String {
        let limited = sound.iter().filter(|outcome| outcome.load.limited);
        let limited: Vec<String> = limited
            .map(|outcome| outcome.transport.to_string())
            .collect();
        if !limited.is_empty() {
            return format!(
                "The delays say nothing about the server, because the load generator was at its limit or held up with {}.",
                list(&limited)
            );
        }
        let half = |outcome: &&RunResult| outcome.delay(|delays| delays.p50);
        let most = |outcome: &&RunResult| outcome.delay(|delays| delays.p99);
        let (Some(halves), Some(mosts)) = (
            sound.iter().map(half).collect::<Option<Vec<f64>>>(),
            sound.iter().map(most).collect::<Option<Vec<f64>>>(),
        ) else {
            return String::new();
        };
        let named = |times: &[f64]| {
            let each = times.iter().zip(&self.names);
            let each = each.map(|(time, name)| match self.names.len() {
                1 => time_us(*time),
                _ => format!("{} by {name}", time_us(*time)),
            });
            list(&each.collect::<Vec<_>>())
        };
        let lead = match self.unbeaten()[..] {
            [best, ref others @ ..] if others.len() + 1 < self.names.len() => {
                self.lead_of_delays(best, &halves, &mosts)
            }
            _ => "Half".to_owned(),
        };
        let plain: Vec<String> = mosts.iter().map(|time| time_us(*time)).collect();
        format!(
            "{lead} of the messages were seen within {}, 99 of 100 within {}.",
            named(&halves),
            list(&plain)
        )
    }

    /// The beginning of the sentence on delays, if `best` costs least. `halves` and `mosts` are the delays within which
    /// half and 99 of 100 messages were seen.
    fn lead_of_delays(&self, best: usize, halves: &[f64], mosts: &[f64]) -> String {
        let fastest = |delays: &[f64]| delays.iter().copied().fold(f64::INFINITY, f64::min);
        let is_fast = |delays: &[f64]| delays[best] * (1.0 - DELAY_MARGIN) <= fastest(delays);
        let is_noticed = |delays: &[f64]| delays[best] - fastest(delays) > NOTICED_US;
        if is_fast(halves) && is_fast(mosts) {
            "No other transport is faster: half".to_owned()
        } else if !is_fast(halves) && is_noticed(halves) {
            "The price is delay: half".to_owned()
        } else if !is_fast(mosts) && is_noticed(mosts) {
            let at = (0..mosts.len()).min_by(|one, other| mosts[*one].total_cmp(&mosts[*other]));
            let name = self.names[at.unwrap_or(best)];
            format!(
                "{} brings 99 of 100 messages sooner: half",
                capitalize(name)
            )
        } else {
            "Half".to_owned()
        }
    }
}

/// `figure` as a multiple of `best`.
fn times(figure: Figure, best: Figure) -> String {
    significant(figure.value / best.value)
}

fn lowest(figures: &[Figure]) -> usize {
    let all = figures.iter().enumerate();
    let least = all.min_by(|(_, one), (_, other)| one.value.total_cmp(&other.value));
    least.map_or(0, |(at, _)| at)
}

/// `a, b and c`.
fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The name at the start of a sentence.
fn capitalize(transport: Transport) -> String {
    let name = transport.as_str();
    let (first, rest) = name.split_at(1);
    first.to_uppercase() + rest
}

#[cfg(test)]
mod tests;
