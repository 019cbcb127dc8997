//! The constants of a stack's model, fitted to a run. Of several rounds of one load, the median one is used.

use poll_vs_sse_instrument::calibrate::{Observation, fit, residual};
use poll_vs_sse_instrument::model::idle_share;

use super::super::spread::spread;
use super::{CHECKED_POLLS, FanOutRound, PollRound, Purpose, StackRun};

/// Candidates for the pause in seconds after which the cost of waking up for a poll is half its maximum. The one that
/// fits best is used.
const WAKE_S: [f64; 9] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];
/// The pause in seconds after which the extra cost of a delivery is half its maximum. It is a fixed value between the
/// measured pauses, because two rates are not enough to fit it.
const COLD_S: f64 = 0.1;
const NS_PER_US: f64 = 1e3;
const NS_PER_S: f64 = 1e9;

/// The CPU of a poll, and of waking up for it after a long pause; after a pause of `wake_s` the latter is half.
pub struct PollCost {
    pub request_us: f64,
    pub wake_us: f64,
    pub wake_s: f64,
}

/// The CPU of a message and of each delivery, and the extra CPU of a delivery after a long pause; after a pause of
/// `cold_s` the latter is half.
pub struct StreamCost {
    pub publish_us: f64,
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
            Observation {
                counts: [requests, requests * asleep],
                cost: it.cpu_ns as f64 / NS_PER_US,
            }
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
pub fn streams(run: &StackRun, idle_us: f64) -> Option<StreamCost> {
    // With only one load, the cost of a message cannot be separated from that of its deliveries.
    let is_varied = run.has_paced_fan_out();
    let rounds = middle_rounds(
        run.fitted_fan_out(),
        |it| (it.rate, it.streams),
        |it: &FanOutRound| it.cpu_ns as f64 / it.deliveries as f64,
    );
    let rows = rounds.iter().map(|it| {
        let seconds = it.wall_ns as f64 / NS_PER_S;
        let messages = it.messages as f64;
        let deliveries = it.deliveries as f64;
        let cold = deliveries * idle_share(COLD_S, messages / seconds);
        let idle = idle_us * it.open as f64 * seconds;
        Observation {
            counts: match is_varied {
                true => [messages, deliveries, cold],
                false => [0.0, deliveries, 0.0],
            },
            cost: (it.cpu_ns as f64 / NS_PER_US - idle).max(0.0),
        }
    });
    let rows: Vec<_> = rows.collect();
    let [publish_us, delivery_us, cold_us] = fit(&rows);
    (!rows.is_empty()).then_some(StreamCost {
        publish_us,
        delivery_us,
        cold_us,
        cold_s: COLD_S,
    })
}

/// CPU of a long-poll's request, without what `publish_us` and `idle_us` account for.
pub fn long_poll_us(run: &StackRun, publish_us: f64, idle_us: f64) -> Option<f64> {
    let of = |purpose| {
        let each = run.valid_runs_for("long-poll", purpose).filter_map(|it| {
            let seconds = it.seconds();
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
        let (publish_us, delivery_us, cold_us, idle_us) = (400.0, 20.0, 30.0, 5.0);
        // A closed loop costs less, and must not affect the fit at steady rates.
        let hot = fan_out_round(90.0, 1000.0, None, 90_000.0);
        measured.fan_out.push(hot);
        for (streams, rate, due) in [
            (90.0, 2.0, Some(2.0)),
            (90.0, 25.0, Some(25.0)),
            (10.0, 25.0, Some(25.0)),
        ] {
            let each = publish_us + streams * (delivery_us + cold_us * idle_share(0.1, rate));
            let cpu_us = idle_us * 100.0 + rate * each;
            for disturbed in [1.0, 1.0, 7.0] {
                let round = fan_out_round(streams, rate, due, cpu_us * disturbed);
                measured.fan_out.push(round);
            }
        }
        let found = streams(&measured, idle_us).expect("measured");
        for (found, wanted) in [
            (found.publish_us, publish_us),
            (found.delivery_us, delivery_us),
            (found.cold_us, cold_us),
            (found.cold_s, 0.1),
        ] {
            assert!(
                (found / wanted - 1.0).abs() < 0.01,
                "fitted {found} instead of {wanted}"
            );
        }
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
