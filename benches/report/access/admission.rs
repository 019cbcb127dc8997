//! The cost that tokens and limits add to an empty poll.

use serde::{Deserialize, Serialize};

use super::super::number::{count, target_verdict, three_digits};
use super::super::part::Part;
use super::super::provenance::Provenance;
use super::super::round::{self, Round};
use super::super::spread;

/// The highest CPU of an empty poll with tokens, and with limits, relative to one with neither.
const TOKENS_TARGET: f64 = 1.15;
const LIMITS_TARGET: f64 = 1.03;

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
         Each ratio compares two figures of the same round.\n\n\
         | served by | checked | CPU a poll, µs | against no checks | target |\n|---|---|---|---|---|",
        run.connections,
        count(run.requests_per_round),
        rounds.unwrap_or_default(),
        run.token_bytes,
    );
    for way in HttpPath::ALL {
        let base = AdmissionRun::side(way, AccessChecks::Nothing);
        for guard in AccessChecks::ALL {
            let side = AdmissionRun::side(way, guard);
            let each = round::cpu_us(&run.rounds, &side);
            let ratio = round::cpu_ratio(&run.rounds, &side, &base);
            let target = guard.target().zip(ratio).map(|(target, ratio)| {
                let is_met = target_verdict(ratio.median <= target);
                format!("at most {target:.2}: {is_met}")
            });
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
