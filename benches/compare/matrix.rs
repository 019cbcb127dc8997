//! The combinations to measure, in groups of the same load, and how long each runs.

use std::time::Duration;

use poll_vs_sse_instrument::{Transport, Workload};

use super::report::compare::{Combination, FLOOR, HEAD, NCHAN};

/// Bytes of a message's text: a line of chat.
pub const SIZE: usize = 100;

/// The axes.
pub struct MatrixPlan {
    clients: &'static [usize],
    rates: &'static [f64],
    intervals: &'static [f64],
    /// The length of a run from each message rate up. The first entry whose rate is not above the run's applies.
    lengths: &'static [(f64, Duration)],
    /// Loads (clients, message rate) at which nchan is measured too, and the interval of its polls.
    nchan: &'static [(usize, f64)],
    nchan_interval: f64,
    /// The lowest message rate at which the bare loop is measured. Below it the loop does next to nothing.
    floor_rate: f64,
    /// Below this message rate a load is measured in the first round only, because it takes ten seconds to see
    /// one message.
    repeated_rate: f64,
    /// The message rates around which polling becomes cheaper than streams. At these rates runs shorter than
    /// `short_run` get one more round, and runs longer than `long_run` are repeated, which they are at no other rate.
    break_even_rates: &'static [f64],
    short_run: Duration,
    long_run: Duration,
}

pub const FULL: MatrixPlan = MatrixPlan {
    clients: &[10, 100, 1000, 5000],
    rates: &[0.1, 1.0, 10.0, 100.0],
    intervals: &[0.25, 1.0, 5.0],
    lengths: &[
        (10.0, Duration::from_secs(2)),
        (1.0, Duration::from_secs(6)),
        (0.0, Duration::from_secs(20)),
    ],
    nchan: &[(100, 10.0), (1000, 1.0), (1000, 10.0)],
    nchan_interval: 1.0,
    floor_rate: 10.0,
    repeated_rate: 1.0,
    break_even_rates: &[1.0, 10.0],
    short_run: Duration::from_secs(5),
    long_run: Duration::from_secs(15),
};

pub const QUICK: MatrixPlan = MatrixPlan {
    clients: &[100, 1000],
    rates: &[1.0, 10.0],
    intervals: &[1.0],
    lengths: &[
        (10.0, Duration::from_secs(1)),
        (0.0, Duration::from_secs(2)),
    ],
    nchan: &[(1000, 10.0)],
    nchan_interval: 1.0,
    floor_rate: 10.0,
    repeated_rate: 1.0,
    break_even_rates: &[],
    short_run: Duration::ZERO,
    long_run: Duration::from_secs(15),
};

impl MatrixPlan {
    /// The combinations of each load. Those of one load are measured one right after the other.
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

    /// Whether `of` is measured in this `round` of a run of `rounds`. `round` may be `rounds + 1`.
    pub fn is_due(&self, of: &Combination, round: u32, rounds: u32) -> bool {
        let is_near_break_even = self.break_even_rates.contains(&of.rate);
        let takes = self.expected_time(of);
        match round {
            1 => true,
            _ if of.rate < self.repeated_rate => false,
            _ if round <= rounds => is_near_break_even || takes < self.long_run,
            _ => is_near_break_even && takes < self.short_run && of.subject != NCHAN,
        }
    }

    /// The numbers of the rounds, with the additional one if there are `break_even_rates`.
    pub fn rounds(&self, rounds: u32) -> std::ops::RangeInclusive<u32> {
        1..=rounds + u32::from(!self.break_even_rates.is_empty())
    }

    fn length(&self, rate: f64) -> Duration {
        let mut lengths = self.lengths.iter();
        let found = lengths.find(|(least, _)| rate >= *least);
        found.map_or(Duration::from_secs(1), |(_, length)| *length)
    }

    pub fn workload(&self, of: &Combination) -> Workload {
        let interval = of.interval_s.map(Duration::from_secs_f64);
        // A whole number of intervals, so that every client polls equally often.
        let length = self.length(of.rate);
        let length = match interval {
            Some(interval) => {
                interval.mul_f64((length.as_secs_f64() / interval.as_secs_f64()).ceil())
            }
            None => length,
        };
        Workload {
            transports: vec![of.transport],
            clients: of.clients,
            rate: of.rate,
            interval: interval.unwrap_or(Duration::from_secs(1)),
            duration: length,
            size: SIZE,
            head: HEAD,
            ..Workload::default()
        }
    }

    /// The estimated time of a run, from starting the server to stopping it.
    pub fn expected_time(&self, of: &Combination) -> Duration {
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

    /// The estimated time of all runs.
    pub fn expected_time_of_all(&self, loads: &[Vec<Combination>], rounds: u32) -> Duration {
        let all = self.rounds(rounds).flat_map(|round| {
            let due = loads.iter().flatten();
            due.filter(move |of| self.is_due(of, round, rounds))
        });
        all.map(|of| self.expected_time(of)).sum()
    }
}
