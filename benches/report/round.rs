//! The record of one side in one round of a bench whose sides take turns, and statistics over many rounds.

use serde::{Deserialize, Serialize};

use super::spread::{Spread, spread};

/// The work and cost of one side in one round.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Round {
    pub side: String,
    pub round: usize,
    /// Deliveries or requests.
    pub units: u64,
    pub cpu_ns: u64,
    pub wall_ns: u64,
    /// Bytes the clients received.
    pub wire_bytes: u64,
}

impl Round {
    pub fn add(&mut self, part: &Self) {
        self.units += part.units;
        self.cpu_ns += part.cpu_ns;
        self.wall_ns += part.wall_ns;
        self.wire_bytes += part.wire_bytes;
    }

    pub fn cpu_ns_per_unit(&self) -> f64 {
        self.cpu_ns as f64 / self.units as f64
    }

    fn wall_ns_per_unit(&self) -> f64 {
        self.wall_ns as f64 / self.units as f64
    }
}

/// The sides, in the order in which they first ran.
pub fn sides(rounds: &[Round]) -> Vec<&str> {
    let mut sides: Vec<&str> = Vec::new();
    for round in rounds {
        if !sides.contains(&round.side.as_str()) {
            sides.push(&round.side);
        }
    }
    sides
}

fn rounds_of<'a>(rounds: &'a [Round], side: &'a str) -> impl Iterator<Item = &'a Round> {
    rounds.iter().filter(move |round| round.side == side)
}

/// A side's figure relative to that of `base` in the same round.
fn ratio(rounds: &[Round], side: &str, base: &str, figure: fn(&Round) -> f64) -> Option<Spread> {
    spread(rounds_of(rounds, side).filter_map(|round| {
        let base = rounds_of(rounds, base).find(|other| other.round == round.round)?;
        Some(figure(round) / figure(base))
    }))
}

/// CPU per unit relative to that of `base`.
pub fn cpu_ratio(rounds: &[Round], side: &str, base: &str) -> Option<Spread> {
    ratio(rounds, side, base, Round::cpu_ns_per_unit)
}

/// Time per unit relative to that of `base`.
pub fn wall_ratio(rounds: &[Round], side: &str, base: &str) -> Option<Spread> {
    ratio(rounds, side, base, Round::wall_ns_per_unit)
}

/// The rounds with the CPU of the side `part` added to that of `whole`.
pub fn counted_to(rounds: &[Round], part: &str, whole: &str) -> Vec<Round> {
    let others = rounds.iter().filter(|round| round.side != part);
    let with = others.map(|round| {
        let mut round = round.clone();
        if round.side == whole {
            let parts = rounds_of(rounds, part).filter(|part| part.round == round.round);
            round.cpu_ns += parts.map(|part| part.cpu_ns).sum::<u64>();
        }
        round
    });
    with.collect()
}

/// The rounds with one more side, `name`: the mean of `sides`, which do the same work.
pub fn with_mean(rounds: &[Round], sides: [&str; 2], name: &str) -> Vec<Round> {
    let [first, second] = sides;
    let means = rounds_of(rounds, first).map(|round| {
        let mut mean = round.clone();
        name.clone_into(&mut mean.side);
        let others = rounds_of(rounds, second).filter(|other| other.round == round.round);
        others.for_each(|other| mean.add(other));
        mean
    });
    rounds.iter().cloned().chain(means).collect()
}

/// Microseconds of CPU per unit.
pub fn cpu_us(rounds: &[Round], side: &str) -> Option<Spread> {
    spread(rounds_of(rounds, side).map(|round| round.cpu_ns_per_unit() / 1000.0))
}

/// Units a second over all rounds.
pub fn per_second(rounds: &[Round], side: &str) -> Option<f64> {
    rate(rounds, side, |round| round.units)
}

/// Bytes a second that the clients received, over all rounds.
pub fn bytes_per_second(rounds: &[Round], side: &str) -> Option<f64> {
    rate(rounds, side, |round| round.wire_bytes)
}

fn rate(rounds: &[Round], side: &str, amount: fn(&Round) -> u64) -> Option<f64> {
    let sum: u64 = rounds_of(rounds, side).map(amount).sum();
    let wall_ns: u64 = rounds_of(rounds, side).map(|round| round.wall_ns).sum();
    (wall_ns > 0).then(|| sum as f64 / (wall_ns as f64 / 1e9))
}
