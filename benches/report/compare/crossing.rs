//! The break-even of polling and SSE: the message rate above which polling at an interval costs less than a push of
//! each message.

use std::collections::BTreeSet;

use poll_vs_sse_instrument::Transport;

use super::super::number::{count, plain, three_digits};
use super::super::spread::spread;
use super::{Combination, Matrix, Run};

/// Where a ratio falls below 1 within the measured rates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Crossing {
    /// At about this many messages a second, and above.
    At(f64),
    /// At every measured rate.
    Always,
    /// At no rate up to this one.
    NotUpTo(f64),
}

/// The rate above which all ratios of `points` (rate, ratio) are below 1. Rates rise. The interpolation between two
/// points is linear in the logarithms, because the rates are spaced logarithmically. `None` if there are no points.
fn crossing(points: &[(f64, f64)]) -> Option<Crossing> {
    let (last_rate, last) = *points.last()?;
    if last >= 1.0 {
        return Some(Crossing::NotUpTo(last_rate));
    }
    let Some(at) = points.iter().rposition(|(_, ratio)| *ratio >= 1.0) else {
        return Some(Crossing::Always);
    };
    let ((rate, above), (next, below)) = (points[at], points[at + 1]);
    let share = above.ln() / (above.ln() - below.ln());
    Some(Crossing::At((rate.ln() + share * (next / rate).ln()).exp()))
}

impl Crossing {
    /// A rate to sort by: 0 if below all rates, infinite if above them.
    fn rate(self) -> f64 {
        match self {
            Self::At(rate) => rate,
            Self::Always => 0.0,
            Self::NotUpTo(_) => f64::INFINITY,
        }
    }
}

/// The crossing by the medians, and the crossing of each single round, lowest first. `rounds` is empty if there are
/// fewer than two rounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Crossings {
    median: Crossing,
    rounds: Vec<Crossing>,
}

impl Crossings {
    /// The rate as text, with its range. `None` if there is no crossing.
    pub fn above(&self) -> Option<String> {
        matches!(self.median, Crossing::At(_)).then(|| self.text())
    }

    fn text(&self) -> String {
        let median = crossing_text(self.median);
        match &self.rounds[..] {
            [least, .., most] if least != most || matches!(self.median, Crossing::At(_)) => {
                format!("{median} ({}–{})", end(*least), end(*most))
            }
            _ => median,
        }
    }
}

fn crossing_text(crossing: Crossing) -> String {
    match crossing {
        Crossing::At(rate) => three_digits(rate),
        Crossing::Always => "all".to_owned(),
        Crossing::NotUpTo(rate) => format!("not up to {}", plain(rate)),
    }
}

/// One end of a range.
fn end(crossing: Crossing) -> String {
    match crossing {
        Crossing::NotUpTo(rate) => format!("over {}", plain(rate)),
        other => crossing_text(other),
    }
}

/// A message rate, and the ratios of the rounds that measured it.
type Point = (f64, Vec<(u32, f64)>);

impl Crossings {
    /// `None` if there are no points.
    fn from_points(points: &[Point]) -> Option<Self> {
        let medians = points.iter().map(|(rate, all)| (*rate, middle(all)));
        let medians: Vec<_> = medians.collect();
        let median = crossing(&medians)?;
        let numbers = points.iter().flat_map(|(_, all)| all.iter());
        let numbers: BTreeSet<u32> = numbers.map(|(round, _)| *round).collect();
        let mut rounds: Vec<Crossing> = match numbers.len() {
            ..2 => Vec::new(),
            _ => numbers
                .into_iter()
                .filter_map(|round| crossing(&points_of_round(points, round)))
                .chain([median])
                .collect(),
        };
        rounds.sort_by(|one, other| one.rate().total_cmp(&other.rate()));
        Some(Self { median, rounds })
    }
}

/// Each rate with its ratio in one round, or with its median if that round lacks it.
fn points_of_round(points: &[Point], round: u32) -> Vec<(f64, f64)> {
    let points = points.iter().map(|(rate, all)| {
        let own = all.iter().find(|(number, _)| *number == round);
        (*rate, own.map_or_else(|| middle(all), |(_, ratio)| *ratio))
    });
    points.collect()
}

impl Matrix {
    /// The rate at which polling at this interval becomes cheaper than SSE, by `figure`.
    pub fn crossing(
        &self,
        clients: usize,
        interval: f64,
        figure: fn(&Run) -> Option<f64>,
    ) -> Option<Crossings> {
        Crossings::from_points(&points(self, clients, interval, figure))
    }
}

