//! The measurements of a stack: its records, their figures, and `docs/stacks.md`, which is made from them.

mod advice;
pub mod catalog;
mod fit;
pub mod models;
pub mod page;
mod records;
mod table;

pub use records::*;

use std::time::Duration;

use super::spread::{Spread, spread};

/// The rate of polls a second at which models are checked, and which they are not fitted to.
pub const CHECKED_POLLS: f64 = 40.0;

/// The pause between the first looks at the sockets of clients that left.
pub const DEPARTURE_INTERVAL: Duration = Duration::from_millis(20);

/// A stack's file in a run's directory.
pub fn file(stack: &str) -> String {
    format!("stack-{stack}.json")
}

/// The share of the processors above which other work disturbs a measurement.
const MAX_OTHER_WORK: f64 = 0.05;

impl StackRun {
    /// Whether other work used the machine during the measurement.
    pub fn is_busy(&self) -> bool {
        match self.other_work {
            Some(share) => share > MAX_OTHER_WORK,
            None => self.about.machine.is_busy(),
        }
    }

    /// The rounds of the closed loop.
    fn saturating_polls(&self) -> impl Iterator<Item = &PollRound> {
        self.polls.iter().filter(|it| it.rate.is_none())
    }

    fn saturating_fan_out(&self) -> impl Iterator<Item = &FanOutRound> {
        self.fan_out.iter().filter(|it| it.rate.is_none())
    }

    fn has_paced_fan_out(&self) -> bool {
        self.fan_out.iter().any(|it| it.rate.is_some())
    }

    /// The rounds at steady rates. Older runs have only those of the closed loop.
    fn paced_fan_out(&self) -> impl Iterator<Item = &FanOutRound> {
        let is_varied = self.has_paced_fan_out();
        let rounds = self.fan_out.iter();
        rounds.filter(move |it| it.rate.is_some() || !is_varied)
    }

    pub fn poll_cpu_us(&self) -> Option<Spread> {
        spread(
            self.saturating_polls()
                .map(|it| it.cpu_ns as f64 / 1e3 / it.requests as f64),
        )
    }

    /// Bytes of an empty answer.
    pub fn poll_bytes(&self) -> Option<Spread> {
        spread(
            self.saturating_polls()
                .map(|it| it.wire_bytes as f64 / it.requests as f64),
        )
    }

    pub fn delivery_cpu_us(&self) -> Option<Spread> {
        spread(
            self.saturating_fan_out()
                .map(|it| it.cpu_ns as f64 / 1e3 / it.deliveries as f64),
        )
    }

    /// Bytes of a message to a stream.
    pub fn event_bytes(&self) -> Option<Spread> {
        spread(
            self.saturating_fan_out()
                .map(|it| it.wire_bytes as f64 / it.deliveries as f64),
        )
    }

    /// The most open streams with which a plain request was still answered, if more streams starved it.
    pub fn starved_above(&self) -> Option<f64> {
        let starves = |it: &StreamCapacity| it.plain.iter().any(|it| it.ms.is_none());
        let limits = self.holding.iter().filter(|it| starves(it));
        spread(limits.map(|it| it.most_streams() as f64)).map(|it| it.min)
    }

    /// CPU of a delivery at the steady load, from valid runs only.
    pub fn steady_cpu_us(&self, transport: &str) -> Option<Spread> {
        let runs = self.valid_runs(transport);
        spread(runs.filter_map(|it| Some(it.cpu_s? * 1e6 / it.arrivals as f64)))
    }

    /// Milliseconds until half of the clients, or 99 of 100, had received a message.
    pub fn delay_ms(&self, transport: &str, of: fn(&SteadyRun) -> Option<u64>) -> Option<Spread> {
        spread(
            self.valid_runs(transport)
                .filter_map(|it| Some(of(it)? as f64 / 1e3)),
        )
    }

    fn valid_runs(&self, transport: &str) -> impl Iterator<Item = &SteadyRun> {
        self.valid_runs_for(transport, Purpose::Shown)
    }

    fn valid_runs_for(
        &self,
        transport: &str,
        purpose: Purpose,
    ) -> impl Iterator<Item = &SteadyRun> {
        self.steady
            .iter()
            .filter(move |it| it.transport == transport && it.valid && it.purpose == purpose)
    }

