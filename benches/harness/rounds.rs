//! The measurement itself: sides that take turns in short slices, one plain record per side and round, and the
//! statistics over many rounds.
//!
//! The speed of a shared machine varies by a fifth within seconds. So only sides of the same round are compared, as
//! ratios, and slices are short enough for all sides to run under the same conditions.

use std::ops::AddAssign;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use serde::Serialize;

use super::report::round;
pub use super::report::round::Round;
use super::report::spread::{Spread, spread};
use super::usage;

/// Time for a server to finish its work after its last answer, so that the slice that caused the work is charged.
const SETTLE_TIME: Duration = Duration::from_millis(1);

/// A server and its load.
pub trait Contender {
    fn name(&self) -> &str;

    /// The server's processes.
    fn pids(&self) -> Vec<i32>;

    /// Runs before each slice and is not counted: the other sides have filled the processor's caches since.
    fn warm_up(&mut self) -> Result<()>;

    /// Returns once `amount` messages are delivered or requests answered.
    fn work(&mut self, amount: u64) -> Result<Work>;

    /// The number of units in `amount`.
    fn units_expected(&self, amount: u64) -> u64;
}

impl<S: Contender + ?Sized> Contender for Box<S> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn pids(&self) -> Vec<i32> {
        (**self).pids()
    }

    fn warm_up(&mut self) -> Result<()> {
        (**self).warm_up()
    }

    fn work(&mut self, amount: u64) -> Result<Work> {
        (**self).work(amount)
    }

    fn units_expected(&self, amount: u64) -> u64 {
        (**self).units_expected(amount)
    }
}

/// The work done in one slice.
#[derive(Clone, Copy, Default)]
pub struct Work {
    /// Deliveries or requests.
    pub units: u64,
    /// Bytes the clients received.
    pub wire_bytes: u64,
}

impl AddAssign for Work {
    fn add_assign(&mut self, part: Self) {
        self.units += part.units;
        self.wire_bytes += part.wire_bytes;
    }
}

/// Calls `step` `times` times and returns the sum.
pub fn repeat(times: u64, mut step: impl FnMut() -> Result<Work>) -> Result<Work> {
    let mut work = Work::default();
    for _ in 0..times {
        work += step()?;
    }
    Ok(work)
}

/// An empty histogram for microseconds up to a minute.
pub fn delays() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}

/// The number of rounds, and the units of work in a round and in a slice of it.
#[derive(Clone, Copy)]
pub struct RoundSizes {
    pub rounds: usize,
    pub per_round: u64,
    pub per_slice: u64,
}

/// Runs slices of all sides in turn, after one slice each that is not counted.
pub fn run_alternating(sides: &mut [impl Contender], amounts: RoundSizes) -> Result<Vec<Round>> {
    let pids: Vec<Vec<i32>> = sides.iter().map(Contender::pids).collect();
    for (side, pids) in sides.iter_mut().zip(&pids) {
        run_slice(side, pids, amounts.per_slice)?;
    }
    let count = sides.len();
    let mut records = Vec::new();
    for round in 1..=amounts.rounds {
        let mut of_round: Vec<Round> = sides
            .iter()
            .map(|side| Round {
                side: side.name().to_owned(),
                round,
                ..Round::default()
            })
            .collect();
        let mut left = amounts.per_round;
        let mut first = round;
        while left > 0 {
            let amount = left.min(amounts.per_slice);
            for turn in 0..count {
                // The order changes with each slice, so that a machine that slows down favours no side.
                let index = (first + turn) % count;
                let part = run_slice(&mut sides[index], &pids[index], amount)
                    .with_context(|| format!("{}, round {round}", of_round[index].side))?;
                of_round[index].add(&part);
            }
            left -= amount;
            first += 1;
        }
        records.append(&mut of_round);
    }
    Ok(records)
}

/// One slice of a side, with the CPU time of its server's processes.
fn run_slice(side: &mut impl Contender, pids: &[i32], amount: u64) -> Result<Round> {
    side.warm_up()?;
    std::thread::sleep(SETTLE_TIME);
    let cpu_before = usage::cpu_time(pids)?;
    let begin = Instant::now();
    let work = side.work(amount)?;
    let wall = begin.elapsed();
    std::thread::sleep(SETTLE_TIME);
    let cpu = usage::cpu_time(pids)? - cpu_before;
    let expected = side.units_expected(amount);
    ensure!(
        work.units == expected,
        "only {} of {expected} units were done",
        work.units
    );
    Ok(Round {
        units: work.units,
        wire_bytes: work.wire_bytes,
        cpu_ns: u64::try_from(cpu.as_nanos())?,
        wall_ns: u64::try_from(wall.as_nanos())?,
        ..Round::default()
    })
}

/// The figures of one side over all rounds.
#[derive(Clone, Debug, Serialize)]
pub struct SideSummary {
    pub side: String,
    pub cpu_ns_per_unit: Spread,
    /// CPU per unit over that of the base side in the same round.
    pub ratio: Spread,
    pub units_per_second: f64,
    pub wire_bytes_per_unit: f64,
}

/// Each side's figures relative to those of `base`, in the order in which the sides first ran.
pub fn summaries(rounds: &[Round], base: &str) -> Vec<SideSummary> {
    let sides = round::sides(rounds).into_iter();
    sides
        .filter_map(|side| side_summary(rounds, side, base))
        .collect()
}

fn side_summary(rounds: &[Round], side: &str, base: &str) -> Option<SideSummary> {
    let own: Vec<&Round> = rounds.iter().filter(|round| round.side == side).collect();
    let units: u64 = own.iter().map(|round| round.units).sum();
    let wire_bytes: u64 = own.iter().map(|round| round.wire_bytes).sum();
    Some(SideSummary {
        side: side.to_owned(),
        cpu_ns_per_unit: spread(own.iter().map(|round| round.cpu_ns_per_unit()))?,
        ratio: round::cpu_ratio(rounds, side, base)?,
        units_per_second: round::per_second(rounds, side)?,
        wire_bytes_per_unit: wire_bytes as f64 / units as f64,
    })
}