/// A table of clients by interval for each figure.
pub fn text(matrix: &Matrix) -> String {
    let mut text = String::from(
        "#### Where polling becomes cheaper than SSE\n\n\
         Above this number of messages a second in the room, polling at the interval costs less than SSE; below \
         it, SSE costs less. The figure is interpolated between the measured rates. It follows from the medians; \
         the brackets have the range over it and the figures of the single rounds. If a round lacks a rate, that \
         rate's median stands in.\n\n",
    );
    let mut head = vec!["in".to_owned(), "clients".to_owned()];
    let intervals = matrix.intervals();
    head.extend(intervals.iter().map(|s| format!("poll every {s} s")));
    text += &format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for (name, figure) in FIGURES {
        for clients in matrix.clients() {
            let mut row = vec![name.to_owned(), count(clients as u64)];
            for interval in &intervals {
                let crossings = matrix.crossing(clients, *interval, figure);
                row.push(crossings.map_or("–".to_owned(), |crossings| crossings.text()));
            }
            text += &format!("| {} |\n", row.join(" | "));
        }
    }
    text.trim_end().to_owned()
}

type RunFigure = fn(&Run) -> Option<f64>;

/// The costs by which polling may become cheaper.
const FIGURES: [(&str, RunFigure); 3] = [
    ("server CPU", Run::cpu),
    ("wire bytes", |run| Some(run.wire())),
    ("wire bytes, bare heads", |run| {
        Some(run.wire_with_bare_heads())
    }),
];

/// The ratio of a poll's figure to the stream's at each rate where both were measured, round by round.
fn points(
    matrix: &Matrix,
    clients: usize,
    interval: f64,
    figure: fn(&Run) -> Option<f64>,
) -> Vec<Point> {
    let rates = matrix.rates().into_iter();
    rates
        .filter_map(|rate| {
            let stream = Combination::ours(Transport::Stream, clients, rate, None);
            let poll = Combination::ours(Transport::Poll, clients, rate, Some(interval));
            let ratios = matrix.ratios(&poll, &stream, figure);
            (!ratios.is_empty()).then_some((rate, ratios))
        })
        .collect()
}

fn middle(ratios: &[(u32, f64)]) -> f64 {
    spread(ratios.iter().map(|(_, ratio)| *ratio)).map_or(f64::NAN, |all| all.median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crossing_lies_between_the_points_around_it() {
        let at = crossing(&[(0.1, 30.0), (1.0, 10.0), (100.0, 0.1)]);
        let Some(Crossing::At(rate)) = at else {
            panic!("{at:?}");
        };
        assert!((rate - 10.0).abs() < 1e-9, "{rate}");
        assert_eq!(crossing(&[(0.1, 0.5), (1.0, 0.4)]), Some(Crossing::Always));
        assert_eq!(
            crossing(&[(0.1, 5.0), (1.0, 1.5)]),
            Some(Crossing::NotUpTo(1.0))
        );
        assert_eq!(crossing(&[]), None);
    }

    #[test]
    fn a_round_that_lacks_a_rate_does_not_take_another_rounds_ratio() {
        let points: [Point; 2] = [
            (1.0, vec![(1, 2.0), (2, 2.0), (3, 2.0)]),
            (10.0, vec![(2, 0.8), (3, 0.2)]),
        ];
        assert_eq!(points_of_round(&points, 1), [(1.0, 2.0), (10.0, 0.5)]);
        assert_eq!(points_of_round(&points, 2), [(1.0, 2.0), (10.0, 0.8)]);
        let found = Crossings::from_points(&points).expect("points");
        assert_eq!(found.rounds.len(), 4, "three rounds and the median");
    }

    #[test]
    fn the_range_covers_the_single_rounds() {
        let of = |median, rounds: &[Crossing]| {
            let rounds = rounds.to_vec();
            Crossings { median, rounds }.text()
        };
        let (three, five) = (Crossing::At(3.0), Crossing::At(5.0));
        assert_eq!(of(Crossing::At(4.0), &[]), "4.00");
        assert_eq!(of(Crossing::At(4.0), &[three, five]), "4.00 (3.00–5.00)");
        let none = Crossing::NotUpTo(10.0);
        assert_eq!(of(none, &[five, none]), "not up to 10 (5.00–over 10)");
        assert_eq!(of(none, &[none, none]), "not up to 10");
    }
}
