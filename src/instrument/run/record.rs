//! Computes the [`RunResult`] from the records.

use std::{collections::HashSet, time::Duration};

use anyhow::{Result, ensure};
use hdrhistogram::Histogram;

use super::sampler::Usage;
use crate::{
    Protocol, Transport,
    load::publisher::PublishResult,
    recording::counters::Counters,
    recording::recorder::{RunRecorder, RunTotals},
    recording::run_result::{
        Bucket, DelayStats, LoadGeneratorStats, MemorySample, PeakStats, PublishStats,
        RestartStats, RoomStats, RunResult, SecondStats, Steps, VanishStats,
    },
};

/// A load generator that uses more than this share of its processors may be the bottleneck.
pub const BUSY_SHARE: f64 = 0.85;
/// A load generator whose timers are later than this at the 99th percentile is overloaded.
pub const LATE_LAG_US: u64 = 50_000;
/// A load generator that sent a message later than this was held up, so the delays include its own.
pub const LATE_SEND_US: u64 = 100_000;
/// A delivery that takes longer than this beyond its interval was delayed by a restart.
const LATE_DELIVERY: Duration = Duration::from_secs(1);

/// All data of a finished run.
pub struct Record<'a> {
    pub recorder: &'a RunRecorder,
    pub transport: Transport,
    /// Rooms that clients and messages are spread over.
    pub rooms: usize,
    /// How long a message may wait for a poll; zero for the other transports.
    pub interval: Duration,
    pub round: u32,
    pub published: &'a PublishResult,
    pub usage: Usage,
    pub memory_before: Option<u64>,
    pub server_cores: Option<u32>,
    pub load_cores: usize,
    pub lag_us_p99: u64,
    pub interrupted: bool,
    /// If the end of the run was cut short: the time from which on messages that were due, in microseconds, may still be
    /// under way.
    pub pending_from_us: Option<u64>,
    /// The server's CPU time while clients connected.
    pub opening_cpu: Option<Duration>,
    /// How long it took until all clients were connected.
    pub opening: Duration,
    /// With a herd, when each client was connected.
    pub placed_s: Vec<f64>,
    pub peaks: Option<PeakStats>,
    /// The figures of the vanished clients.
    pub vanished: Option<VanishStats>,
    /// The server's memory with clients that stopped reading.
    pub stalled_memory: Vec<MemorySample>,
}

