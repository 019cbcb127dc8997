//! Where polling and pushing cost the same.

use serde::{Deserialize, Serialize};

use super::{Model, Question, question::SHORTEST_INTERVAL_S, size_servers};
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
    /// Whether both transports are possible at one of the values at least. If not, there is nothing to compare.
    pub comparable: bool,
}

/// The costs of both transports, by one measure. Infinite for a transport for which no number of servers is enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CostPair {
    pub poll: f64,
    pub stream: f64,
}

impl CostPair {
    /// If both are impossible, neither is cheaper.
    pub fn is_polling_cheaper(self) -> bool {
        self.poll < self.stream
    }

    fn is_comparable(self) -> bool {
        self.poll.is_finite() && self.stream.is_finite()
    }
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
                costs(model, &at(question, value), metric).is_polling_cheaper()
            })
        };
        PerMetric {
            cpu: by(CostMetric::Cpu),
            wire_bytes: by(CostMetric::WireBytes),
            comparable: grid(bounds).any(|value| {
                costs(model, &at(question, value), CostMetric::WireBytes).is_comparable()
            }),
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

/// The costs of polling and of a stream, by `metric`.
pub fn costs(model: &Model, question: &Question, metric: CostMetric) -> CostPair {
    let of = |transport, interval_s| {
        let sizing = size_servers(model, question, transport, interval_s);
        match metric {
            _ if sizing.servers().is_none() => f64::INFINITY,
            CostMetric::Cpu => sizing.cores_in_fractions(),
            CostMetric::WireBytes => {
                sizing.cost.wire_bytes_in_per_s + sizing.cost.wire_bytes_out_per_s
            }
        }
    };
    let interval_s = question.interval_s(model);
    CostPair {
        poll: interval_s.map_or(f64::INFINITY, |s| of(Transport::Poll, s)),
        stream: of(Transport::Stream, interval_s.unwrap_or(SHORTEST_INTERVAL_S)),
    }
}

/// The acceptable delays at which `is_cheaper`, of any kind of cost.
pub fn cheaper_delays(question: &Question, is_cheaper: impl Fn(&Question) -> bool) -> Vec<Range> {
    cheaper(DELAYS_S, |max_delay_s| {
        is_cheaper(&Question {
            max_delay_s,
            ..*question
        })
    })
}

/// The values at which costs are compared, evenly spaced on a logarithmic scale.
fn grid([least, most]: [f64; 2]) -> impl Iterator<Item = f64> {
    let steps = ((most / least).log10() * STEPS).round();
    (0..=steps as u32).map(move |step| least * (most / least).powf(f64::from(step) / steps))
}

/// The ranges between `bounds` in which `is_cheaper`.
fn cheaper(bounds: [f64; 2], is_cheaper: impl Fn(f64) -> bool) -> Vec<Range> {
    let mut ranges = Vec::new();
    let mut before = bounds[0];
    let mut open = is_cheaper(before).then_some(None);
    for now in grid(bounds).skip(1) {
        let is_cheaper_now = is_cheaper(now);
        if is_cheaper_now != open.is_some() {
            let crossover = crossover(before, now, is_cheaper_now, &is_cheaper);
            match open.take() {
                Some(from) => ranges.push(Range {
                    from,
                    to: Some(crossover),
                }),
                None => open = Some(Some(crossover)),
            }
        }
        before = now;
    }
    if let Some(from) = open {
        ranges.push(Range { from, to: None });
    }
    ranges
}

/// The point between `low` and `high` at which `is_cheaper` changes to `at_high`.
fn crossover(mut low: f64, mut high: f64, at_high: bool, is_cheaper: &impl Fn(f64) -> bool) -> f64 {
    for _ in 0..HALVINGS {
        let middle = (low * high).sqrt();
        if is_cheaper(middle) == at_high {
            high = middle;
        } else {
            low = middle;
        }
    }
    (low * high).sqrt()
}
