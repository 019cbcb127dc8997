//! Where one transport overtakes the other: the message rate above which asking at an interval costs less
//! than a push of each message.

use poll_vs_sse::compare::Transport;

use super::super::number::{count, plain, three};
use super::{Combination, Matrix, Run};

/// Where a ratio passes 1 between the rates that were measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Crossing {
    /// At about so many messages a second, and above.
    At(f64),
    /// At every rate that was measured.
    Always,
    /// At none up to this rate.
    NotUpTo(f64),
}

/// Where `points` (rate, ratio), rates rising, fall below 1 for good. Between two of them both are taken
/// to change by powers, as rates are spaced so. `None` of no points.
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
    /// The rate as people read it. `None` where there is none.
    pub fn above(self) -> Option<String> {
        match self {
            Self::At(rate) => Some(three(rate)),
            Self::Always | Self::NotUpTo(_) => None,
        }
    }
}

impl Matrix {
    /// Where a poll at this interval becomes cheaper than SSE, by `figure`.
    pub fn crossing(
        &self,
        clients: usize,
        interval: f64,
        figure: fn(&Run) -> Option<f64>,
    ) -> Option<Crossing> {
        crossing(&points(self, clients, interval, figure))
    }
}

/// A table for each figure: clients by interval.
pub fn text(matrix: &Matrix) -> String {
    let mut text = String::from(
        "#### Where polling becomes cheaper than SSE\n\n\
         Messages a second in the room above which a poll at this interval costs less than SSE does, \
         interpolated between the measured rates. Below, SSE costs less.\n\n",
    );
    let mut head = vec!["clients".to_owned()];
    for what in ["server CPU", "wire bytes"] {
        let intervals = matrix.intervals();
        head.extend(
            intervals
                .iter()
                .map(|s| format!("{what}, poll every {s} s")),
        );
    }
    text += &format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for clients in matrix.clients() {
        let mut row = vec![count(clients as u64)];
        for figure in [Run::cpu as fn(&Run) -> Option<f64>, |run| Some(run.wire())] {
            for interval in matrix.intervals() {
                row.push(cell(matrix.crossing(clients, interval, figure)));
            }
        }
        text += &format!("| {} |\n", row.join(" | "));
    }
    text.trim_end().to_owned()
}

/// How a poll's figure stands to the stream's at each rate where both were measured.
fn points(
    matrix: &Matrix,
    clients: usize,
    interval: f64,
    figure: fn(&Run) -> Option<f64>,
) -> Vec<(f64, f64)> {
    let rates = matrix.rates().into_iter();
    rates
        .filter_map(|rate| {
            let stream = Combination::ours(Transport::Stream, clients, rate, None);
            let poll = Combination::ours(Transport::Poll, clients, rate, Some(interval));
            Some((rate, matrix.ratio(&poll, &stream, figure)?.median))
        })
        .collect()
}

fn cell(crossing: Option<Crossing>) -> String {
    match crossing {
        Some(Crossing::At(rate)) => three(rate),
        Some(Crossing::Always) => "all".to_owned(),
        Some(Crossing::NotUpTo(rate)) => format!("not up to {}", plain(rate)),
        None => "–".to_owned(),
    }
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
}
