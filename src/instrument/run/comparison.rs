//! All runs of one workload, in which transports take turns, and each transport's pooled runs.

use anyhow::{Result, ensure};

use super::{
    measure::measure,
    pool::pool,
    run_control::{Progress, RunControl, STOPPED},
};
use crate::{CpuPinning, RunResult, Target, Transport, Workload};

/// The results of a workload.
#[derive(Debug, Default, Clone)]
pub struct Comparison {
    /// All runs, in the order in which they were made.
    pub runs: Vec<RunResult>,
    /// One result per transport, in the order of the workload: its only run, or its pooled runs.
    pub transports: Vec<RunResult>,
}

/// Measures `workload` on `target`: each of its transports, `repeat` times. `each` gets every run when it ends.
///
/// # Errors
///
/// Those of [`measure`]. A stopped run is not an error: the comparison ends with it. If no message was due before the
/// stop, there is no result, which is an error.
pub async fn compare(
    target: &Target,
    workload: &Workload,
    pinning: &CpuPinning,
    control: &RunControl,
    mut each: impl FnMut(&RunResult),
) -> Result<Comparison> {
    let mut runs = Vec::new();
    for round in 1..=workload.repeat {
        for transport in run_order(&workload.transports, round) {
            if control.is_stopped() {
                break;
            }
            (control.on_progress)(Progress::Run {
                transport,
                round,
                rounds: workload.repeat,
            });
            match measure(target, workload, transport, round, pinning, control).await {
                // It was stopped before its first message was due.
                Ok(outcome) if outcome.interrupted && outcome.expected == 0 => break,
                Ok(outcome) => {
                    each(&outcome);
                    runs.push(outcome);
                }
                // Earlier runs are kept if the run that was just beginning fails.
                Err(_) if control.is_stopped() && !runs.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
    }
    ensure!(!runs.is_empty(), STOPPED);
    Ok(Comparison::from_runs(runs, &workload.transports))
}

impl Comparison {
    pub fn from_runs(runs: Vec<RunResult>, order: &[Transport]) -> Self {
        let transports = order.iter().filter_map(|transport| {
            let own = runs.iter().filter(|run| run.transport == *transport);
            pool(&own.collect::<Vec<_>>())
        });
        Self {
            transports: transports.collect(),
            runs,
        }
    }

    pub fn runs_of(&self, transport: Transport) -> impl Iterator<Item = &RunResult> {
        self.runs
            .iter()
            .filter(move |run| run.transport == transport)
    }

    /// The lowest and the highest value of a figure of `transport` over several runs.
    pub fn range(
        &self,
        transport: Transport,
        figure: fn(&RunResult) -> Option<f64>,
    ) -> Option<(f64, f64)> {
        let figures: Vec<f64> = self.runs_of(transport).filter_map(figure).collect();
        if figures.len() < 2 {
            return None;
        }
        let low = figures.iter().copied().fold(f64::INFINITY, f64::min);
        let high = figures.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Some((low, high))
    }
}

/// The first transport changes from round to round, so that a drift of the machine favours none.
fn run_order(transports: &[Transport], round: u32) -> impl Iterator<Item = Transport> {
    let first = (round as usize - 1) % transports.len().max(1);
    let all = transports.iter().cycle().skip(first);
    all.take(transports.len()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_comparison_that_is_stopped_before_its_first_run_is_an_error() {
        let (_sender, stop) = tokio::sync::watch::channel(true);
        let control = RunControl::new(|_| {}, stop);
        let (target, workload) = (Target::own(), Workload::default());
        let pinning = CpuPinning::free();
        let compared = compare(&target, &workload, &pinning, &control, |_| {});
        let error = compared.await.expect_err("no run");
        assert_eq!(error.to_string(), STOPPED);
    }

    #[test]
    fn each_round_begins_with_another_transport() {
        let order = |round| {
            run_order(&Transport::ALL, round)
                .map(Transport::as_str)
                .collect::<Vec<_>>()
        };
        assert_eq!(order(1), ["poll", "long-poll", "stream"]);
        assert_eq!(order(2), ["long-poll", "stream", "poll"]);
        assert_eq!(order(4), order(1));
    }
}