impl Record<'_> {
    pub fn outcome(self) -> Result<RunResult> {
        let schedule = &self.recorder.schedule;
        let RunTotals {
            clients,
            counters,
            missing,
            rooms,
        } = self.recorder.totals();
        let counted = schedule.counted();
        let messages = counted.end - counted.start;
        // A client that received a message counts it as expected even if its publish was refused.
        let published = self.published;
        let refused: HashSet<u64> = (published.refused.iter())
            .chain(&published.refused_away)
            .copied()
            .collect();
        let is_pending = |sequence| {
            self.pending_from_us
                .is_some_and(|from| schedule.due_us(sequence) >= from)
        };
        let excused = missing
            .iter()
            .filter(|(sequence, _)| refused.contains(sequence) || is_pending(**sequence));
        let excused: u64 = excused.map(|(_, clients)| clients).sum();
        let lacking: u64 = missing.values().sum();
        let expected = deliveries_due(counted.clone(), clients, self.rooms as u64) - excused;
        let missed = lacking - excused;
        let deliveries = expected - missed;
        let counted_one_by_one = self.recorder.deliveries();
        // A message that arrived in the moment of the stop may be counted by only one of the two.
        ensure!(
            self.interrupted || deliveries == counted_one_by_one,
            "the records disagree: {deliveries} deliveries by audit, {counted_one_by_one} by count"
        );
        let duration_s = schedule.measured_s();
        let (delays, mut timeline) = self.recorder.series();
        timeline.resize(duration_s.ceil() as usize, SecondStats::default());
        let spoken = self.recorder.spoken.get().copied();
        let restart = self.restart(&counters, &delays);
        let (protocol, tls) = spoken.unwrap_or((Protocol::Http1, None));
        Ok(RunResult {
            transport: self.transport,
            round: self.round,
            clients,
            duration_s,
            published: messages,
            requests: counters.requests,
            empty: counters.empty,
            deliveries,
            expected,
            missed,
            duplicates: counters.duplicates,
            out_of_order: counters.out_of_order,
            wire_bytes_in: counters.wire_bytes_in,
            wire_bytes_out: counters.wire_bytes_out,
            delay_us: percentiles(&delays),
            server_cpu_s: self.usage.server_cpu.map(|cpu| cpu.as_secs_f64()),
            server_memory_bytes: self.usage.server_memory_bytes,
            server_memory_base_bytes: self.memory_before,
            server_cores: self.server_cores,
            connections: counters.connections,
            errors: counters.errors + published.refused.len() as u64,
            first_error: counters
                .first_error
                .or_else(|| published.first_error.clone()),
            ended_streams: counters.ended_streams,
            // Clients that lack only refused messages may wait.
            unanswered: if missed == 0 { 0 } else { counters.unanswered },
            protocol,
            tls: tls.map(str::to_owned),
            handshakes: counters.handshakes,
            opening_s: self.opening.as_secs_f64(),
            opening_cpu_s: self.opening_cpu.map(|cpu| cpu.as_secs_f64()),
            opening: counters.opening,
            served: self.served(),
            restart,
            peaks: self.peaks,
            vanished: self.vanished.clone(),
            rooms: (self.rooms > 1).then(|| {
                let heard = rooms.values().filter(|room| room.deliveries > 0);
                let means = heard.map(|room| room.delay_us / room.deliveries);
                RoomStats::from_means(means, self.rooms as u64)
            }),
            stalled_memory: self.stalled_memory.clone(),
            whole: counters.whole,
            arrivals: timeline.iter().map(|second| second.deliveries).sum(),
            publishing: published.summary(),
            load: self.load(duration_s),
            interrupted: self.interrupted,
            delay_buckets: buckets(&delays),
            timeline,
        })
    }

    fn served(&self) -> Steps {
        match self.recorder.restart.began_us() {
            Some(_) => Steps::from_times(self.recorder.restart.served_s()),
            None => Steps::from_times(self.placed_s.iter().copied()),
        }
    }

    /// The figures of the restart, if there was one.
    fn restart(&self, counters: &Counters, delays: &Histogram<u64>) -> Option<RestartStats> {
        let restart = &self.recorder.restart;
        restart.began_us()?;
        let late_from = (LATE_DELIVERY + self.interval).as_micros() as u64;
        Some(RestartStats {
            away_s: restart.away_us().map(|away| away as f64 / 1e6),
            failed: counters.disrupted,
            refused: self.published.refused_away.len() as u64,
            late: delays.count_between(late_from, delays.max().max(late_from)),
            unserved: counters.unserved,
        })
    }

    fn load(&self, duration_s: f64) -> LoadGeneratorStats {
        let cpu_s = self.usage.load_cpu.map_or(0.0, |cpu| cpu.as_secs_f64());
        let could = duration_s * self.load_cores as f64;
        let cpu_share = if could > 0.0 { cpu_s / could } else { 0.0 };
        let publishing = self.published.summary();
        LoadGeneratorStats {
            cpu_s,
            cores: u32::try_from(self.load_cores).unwrap_or(u32::MAX),
            cpu_share,
            lag_us_p99: self.lag_us_p99,
            limited: cpu_share > BUSY_SHARE
                || self.lag_us_p99 > LATE_LAG_US
                || is_send_late(&publishing),
        }
    }
}

/// Whether this program, and not the server, was the reason for a late message.
fn is_send_late(publishing: &PublishStats) -> bool {
    publishing.held_back == 0 && publishing.late_us_max > LATE_SEND_US
}

/// The number of deliveries of the messages in `counted`, if clients and messages are spread over `rooms` in turn.
pub fn deliveries_due(counted: std::ops::Range<u64>, clients: u64, rooms: u64) -> u64 {
    counted
        .map(|sequence| {
            let room = sequence % rooms;
            clients / rooms + u64::from(room < clients % rooms)
        })
        .sum()
}

/// `None` without delays.
pub fn percentiles(delays: &Histogram<u64>) -> Option<DelayStats> {
    (!delays.is_empty()).then(|| DelayStats {
        p50: delays.value_at_quantile(0.5),
        p90: delays.value_at_quantile(0.9),
        p99: delays.value_at_quantile(0.99),
        max: delays.max(),
    })
}

fn buckets(delays: &Histogram<u64>) -> Vec<Bucket> {
    let recorded = delays.iter_recorded();
    recorded
        .map(|bucket| Bucket {
            le_us: bucket.value_iterated_to(),
            count: bucket.count_at_value(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_message_that_this_program_sent_late_limits_a_run() {
        let late = PublishStats {
            late_us_max: 158_000,
            ..PublishStats::default()
        };
        assert!(is_send_late(&late));
        assert!(!is_send_late(&PublishStats::default()));
        // The server held it back.
        let held_back = PublishStats {
            held_back: 1,
            ..late
        };
        assert!(!is_send_late(&held_back));
    }

    #[test]
    fn each_message_is_due_to_the_clients_of_its_room() {
        assert_eq!(deliveries_due(0..10, 7, 1), 70);
        // Rooms of 3, 2 and 2 clients; of messages 0 to 9 the first room gets four.
        assert_eq!(deliveries_due(0..10, 7, 3), 4 * 3 + 3 * 2 + 3 * 2);
    }
}
