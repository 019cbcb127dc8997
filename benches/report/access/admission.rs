//! The cost that tokens and limits add to an empty poll.

use serde::{Deserialize, Serialize};

use super::super::number::{count, target_verdict, three_digits};
use super::super::part::Part;
use super::super::provenance::Provenance;
use super::super::round::{self, Round};
use super::super::spread::{self, Spread};

/// The highest CPU of an empty poll with tokens, and with limits, relative to one with neither.
const TOKENS_TARGET: f64 = 1.15;
const LIMITS_TARGET: f64 = 1.03;

/// The side that stands for both servers without checks.
const MEAN: &str = "mean";

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct AdmissionRun {
    pub about: Provenance,
    pub connections: usize,
    pub requests_per_round: u64,
    pub token_bytes: usize,
    pub rounds: Vec<Round>,
}

/// The part of the server that serves the polls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpPath {
    Accelerator,
    Ordinary,
}

/// The checks that a poll passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessChecks {
    Nothing,
    /// Neither, on a second server. It shows how much two equal sides differ.
    NothingAgain,
    Limits,
    Tokens,
    TokensAndLimits,
}

impl HttpPath {
    pub const ALL: [Self; 2] = [Self::Accelerator, Self::Ordinary];

    fn name(self) -> &'static str {
        match self {
            Self::Accelerator => "the accelerator",
            Self::Ordinary => "the ordinary way",
        }
    }
}

impl AccessChecks {
    pub const ALL: [Self; 5] = [
        Self::Nothing,
        Self::NothingAgain,
        Self::Limits,
        Self::Tokens,
        Self::TokensAndLimits,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "neither",
            Self::NothingAgain => "neither, a second server",
            Self::Limits => "limits",
            Self::Tokens => "tokens",
            Self::TokensAndLimits => "tokens and limits",
        }
    }

    pub fn has_tokens(self) -> bool {
        matches!(self, Self::Tokens | Self::TokensAndLimits)
    }

    pub fn has_limits(self) -> bool {
        matches!(self, Self::Limits | Self::TokensAndLimits)
    }

    fn target(self) -> Option<f64> {
        match self {
            Self::Limits => Some(LIMITS_TARGET),
            Self::Tokens => Some(TOKENS_TARGET),
            Self::Nothing | Self::NothingAgain | Self::TokensAndLimits => None,
        }
    }
}

impl AdmissionRun {
    /// The name of a side in the rounds.
    pub fn side(way: HttpPath, guard: AccessChecks) -> String {
        format!("{}: {}", way.name(), guard.name())
    }
}

impl Part for AdmissionRun {
    const TITLE: &'static str = "Tokens and limits";
    const FILE: &'static str = "access-admission.json";
    const ROWS: &'static str = "rounds";

    fn about(&mut self) -> &mut Provenance {
        &mut self.about
    }

    fn report(&self) -> String {
        report(self)
    }
}

fn report(run: &AdmissionRun) -> String {
    let rounds = run.rounds.iter().map(|round| round.round).max();
    let mut text = format!(
        "Polls with nothing new run in a closed loop on {} kept connections: {} of each configuration in each of {} \
         rounds. Within a round, the configurations take turns every few thousand polls. A token (HS256, {} bytes, \
         the same in each poll) is sent as `Authorization`, and its bytes are part of its cost. *Limits* are \
         all limits on connections and rates in [operations.md](operations.md#limits); they refuse nothing here. \
         Each ratio compares two figures of the same round: the second server's with the first's, and all others with \
         the mean of both. A target is not decided if, in a round, those two differ by more than it allows.\n\n\
         | served by | checked | CPU a poll, µs | against no checks | target |\n|---|---|---|---|---|",
        run.connections,
        count(run.requests_per_round),
        rounds.unwrap_or_default(),
        run.token_bytes,
    );
    for way in HttpPath::ALL {
        let nothing = [AccessChecks::Nothing, AccessChecks::NothingAgain];
        let [base, again] = nothing.map(|guard| AdmissionRun::side(way, guard));
        let rounds = round::with_mean(&run.rounds, [&base, &again], MEAN);
        let noise = round::cpu_ratio(&rounds, &again, &base);
        for guard in AccessChecks::ALL {
            let side = AdmissionRun::side(way, guard);
            let each = round::cpu_us(&rounds, &side);
            let ratio = match guard {
                AccessChecks::NothingAgain => noise,
                _ => round::cpu_ratio(&rounds, &side, MEAN),
            };
            let target = guard.target().zip(ratio);
            let target = target.map(|(target, ratio)| verdict(target, ratio.median, noise));
            text += &format!(
                "\n| {} | {} | {} | {} | {} |",
                way.name(),
                guard.name(),
                each.map_or("–".to_owned(), |each| three_digits(each.median)),
                match guard {
                    AccessChecks::Nothing => "1".to_owned(),
                    _ => spread::ratio(ratio),
                },
                target.unwrap_or_default(),
            );
        }
    }
    text
}

/// Whether `ratio` is within `target`, if two equal sides, whose ratio is `noise`, differ by less than the target allows.
fn verdict(target: f64, ratio: f64, noise: Option<Spread>) -> String {
    let margin = target - 1.0;
    let is_decided = noise.is_some_and(|noise| (1.0 - noise.min).max(noise.max - 1.0) <= margin);
    let outcome = match is_decided {
        true => target_verdict(ratio <= target),
        false => "not decided",
    };
    format!("at most {target:.2}: {outcome}")
}

#[cfg(test)]
mod tests {
    use super::super::super::spread::spread;
    use super::super::super::test_fixtures::about;
    use super::*;

    #[test]
    fn a_target_is_only_decided_by_data_that_is_quiet_enough() {
        let quiet = spread([0.99, 1.0, 1.02]);
        assert_eq!(verdict(1.03, 1.02, quiet), "at most 1.03: met");
        assert_eq!(verdict(1.03, 1.04, quiet), "at most 1.03: not met");
        for noisy in [spread([0.72, 1.0]), spread([1.0, 1.2]), None] {
            assert_eq!(verdict(1.03, 1.0, noisy), "at most 1.03: not decided");
        }
    }

    #[test]
    fn checks_are_compared_with_the_mean_of_both_servers_without() {
        let round = |guard, cpu_ns| Round {
            side: AdmissionRun::side(HttpPath::Ordinary, guard),
            round: 1,
            units: 1,
            cpu_ns,
            ..Round::default()
        };
        let run = AdmissionRun {
            about: about(),
            connections: 1,
            requests_per_round: 1,
            token_bytes: 1,
            rounds: vec![
                round(AccessChecks::Nothing, 9000),
                round(AccessChecks::NothingAgain, 11_000),
                round(AccessChecks::Tokens, 12_000),
            ],
        };
        let report = report(&run);
        assert!(
            report.contains("| tokens | 12.0 | 1.20 | at most 1.15: not decided |"),
            "{report}"
        );
    }
}
