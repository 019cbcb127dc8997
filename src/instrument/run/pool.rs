//! Pools several runs of one transport into one record: counts are added up, delays come from the buckets of all
//! runs, levels are medians, and the CPU time of opening is a mean, because `clients` are those of one run.

use hdrhistogram::Histogram;

use super::record::percentiles;
use crate::recording::delay_histogram::new_histogram;
use crate::recording::run_result::{
    Bucket, LoadGeneratorStats, MemorySample, PeakStats, PublishStats, RestartStats, RoomStats,
    RunResult, SecondStats, Steps, VanishStats,
};

/// `None` without runs; a single run is returned as it is.
pub fn pool(runs: &[&RunResult]) -> Option<RunResult> {
    let (first, others) = runs.split_first()?;
    if others.is_empty() {
        return Some((*first).clone());
    }
    let sum = |of: fn(&RunResult) -> u64| runs.iter().map(|run| of(run)).sum::<u64>();
    let median = |of: fn(&RunResult) -> Option<u64>| {
        let mut known: Vec<u64> = runs.iter().filter_map(|run| of(run)).collect();
        known.sort_unstable();
        known.get(known.len() / 2).copied()
    };
    let buckets = buckets(runs);
    let mut pooled = RunResult {
        transport: first.transport,
        round: 0,
        clients: first.clients,
        duration_s: runs.iter().map(|run| run.duration_s).sum(),
        published: sum(|run| run.published),
        requests: sum(|run| run.requests),
        empty: sum(|run| run.empty),
        deliveries: sum(|run| run.deliveries),
        expected: sum(|run| run.expected),
        missed: sum(|run| run.missed),
        duplicates: sum(|run| run.duplicates),
        out_of_order: sum(|run| run.out_of_order),
        wire_bytes_in: sum(|run| run.wire_bytes_in),
        wire_bytes_out: sum(|run| run.wire_bytes_out),
        delay_us: percentiles(&histogram(&buckets)),
        server_cpu_s: runs.iter().map(|run| run.server_cpu_s).sum(),
        server_memory_bytes: median(|run| run.server_memory_bytes),
        server_memory_base_bytes: median(|run| run.server_memory_base_bytes),
        server_cores: first.server_cores,
        connections: sum(|run| run.connections),
        errors: sum(|run| run.errors),
        first_error: runs.iter().find_map(|run| run.first_error.clone()),
        ended_streams: sum(|run| run.ended_streams),
        unanswered: sum(|run| run.unanswered),
        protocol: first.protocol,
        tls: first.tls.clone(),
        handshakes: first.handshakes,
        opening_s: runs.iter().map(|run| run.opening_s).fold(0.0, f64::max),
        opening_cpu_s: mean(runs, |run| run.opening_cpu_s),
        opening: first.opening,
        served: Steps::pool(runs.iter().map(|run| &run.served)),
        restart: RestartStats::pool(runs.iter().filter_map(|run| run.restart.as_ref())),
        peaks: PeakStats::pool(runs.iter().filter_map(|run| run.peaks.as_ref())),
        vanished: VanishStats::pool(runs.iter().filter_map(|run| run.vanished.as_ref())),
        rooms: RoomStats::pool(runs.iter().filter_map(|run| run.rooms.as_ref())),
        stalled_memory: most_grown(runs),
        whole: first.whole,
        arrivals: sum(|run| run.arrivals),
        publishing: PublishStats {
            refused: sum(|run| run.publishing.refused),
            late_us_max: most(runs, |run| run.publishing.late_us_max),
            in_time: sum(|run| run.publishing.in_time),
            held_back: sum(|run| run.publishing.held_back),
            fell_short: runs.iter().any(|run| run.publishing.fell_short),
        },
        load: load(runs),
        interrupted: runs.iter().any(|run| run.interrupted),
        delay_buckets: buckets,
        timeline: timeline(runs),
    };
    for run in others {
        pooled.handshakes.add(run.handshakes);
        pooled.opening.add(run.opening);
        pooled.whole.add(run.whole);
    }
    // The bounds of buckets are rounded up, but the runs' own figures are exact.
    let slowest = most(runs, |run| run.delay_us.map_or(0, |delays| delays.max));
    if let Some(delays) = &mut pooled.delay_us {
        delays.max = slowest;
    }
    Some(pooled)
}

