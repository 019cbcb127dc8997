//! The constants of a stack's model, fitted to a run. Of several rounds of one load, the median one is used.

use poll_vs_sse_instrument::calibrate::{Observation, fit, residual};
use poll_vs_sse_instrument::model::idle_share;

use super::super::spread::spread;
use super::{CHECKED_POLLS, FanOutRound, PollRound, Purpose, StackRun};

/// Candidates for the pause in seconds after which the cost of waking up for a poll is half its maximum. The one that
/// fits best is used.
const WAKE_S: [f64; 9] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];
/// Candidates for the pause in seconds after which the extra cost of a message and of its deliveries is half its
/// maximum. The one that fits best is used.
const COLD_S: [f64; 7] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0];
/// The least share of deliveries in the cost of the closed loop. Some stacks wake all streams for each message, also
/// those of other rooms; without this limit, the fit attributes their deliveries to publishing.
const LEAST_DELIVERY_SHARE: f64 = 0.5;
const NS_PER_US: f64 = 1e3;
const NS_PER_S: f64 = 1e9;

/// The CPU of a poll, and of waking up for it after a long pause; after a pause of `wake_s` the latter is half.
pub struct PollCost {
    pub request_us: f64,
    pub wake_us: f64,
    pub wake_s: f64,
}

/// The CPU of a message and of each delivery, and the extra CPU of both after a long pause; after a pause of `cold_s` it
/// is half.
pub struct StreamCost {
    pub publish_us: f64,
    pub publish_cold_us: f64,
    pub delivery_us: f64,
    pub cold_us: f64,
    pub cold_s: f64,
}

/// Fits the cost of polls. `None` if the run has no polls.
pub fn polls(run: &StackRun) -> Option<PollCost> {
    let rounds = run.polls.iter().filter(|it| it.rate != Some(CHECKED_POLLS));
    let rounds = middle_rounds(
        rounds,
        |it| it.rate,
        |it: &PollRound| it.cpu_ns as f64 / it.requests as f64,
    );
    let rows = |wake_s: f64| {
        let rows = rounds.iter().map(|it| {
            let requests = it.requests as f64;
            let seconds = it.wall_ns as f64 / NS_PER_S;
            let idle = (1.0 - it.cpu_ns as f64 / it.wall_ns as f64).max(0.0);
            // In a closed loop the server never sleeps, although the measured CPU is never quite a whole core.
            let asleep = match it.rate {
                Some(_) => idle * idle_share(wake_s, requests / seconds),
                None => 0.0,
            };
            Observation::new([requests, requests * asleep], it.cpu_ns as f64 / NS_PER_US)
        });
        rows.collect::<Vec<_>>()
    };
    let fits = WAKE_S.map(|wake_s| {
        let rows = rows(wake_s);
        let found = fit(&rows);
        (residual(&rows, &found), wake_s, found)
    });
    let best = fits.into_iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
    let (_, wake_s, [request_us, wake_us]) = best;
    (!rounds.is_empty()).then_some(PollCost {
        request_us,
        wake_us,
        wake_s,
    })
}

/// Fits the cost of streams. `idle_us` is the CPU of an open stream in a second without messages.
///
/// The closed loop gives the cost of a message to all streams if messages follow each other directly; paced loads give
/// the extra cost after a pause. The closed loop has only one number of streams, so its cost is divided into publishing
/// and deliveries in the proportion that the fastest paced loads have.
pub fn streams(run: &StackRun, idle_us: f64) -> Option<StreamCost> {
    let rounds = middle_rounds(
        run.fan_out.iter(),
        |it| (it.rate, it.streams),
        |it: &FanOutRound| it.cpu_ns as f64 / it.deliveries as f64,
    );
    let cost_us = |it: &FanOutRound| {
        let idle = idle_us * it.open as f64 * it.wall_ns as f64 / NS_PER_S;
        (it.cpu_ns as f64 / NS_PER_US - idle).max(0.0)
    };
    let closed = rounds.iter().find(|it| it.rate.is_none())?;
    let streams = closed.deliveries as f64 / closed.messages as f64;
    let closed_us = cost_us(closed) / closed.messages as f64;
    let paced: Vec<_> = rounds.iter().filter(|it| it.rate.is_some()).collect();
    // At one rate, so that messages to many and to few streams come after the same pause.
    let fastest = paced.iter().filter_map(|it| it.rate).fold(0.0, f64::max);
    let at_fastest = paced.iter().copied().filter(|it| it.rate == Some(fastest));
    let at_fastest: Vec<_> = at_fastest.collect();
    let [publish_us, delivery_us] = fit(&observations(&at_fastest, |it| {
        Observation::new([it.messages as f64, it.deliveries as f64], cost_us(it))
    }));
    let delivery_share = match streams * delivery_us / (publish_us + streams * delivery_us) {
        share if share.is_finite() => share.max(LEAST_DELIVERY_SHARE),
        // Without paced loads, publishing cannot be separated from deliveries.
        _ => 1.0,
    };
    let publish_us = (1.0 - delivery_share) * closed_us;
    let delivery_us = delivery_share * closed_us / streams;
    let fits = COLD_S.map(|cold_s| {
        let rows = observations(&paced, |it| {
            let (messages, deliveries) = (it.messages as f64, it.deliveries as f64);
            let cold = idle_share(cold_s, messages * NS_PER_S / it.wall_ns as f64);
            let hot_us = messages * publish_us + deliveries * delivery_us;
            Observation::new(
                [messages * cold, deliveries * cold],
                (cost_us(it) - hot_us).max(0.0),
            )
        });
        let found = fit(&rows);
        (residual(&rows, &found), cold_s, found)
    });
    let best = fits.into_iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
    let (_, cold_s, [publish_cold_us, cold_us]) = best;
    Some(StreamCost {
        publish_us,
        publish_cold_us,
        delivery_us,
        cold_us,
        cold_s,
    })
}

