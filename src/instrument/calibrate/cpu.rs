//! The CPU of each kind of event. All transports are fitted together, because they share some constants.
//!
//! The cost is not linear in four of the constants, which are times. The fit tries values for these one after another,
//! and finds all others by least squares.

use anyhow::{Result, ensure};

use super::{
    CalibrationRun, MeasurePurpose,
    fit::{Observation, fit, residual},
    observed_rates::ObservedRates,
};
use crate::{
    Transport,
    model::{Model, PerTransport, ServerLimits, US_PER_S, idle_share},
};

const KIB: f64 = 1024.0;
/// Columns of the fit.
const COSTS: usize = 15;

#[derive(Clone, Copy)]
struct TimeConstants {
    wake_s: f64,
    deep_wake_s: f64,
    cold_s: f64,
    publish_cold_s: f64,
}

/// The starting values.
const FIRST: TimeConstants = TimeConstants {
    wake_s: 1e-3,
    deep_wake_s: 1.6e-2,
    cold_s: 0.3,
    publish_cold_s: 0.1,
};
/// The range in which each is searched, in this order.
const SEARCHES: [([f64; 2], Constant); 4] = [
    ([2.5e-4, 4e-3], |it| &mut it.wake_s),
    ([4e-3, 6.4e-2], |it| &mut it.deep_wake_s),
    // The points determine it only weakly: the value found from many messages a second is right only within this range.
    ([2e-1, 4.5e-1], |it| &mut it.cold_s),
    ([2.5e-3, 1.0], |it| &mut it.publish_cold_s),
];
type Constant = fn(&mut TimeConstants) -> &mut f64;
/// The number of values tried for each, between its bounds.
const CANDIDATES: u32 = 20;
/// How often each constant is searched, with the values found for the others.
const ITERATIONS: u32 = 2;

/// The costs of all kinds of event over HTTP/1.1 without TLS.
pub struct PlainCosts {
    lengths: TimeConstants,
    costs: [f64; COSTS],
}

impl PlainCosts {
    /// The costs that fit `runs` best. `model` has the bytes.
    pub fn fit(model: &Model, runs: &[&CalibrationRun]) -> Result<Self> {
        ensure!(
            runs.iter().all(|run| run.outcome.server_cpu_s.is_some()),
            "the server's CPU time cannot be read on this system"
        );
        let mut lengths = FIRST;
        for _ in 0..ITERATIONS {
            for (range, constant) in SEARCHES {
                let found = best(range, |length| {
                    let mut tried = lengths;
                    *constant(&mut tried) = length;
                    rows(model, runs, tried)
                });
                *constant(&mut lengths) = found;
            }
        }
        let costs = fit(&rows(model, runs, lengths));
        Ok(Self { lengths, costs })
    }

    /// The CPU that `run` would have taken with these costs, microseconds a second.
    pub fn predicted(&self, model: &Model, run: &CalibrationRun) -> f64 {
        row(model, run, self.lengths).predicted(&self.costs)
    }

    pub fn set(&self, model: &mut Model) {
        let [
            base_us,
            publish_us,
            publish_cold_us,
            wake_us,
            deep_wake_us,
            request_us,
            answer_us,
            long_poll_us,
            message_us,
            kib_us,
            pushed_us,
            cold_us,
            pushed_kib_us,
            keep_alive_us,
            connect_us,
        ] = self.costs;
        let TimeConstants {
            wake_s,
            deep_wake_s,
            cold_s,
            publish_cold_s,
        } = self.lengths;
        (model.base_us, model.publish_us) = (base_us, publish_us);
        (model.publish_cold_us, model.publish_cold_s) = (publish_cold_us, publish_cold_s);
        (model.wake_us, model.wake_s) = (wake_us, wake_s);
        (model.deep_wake_us, model.deep_wake_s) = (deep_wake_us, deep_wake_s);
        model.connect_us = connect_us;
        let PerTransport {
            poll,
            long_poll,
            stream,
        } = &mut model.transports;
        (poll.request_us, poll.answer_us) = (request_us, answer_us);
        long_poll.request_us = long_poll_us;
        for asking in [poll, long_poll] {
            (asking.message_us, asking.kib_us) = (message_us, kib_us);
        }
        (stream.message_us, stream.kib_us) = (pushed_us, pushed_kib_us);
        (stream.cold_us, stream.cold_s) = (cold_us, cold_s);
        stream.keep_alive_us = keep_alive_us;
    }
}

/// The value with which the costs fit best, on a logarithmic scale.
fn best([least, most]: [f64; 2], rows: impl Fn(f64) -> Vec<Observation<COSTS>>) -> f64 {
    let at = |step: u32| least * (most / least).powf(f64::from(step) / f64::from(CANDIDATES));
    let residual = |length: &f64| {
        let rows = rows(*length);
        residual(&rows, &fit(&rows))
    };
    let tried = (0..=CANDIDATES)
        .map(at)
        .map(|length| (residual(&length), length));
    let best = tried.min_by(|one, other| one.0.total_cmp(&other.0));
    best.map_or(least, |(_, length)| length)
}

fn rows(
    model: &Model,
    runs: &[&CalibrationRun],
    lengths: TimeConstants,
) -> Vec<Observation<COSTS>> {
    runs.iter().map(|run| row(model, run, lengths)).collect()
}

fn row(model: &Model, run: &CalibrationRun, lengths: TimeConstants) -> Observation<COSTS> {
    let TimeConstants {
        wake_s,
        deep_wake_s,
        cold_s,
        publish_cold_s,
    } = lengths;
    let rates = ObservedRates::from_run(run);
    let point = &run.point;
    let cores = f64::from(model.server_cores);
    let message_bytes = model
        .transports
        .get(point.transport)
        .wire_bytes(point.size as f64);
    let of = |transport, count: f64| {
        if point.transport == transport {
            count
        } else {
            0.0
        }
    };
    let where_it_is = |purpose, count: f64| {
        if point.purpose == purpose { count } else { 0.0 }
    };
    let asleep = |after_s| rates.idle(cores) * idle_share(after_s, rates.requests / cores);
    let woken = |after_s| rates.requests * asleep(after_s);
    let kib = rates.deliveries * message_bytes / KIB;
    let polled = |count: f64| of(Transport::Poll, count) + of(Transport::LongPoll, count);
    let keep_alives = (rates.wire_bytes_out - rates.deliveries * message_bytes)
        / ServerLimits::OWN.keep_alive_bytes;
    Observation::new(
        [
            1.0,
            rates.published,
            rates.published * idle_share(publish_cold_s, rates.published),
            of(Transport::Poll, woken(wake_s)),
            of(Transport::Poll, woken(deep_wake_s)),
            of(Transport::Poll, rates.requests),
            of(Transport::Poll, rates.requests - rates.empty),
            of(Transport::LongPoll, rates.requests),
            // A poll and a long-poll put messages into an answer in the same way.
            polled(rates.deliveries),
            polled(kib),
            of(Transport::Stream, rates.deliveries),
            of(
                Transport::Stream,
                rates.deliveries * idle_share(cold_s, point.rate),
            ),
            of(Transport::Stream, kib),
            where_it_is(MeasurePurpose::FitIdle, keep_alives),
            where_it_is(MeasurePurpose::FitConnecting, rates.requests),
        ],
        rates.cores * US_PER_S,
    )
}
