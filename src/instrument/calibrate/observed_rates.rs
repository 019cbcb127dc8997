//! A run's figures per second, which constants are fitted to.

use super::CalibrationRun;

/// A run's figures, each per second.
pub struct ObservedRates {
    pub requests: f64,
    pub empty: f64,
    pub deliveries: f64,
    pub published: f64,
    pub wire_bytes_in: f64,
    pub wire_bytes_out: f64,
    pub cores: f64,
}

impl ObservedRates {
    pub fn from_run(run: &CalibrationRun) -> Self {
        let outcome = &run.outcome;
        let each_s = |count: u64| count as f64 / outcome.duration_s;
        Self {
            requests: each_s(outcome.requests),
            empty: each_s(outcome.empty),
            deliveries: each_s(outcome.arrivals),
            published: each_s(outcome.published),
            wire_bytes_in: each_s(outcome.wire_bytes_in),
            wire_bytes_out: each_s(outcome.wire_bytes_out),
            cores: outcome.server_cpu_s.unwrap_or(0.0) / outcome.duration_s,
        }
    }

    /// The share of time that a server with `cores` had nothing to do.
    pub fn idle(&self, cores: f64) -> f64 {
        (1.0 - self.cores / cores).max(0.0)
    }
}