fn observations<const N: usize>(
    rounds: &[&&FanOutRound],
    observation: impl Fn(&FanOutRound) -> Observation<N>,
) -> Vec<Observation<N>> {
    rounds.iter().map(|it| observation(it)).collect()
}

/// CPU of a long-poll's request, without what publishing and `idle_us` account for.
pub fn long_poll_us(run: &StackRun, stream: &StreamCost, idle_us: f64) -> Option<f64> {
    let of = |purpose| {
        let each = run.valid_runs_for("long-poll", purpose).filter_map(|it| {
            let seconds = it.seconds();
            let publish_us =
                stream.publish_us + stream.publish_cold_us * idle_share(stream.cold_s, it.rate);
            let others = publish_us * it.rate * seconds + idle_us * it.clients as f64 * seconds;
            let requests = it.requests.unwrap_or(it.arrivals) as f64;
            Some((it.cpu_s? * 1e6 - others).max(0.0) / requests)
        });
        Some(spread(each)?.median)
    };
    let medians = [of(Purpose::Shown), of(Purpose::Fit)];
    Some(spread(medians.into_iter().flatten())?.median)
}

/// For each load, the round with the median figure.
fn middle_rounds<'a, T, K: PartialEq>(
    rounds: impl Iterator<Item = &'a T>,
    load: impl Fn(&T) -> K,
    figure: impl Fn(&T) -> f64,
) -> Vec<&'a T> {
    let mut loads: Vec<Vec<&T>> = Vec::new();
    for round in rounds {
        let same = loads.iter_mut().find(|all| load(all[0]) == load(round));
        match same {
            Some(all) => all.push(round),
            None => loads.push(vec![round]),
        }
    }
    let middle = loads.into_iter().map(|mut all| {
        all.sort_by(|a, b| figure(a).total_cmp(&figure(b)));
        all[all.len() / 2]
    });
    middle.collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{fan_out_round, poll_round, run};
    use super::*;

    #[test]
    fn the_fit_finds_the_constants_that_the_run_was_made_from() {
        let mut measured = run();
        let (publish_us, publish_cold_us, delivery_us, cold_us) = (400.0, 600.0, 20.0, 30.0);
        let (cold_s, idle_us) = (0.1, 5.0);
        for (streams, rate, due) in [
            (90.0, 1000.0, None),
            (90.0, 2.0, Some(2.0)),
            (90.0, 25.0, Some(25.0)),
            (10.0, 25.0, Some(25.0)),
        ] {
            let cold = due.map_or(0.0, |rate| idle_share(cold_s, rate));
            let each =
                publish_us + publish_cold_us * cold + streams * (delivery_us + cold_us * cold);
            let cpu_us = idle_us * 100.0 + rate * each;
            for disturbed in [1.0, 1.0, 7.0] {
                let round = fan_out_round(streams, rate, due, cpu_us * disturbed);
                measured.fan_out.push(round);
            }
        }
        let found = streams(&measured, idle_us).expect("measured");
        for (found, wanted) in [
            (found.publish_us, publish_us),
            (found.publish_cold_us, publish_cold_us),
            (found.delivery_us, delivery_us),
            (found.cold_us, cold_us),
            (found.cold_s, cold_s),
        ] {
            assert!(
                (found / wanted - 1.0).abs() < 0.01,
                "fitted {found} instead of {wanted}"
            );
        }
    }

    #[test]
    fn a_delivery_costs_at_least_half_of_what_it_costs_in_the_closed_loop() {
        let mut measured = run();
        // A stack that wakes all streams for each message: the number of readers hardly matters.
        for (streams, rate, due, each) in [
            (90.0, 250.0, None, 5000.0),
            (90.0, 25.0, Some(25.0), 7500.0),
            (10.0, 25.0, Some(25.0), 7000.0),
        ] {
            let round = fan_out_round(streams, rate, due, rate * each);
            measured.fan_out.push(round);
        }
        let found = streams(&measured, 0.0).expect("measured");
        assert!(
            found.delivery_us >= 5000.0 / 90.0 / 2.0,
            "{}",
            found.delivery_us
        );
    }

    #[test]
    fn the_fit_finds_the_cost_of_waking_up_for_rare_polls() {
        let mut measured = run();
        for (rate, due) in [(5000.0, None), (10.0, Some(10.0)), (120.0, Some(120.0))] {
            let asleep = due.map_or(0.0, |rate| idle_share(0.03, rate));
            // busy = rate * (100 + 300 * asleep * (1 - busy)), in shares of a core
            let (own, waking) = (rate * 100.0 / 1e6, rate * 300.0 * asleep / 1e6);
            let busy = (own + waking) / (1.0 + waking);
            measured.polls.push(poll_round(rate, due, busy * 1e6));
        }
        let found = polls(&measured).expect("measured");
        for (found, wanted) in [
            (found.request_us, 100.0),
            (found.wake_us, 300.0),
            (found.wake_s, 0.03),
        ] {
            assert!(
                (found / wanted - 1.0).abs() < 0.01,
                "fitted {found} instead of {wanted}"
            );
        }
    }
}