/// The samples of the run in which the memory grew most.
fn most_grown(runs: &[&RunResult]) -> Vec<MemorySample> {
    let grown = |run: &&&RunResult| {
        let (first, last) = run.stalled_memory.first().zip(run.stalled_memory.last())?;
        Some(last.bytes.saturating_sub(first.bytes))
    };
    let most = runs.iter().max_by_key(grown);
    most.map(|run| run.stalled_memory.clone())
        .unwrap_or_default()
}

/// `None` if it is unknown of one of them.
fn mean(runs: &[&RunResult], of: fn(&RunResult) -> Option<f64>) -> Option<f64> {
    let sum = runs.iter().map(|run| of(run)).sum::<Option<f64>>();
    sum.map(|sum| sum / runs.len() as f64)
}

fn most(runs: &[&RunResult], of: fn(&RunResult) -> u64) -> u64 {
    runs.iter().map(|run| of(run)).max().unwrap_or(0)
}

fn buckets(runs: &[&RunResult]) -> Vec<Bucket> {
    let mut counts = std::collections::BTreeMap::new();
    for bucket in runs.iter().flat_map(|run| &run.delay_buckets) {
        *counts.entry(bucket.le_us).or_insert(0) += bucket.count;
    }
    let buckets = counts.into_iter();
    buckets
        .map(|(le_us, count)| Bucket { le_us, count })
        .collect()
}

fn histogram(buckets: &[Bucket]) -> Histogram<u64> {
    let mut histogram = new_histogram();
    for bucket in buckets {
        histogram.saturating_record_n(bucket.le_us, bucket.count);
    }
    histogram
}

/// The sum over all runs, second by second.
fn timeline(runs: &[&RunResult]) -> Vec<SecondStats> {
    let longest = runs.iter().map(|run| run.timeline.len()).max().unwrap_or(0);
    let mut seconds = vec![SecondStats::default(); longest];
    for run in runs {
        for (sum, second) in seconds.iter_mut().zip(&run.timeline) {
            sum.requests += second.requests;
            sum.deliveries += second.deliveries;
            sum.wire_bytes += second.wire_bytes;
        }
    }
    seconds
}

fn load(runs: &[&RunResult]) -> LoadGeneratorStats {
    let time: f64 = runs.iter().map(|run| run.duration_s).sum();
    let cpu_s: f64 = runs.iter().map(|run| run.load.cpu_s).sum();
    let cores = runs.iter().map(|run| run.load.cores).max().unwrap_or(1);
    LoadGeneratorStats {
        cpu_s,
        cores,
        cpu_share: cpu_s / (time * f64::from(cores)),
        lag_us_p99: most(runs, |run| run.load.lag_us_p99),
        limited: runs.iter().any(|run| run.load.limited),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Transport, test_fixtures::outcome};

    #[test]
    fn counts_are_added_and_levels_and_delays_are_those_of_all_runs() {
        let run = |le_us: u64, memory: u64| {
            let mut run = outcome(Transport::Stream);
            run.delay_buckets = vec![Bucket {
                le_us,
                count: run.deliveries,
            }];
            if let Some(delays) = &mut run.delay_us {
                delays.max = le_us;
            }
            run.server_memory_bytes = Some(memory);
            run
        };
        let runs = [run(1000, 5), run(400_000, 9), run(500_000, 7)];
        let pooled = pool(&runs.iter().collect::<Vec<_>>()).expect("three");
        assert_eq!((pooled.round, pooled.deliveries), (0, 9000));
        assert_eq!(pooled.duration_s, 90.0);
        assert_eq!(pooled.server_memory_bytes, Some(7), "the median");
        let delays = pooled.delay_us.expect("deliveries");
        assert!(delays.p50.abs_diff(400_000) <= 4_000, "{delays:?}");
        assert!(delays.p99.abs_diff(500_000) <= 5_000, "{delays:?}");
        assert_eq!(delays.max, 500_000);
        let each_client = |run: &RunResult| run.opening_cpu_us_per_client();
        assert_eq!(each_client(&pooled), each_client(&runs[0]));
        assert!(pooled.is_valid());
    }
}
