//! A side that uses a NATS server, whose CPU time is counted separately.

use anyhow::Result;

use super::rounds::{Contender, Round, Work};
use super::servers::RunningServer;
use super::usage::cpu_time;

/// A side, and the NATS server that it uses, if any.
pub struct SideWithNats<S> {
    pub side: S,
    nats: Option<RunningServer>,
    /// CPU time of the NATS server in each slice.
    cpu_ns: Vec<u64>,
}

impl<S: Contender> SideWithNats<S> {
    /// Without `nats` this only forwards to the side.
    pub fn new(side: S, nats: Option<RunningServer>) -> Self {
        Self {
            side,
            nats,
            cpu_ns: Vec::new(),
        }
    }

    /// A copy of each of this side's `rounds` with the CPU time of its NATS server, as rounds of a side called
    /// `as_side`.
    pub fn nats_rounds(
        &self,
        rounds: &[Round],
        slices_a_round: usize,
        as_side: &str,
    ) -> Vec<Round> {
        let own = rounds.iter().filter(|round| round.side == self.name());
        // The first slice is not counted.
        let slices = self.cpu_ns.get(1..).unwrap_or_default();
        let of_rounds = slices.chunks(slices_a_round).zip(own);
        let nats = of_rounds.map(|(slices, own)| Round {
            side: as_side.to_owned(),
            cpu_ns: slices.iter().sum(),
            ..own.clone()
        });
        nats.collect()
    }
}

impl<S: Contender> Contender for SideWithNats<S> {
    fn name(&self) -> &str {
        self.side.name()
    }

    fn pids(&self) -> Vec<i32> {
        self.side.pids()
    }

    fn warm_up(&mut self) -> Result<()> {
        self.side.warm_up()
    }

    fn work(&mut self, amount: u64) -> Result<Work> {
        let Some(nats) = &self.nats else {
            return self.side.work(amount);
        };
        let pids = nats.process.pids();
        let before = cpu_time(&pids)?;
        let work = self.side.work(amount)?;
        let used = cpu_time(&pids)? - before;
        self.cpu_ns.push(u64::try_from(used.as_nanos())?);
        Ok(work)
    }

    fn units_expected(&self, amount: u64) -> u64 {
        self.side.units_expected(amount)
    }
}
