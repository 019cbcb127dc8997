//! The three main figures of a transport, on the terminal and on the page.

use crate::RunResult;
use poll_vs_sse_model::{
    format::{significant, time_us},
    text_table::align,
};

/// One figure of every transport's card.
pub struct CardFigure {
    pub name: &'static str,
    pub of: fn(&RunResult) -> Option<f64>,
    pub unit: fn(f64) -> String,
}

pub const CARD: [CardFigure; 3] = [
    CardFigure {
        name: "wire bytes a delivery",
        of: RunResult::wire_bytes_per_delivery,
        unit: significant,
    },
    CardFigure {
        name: "server CPU a delivery",
        of: RunResult::server_cpu_us_per_delivery,
        unit: time_us,
    },
    CardFigure {
        name: "median delay",
        of: |one| one.delay(|delays| delays.p50),
        unit: time_us,
    },
];

/// Shown for an unknown figure.
pub const UNKNOWN: &str = "-";

impl CardFigure {
    pub fn text(&self, outcome: &RunResult) -> String {
        (self.of)(outcome).map_or_else(|| UNKNOWN.to_owned(), self.unit)
    }
}

/// A line for each transport, with its three figures.
pub fn lines(outcomes: &[RunResult]) -> String {
    let names = CARD.iter().map(|figure| figure.name.to_owned());
    let heading = std::iter::once(String::new()).chain(names).collect();
    let cards = outcomes.iter().map(|outcome| {
        let figures = CARD.iter().map(|figure| figure.text(outcome));
        std::iter::once(outcome.transport.to_string())
            .chain(figures)
            .collect()
    });
    align(&std::iter::once(heading).chain(cards).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Transport, test_fixtures::outcome};

    #[test]
    fn each_transport_has_its_three_figures_within_eighty_columns() {
        let mut foreign = outcome(Transport::LongPoll);
        foreign.server_cpu_s = None;
        let all = [
            outcome(Transport::Poll),
            foreign,
            outcome(Transport::Stream),
        ];
        let text = lines(&all);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(
            lines.iter().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        assert!(
            lines[1].starts_with("poll ") && lines[1].contains("10.0 µs"),
            "{text}"
        );
        let unknown: Vec<&str> = lines[2].split_whitespace().collect();
        assert_eq!((unknown[0], unknown[2]), ("long-poll", "-"), "{text}");
    }
}
