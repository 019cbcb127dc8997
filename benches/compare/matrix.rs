//! What is measured: the combinations, in groups of the same load, and for how long each runs.

use std::time::Duration;

use poll_vs_sse::compare::{Transport, Workload};

use super::figures::compare::{Combination, FLOOR, NCHAN};

/// Bytes of a message's text: a line of chat.
pub const SIZE: usize = 100;

/// The axes.
pub struct Matrix {
    clients: &'static [usize],
    rates: &'static [f64],
    intervals: &'static [f64],
    /// A run is measured for at least so long.
    base: Duration,
    /// Loads at which nchan is asked too, and the interval of its polls.
    nchan: &'static [(usize, f64)],
    nchan_interval: f64,
    /// The least message rate at which the bare loop is measured: below it there is nothing to measure.
    floor_rate: f64,
    /// Below this message rate a load is measured in the first round only: it takes ten seconds to see
    /// one message.
    repeated_rate: f64,
}

pub const FULL: Matrix = Matrix {
    clients: &[10, 100, 1000, 5000],
    rates: &[0.1, 1.0, 10.0, 100.0],
    intervals: &[0.25, 1.0, 5.0],
    base: Duration::from_secs(2),
    nchan: &[(100, 1.0), (100, 10.0), (1000, 1.0), (1000, 10.0)],
    nchan_interval: 1.0,
    floor_rate: 10.0,
    repeated_rate: 1.0,
};

pub const QUICK: Matrix = Matrix {
    clients: &[100, 1000],
    rates: &[1.0, 10.0],
    intervals: &[1.0],
    base: Duration::from_secs(1),
    nchan: &[(1000, 10.0)],
    nchan_interval: 1.0,
    floor_rate: 10.0,
    repeated_rate: 1.0,
};

impl Matrix {
    /// The combinations of each load, which are measured one right after the other.
    pub fn loads(&self) -> Vec<Vec<Combination>> {
        let pairs = self
            .clients
            .iter()
            .flat_map(|clients| self.rates.iter().map(move |rate| (*clients, *rate)));
        pairs
            .map(|(clients, rate)| self.load(clients, rate))
            .collect()
    }

    fn load(&self, clients: usize, rate: f64) -> Vec<Combination> {
        let of = |transport, interval| Combination::ours(transport, clients, rate, interval);
        let mut all = vec![of(Transport::Stream, None), of(Transport::LongPoll, None)];
        let polls = self.intervals.iter();
        all.extend(polls.map(|interval| of(Transport::Poll, Some(*interval))));
        if rate >= self.floor_rate {
            all.push(of(Transport::Stream, None).on(FLOOR));
        }
        if self.nchan.contains(&(clients, rate)) {
            all.push(of(Transport::Stream, None).on(NCHAN));
            all.push(of(Transport::LongPoll, None).on(NCHAN));
            all.push(of(Transport::Poll, Some(self.nchan_interval)).on(NCHAN));
        }
        all
    }

    /// Whether `of` is measured in this round.
    pub fn is_due(&self, of: &Combination, round: u32) -> bool {
        round == 1 || of.rate >= self.repeated_rate
    }

    /// The run of `of`.
    pub fn workload(&self, of: &Combination) -> Workload {
        let interval = of.interval_s.map(Duration::from_secs_f64);
        // Whole intervals, so that every client polls as often as any other.
        let base = match interval {
            Some(interval) => {
                interval.mul_f64((self.base.as_secs_f64() / interval.as_secs_f64()).ceil())
            }
            None => self.base,
        };
        Workload {
            transports: vec![of.transport],
            clients: of.clients,
            rate: of.rate,
            interval: interval.unwrap_or(Duration::from_secs(1)),
            duration: base,
            size: SIZE,
            ..Workload::default()
        }
    }

    /// About how long it takes, with the way to it and from it.
    pub fn takes(&self, of: &Combination) -> Duration {
        const START_AND_STOP: Duration = Duration::from_millis(300);
        const CONNECT: Duration = Duration::from_micros(70);
        let workload = self.workload(of);
        let arrive = match of.interval_s {
            Some(interval) => interval.min(0.5 / of.rate + interval),
            None => 0.1,
        };
        START_AND_STOP
            + CONNECT * u32::try_from(of.clients).unwrap_or(u32::MAX)
            + workload.warm_up(of.transport)
            + workload.measured()
            + Duration::from_secs_f64(arrive)
    }

    /// About how long all of it takes.
    pub fn takes_all(&self, loads: &[Vec<Combination>], rounds: u32) -> Duration {
        let all = (1..=rounds).flat_map(|round| {
            let due = loads.iter().flatten();
            due.filter(move |of| self.is_due(of, round))
        });
        all.map(|of| self.takes(of)).sum()
    }
}
