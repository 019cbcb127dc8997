//! Where polling and pushing cost the same.

use serde::{Deserialize, Serialize};

use super::{Model, Question, size_servers};
use crate::Transport;

/// The measure by which two transports are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CostMetric {
    Cpu,
    WireBytes,
}

/// Values within which polling costs less than a stream. Costs are equal at its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// `None`: from the lowest value that was searched.
    pub from: Option<f64>,
    /// `None`: up to the highest value that was searched.
    pub to: Option<f64>,
}

/// Where polling costs less than a stream, with one input varied and the others fixed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BreakEven {
    /// Acceptable delays, seconds.
    pub max_delay_s: PerMetric,
    /// Messages a second.
    pub rate: PerMetric,
    /// Clients: with few, the server sleeps more, and each poll costs more.
    pub clients: PerMetric,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PerMetric {
    pub cpu: Vec<Range>,
    pub wire_bytes: Vec<Range>,
}

/// The range of delays that is searched: from a twentieth of a second to a day.
const DELAYS_S: [f64; 2] = [0.05, 86_400.0];
/// The range of rates that is searched: from one message in four months to ten thousand a second.
const RATES: [f64; 2] = [1e-7, 1e4];
/// The range of clients that is searched.
const CLIENTS: [f64; 2] = [1.0, 1e9];
/// Steps per decade. Between two steps, costs cross at most once.
const STEPS: f64 = 40.0;
/// The number of bisections of a step, down to the precision of the numbers.
const HALVINGS: u32 = 60;

/// The points at which polling and a stream cost the same.
pub fn break_even(model: &Model, question: &Question) -> BreakEven {
    let over = |bounds: [f64; 2], at: fn(&Question, f64) -> Question| {
        let by = |metric| {
            cheaper(bounds, |value| {
                cost_difference(model, &at(question, value), metric)
            })
        };
        PerMetric {
            cpu: by(CostMetric::Cpu),
            wire_bytes: by(CostMetric::WireBytes),
        }
    };
    BreakEven {
        max_delay_s: over(DELAYS_S, |asked, max_delay_s| Question {
            max_delay_s,
            ..*asked
        }),
        rate: over(RATES, |asked, rate| Question { rate, ..*asked }),
        clients: over(CLIENTS, |asked, clients| Question { clients, ..*asked }),
    }
}

/// By how much polling costs more than a stream.
pub fn cost_difference(model: &Model, question: &Question, metric: CostMetric) -> f64 {
    let Some(interval_s) = question.interval_s(model) else {
        return f64::INFINITY;
    };
    let of = |transport| {
        let sizing = size_servers(model, question, transport, interval_s);
        match metric {
            CostMetric::Cpu => sizing.cores_in_fractions(),
            CostMetric::WireBytes => {
                sizing.cost.wire_bytes_in_per_s + sizing.cost.wire_bytes_out_per_s
            }
        }
    };
    of(Transport::Poll) - of(Transport::Stream)
}

/// The acceptable delays at which `difference`, of any kind, is below zero.
pub fn cheaper_delays(question: &Question, difference: impl Fn(&Question) -> f64) -> Vec<Range> {
    cheaper(DELAYS_S, |max_delay_s| {
        difference(&Question {
            max_delay_s,
            ..*question
        })
    })
}

/// The ranges of `least..most` in which `cost_difference` is below zero, searched on a logarithmic scale.
fn cheaper([least, most]: [f64; 2], cost_difference: impl Fn(f64) -> f64) -> Vec<Range> {
    let steps = ((most / least).log10() * STEPS).round();
    let at = |step: f64| least * (most / least).powf(step / steps);
    let mut ranges = Vec::new();
    let mut open = (cost_difference(least) < 0.0).then_some(None);
    for step in 1..=steps as u32 {
        let (before, now) = (at(f64::from(step) - 1.0), at(f64::from(step)));
        let is_cheaper = cost_difference(now) < 0.0;
        if is_cheaper == open.is_some() {
            continue;
        }
        let crossover = crossover(before, now, is_cheaper, &cost_difference);
        match open.take() {
            Some(from) => ranges.push(Range {
                from,
                to: Some(crossover),
            }),
            None => open = Some(Some(crossover)),
        }
    }
    if let Some(from) = open {
        ranges.push(Range { from, to: None });
    }
    ranges
}

/// The point between `low` and `high` at which `cost_difference` changes its sign. `negative_at_high` tells whether it
/// is below zero at `high`.
fn crossover(
    mut low: f64,
    mut high: f64,
    negative_at_high: bool,
    cost_difference: &impl Fn(f64) -> f64,
) -> f64 {
    for _ in 0..HALVINGS {
        let middle = (low * high).sqrt();
        if (cost_difference(middle) < 0.0) == negative_at_high {
            high = middle;
        } else {
            low = middle;
        }
    }
    (low * high).sqrt()
}