    pub fn idle_kib(&self) -> Option<Spread> {
        spread(self.holding.iter().filter(|it| it.open > 0).map(|it| {
            (it.memory_after_kib as f64 - it.memory_before_kib as f64).max(0.0) / it.open as f64
        }))
    }

    /// Share of a core for each idle stream, in millionths.
    pub fn idle_cpu_ppm(&self) -> Option<Spread> {
        spread(
            self.holding
                .iter()
                .filter(|it| it.open > 0)
                .map(|it| it.idle_cpu * 1e6 / it.open as f64),
        )
    }

    /// The most open streams with which a plain request was answered within 2 s, and whether that was the most that
    /// were tried.
    pub fn most_streams(&self) -> Option<(Spread, bool)> {
        let most = spread(self.holding.iter().map(|it| it.most_streams() as f64))?;
        let is_open_ended = self.holding.iter().all(|it| it.most_streams() == it.tried);
        Some((most, is_open_ended))
    }

    pub fn stop_ms(&self) -> Option<Spread> {
        spread(
            self.holding
                .iter()
                .map(|it| it.stop_ms.unwrap_or(it.stop_limit_ms)),
        )
    }

    pub fn stops(&self) -> bool {
        self.holding.iter().all(|it| it.stop_ms.is_some())
    }

    pub fn stalled_kib(&self) -> Option<Spread> {
        spread(self.stalled.iter().map(|it| {
            (it.memory_after_kib as f64 - it.memory_before_kib as f64).max(0.0) / it.readers as f64
        }))
    }

    /// The time until the server noticed that a client had left. Older runs also looked at once, and counted sockets
    /// that they had not found as closed, so what they noticed before the first pause counts as not measured.
    pub fn departure_s(&self) -> Option<Spread> {
        let noticed = self.departures.iter();
        let noticed = noticed.map(|it| it.noticed_s.unwrap_or(it.limit_s));
        spread(noticed.filter(|seconds| *seconds >= DEPARTURE_INTERVAL.as_secs_f64()))
    }
}

impl SteadyRun {
    /// The length of the measured time, from the messages due in it and their rate.
    pub fn seconds(&self) -> f64 {
        self.expected as f64 / self.clients as f64 / self.rate
    }
}

impl StreamCapacity {
    pub fn most_streams(&self) -> usize {
        let answered = self.plain.iter().filter(|it| it.ms.is_some());
        answered.map(|it| it.streams).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_fixtures::about;
    use super::*;

    /// The run of a stack without measurements.
    pub fn run() -> StackRun {
        StackRun::empty("express", None, about())
    }

    /// A second of messages to some of 100 open streams.
    pub fn fan_out_round(streams: f64, per_s: f64, due: Option<f64>, cpu_us: f64) -> FanOutRound {
        FanOutRound {
            streams: streams as usize,
            open: 100,
            rate: due,
            messages: per_s as u64,
            deliveries: (per_s * streams) as u64,
            wall_ns: 1_000_000_000,
            cpu_ns: (cpu_us * 1e3) as u64,
            wire_bytes: 0,
        }
    }

    /// A second of polls.
    pub fn poll_round(per_s: f64, due: Option<f64>, cpu_us: f64) -> PollRound {
        PollRound {
            connections: 16,
            rate: due,
            requests: per_s as u64,
            wall_ns: 1_000_000_000,
            cpu_ns: (cpu_us * 1e3) as u64,
            wire_bytes: 0,
            reopened: 0,
        }
    }

    #[test]
    fn a_departure_that_was_noticed_before_the_first_pause_was_not_measured() {
        let mut run = run();
        let departure = |seconds| Departure {
            noticed_s: Some(seconds),
            limit_s: 32.0,
        };
        run.departures = vec![departure(0.000_14)];
        assert!(run.departure_s().is_none());
        run.departures.push(departure(0.0203));
        assert_eq!(run.departure_s().expect("one").median, 0.0203);
    }

    #[test]
    fn only_other_work_makes_a_machine_busy_not_the_previous_stack() {
        let mut run = run();
        assert!(run.is_busy(), "an older run has only the load averages");
        run.other_work = Some(0.01);
        assert!(!run.is_busy());
        run.other_work = Some(0.3);
        assert!(run.is_busy());
    }
}
