//! The paper's scenario: how many clients one core serves by polling, by polling through a cache, and by SSE, with an
//! acceptable delay for the slowest of them.

mod tables;

use poll_vs_sse_instrument::RunResult;
use serde::{Deserialize, Serialize};

use super::provenance::Provenance;
use super::runs::LatestRun;

/// The scenario's file in a run's directory.
pub const FILE: &str = "paper.json";

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct PaperRun {
    pub about: Provenance,
    /// Bytes of a document.
    pub size_bytes: usize,
    /// Seconds between two documents.
    pub period_s: f64,
    /// The pause of a poller after each answer, in seconds.
    pub pause_s: f64,
    /// The maximum acceptable delay, in seconds.
    pub acceptable_s: f64,
    /// The most clients that the limit on open files allows.
    pub most_clients: usize,
    /// That limit for one process. The first run did not record it.
    #[serde(default)]
    pub open_files: Option<u64>,
    pub steps: Vec<Step>,
}

/// One delivery method with one number of clients.
#[derive(Debug, Serialize, Deserialize)]
pub struct Step {
    pub way: DeliveryMethod,
    pub outcome: RunResult,
}

/// How clients get the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryMethod {
    /// Polling; each answer is the newest document, as in the paper.
    Whole,
    /// Polling after a cursor; an answer is empty unless there is a new document.
    Cursor,
    /// `Whole` behind nginx's cache.
    WholeCached,
    /// `Cursor` behind nginx's cache.
    CursorCached,
    /// SSE.
    Stream,
}

impl DeliveryMethod {
    pub const ALL: [Self; 5] = [
        Self::Whole,
        Self::Cursor,
        Self::WholeCached,
        Self::CursorCached,
        Self::Stream,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Whole => "polling, whole documents",
            Self::Cursor => "polling by cursor",
            Self::WholeCached => "whole documents, cached",
            Self::CursorCached => "by cursor, cached",
            Self::Stream => "SSE",
        }
    }

    pub fn is_cached(self) -> bool {
        matches!(self, Self::WholeCached | Self::CursorCached)
    }

    /// Whether a client receives documents that it already has.
    pub fn repeats(self) -> bool {
        matches!(self, Self::Whole | Self::WholeCached)
    }

    /// The paper's result: clients that one core served within the acceptable delay.
    pub fn in_paper(self) -> Option<u64> {
        match self {
            Self::Whole => Some(5000),
            Self::WholeCached => Some(8000),
            Self::Stream => Some(25_000),
            Self::Cursor | Self::CursorCached => None,
        }
    }
}

impl Step {
    /// The slowest delivery in seconds; infinite if one was missed.
    pub fn slowest_s(&self) -> f64 {
        let outcome = &self.outcome;
        match outcome.delay_us {
            Some(delay) if outcome.missed == 0 => delay.max as f64 / 1e6,
            _ => f64::INFINITY,
        }
    }

    /// Server CPU, as a share of the core.
    pub fn cpu(&self) -> f64 {
        self.outcome.server_cpu_s.unwrap_or_default() / self.outcome.duration_s
    }

    /// Server CPU for one request, or for one delivery of a stream, in microseconds.
    pub fn each_us(&self) -> f64 {
        let outcome = &self.outcome;
        let units = match self.way {
            DeliveryMethod::Stream => outcome.deliveries,
            _ => outcome.requests,
        };
        outcome.server_cpu_s.unwrap_or_default() * 1e6 / units.max(1) as f64
    }
}

impl PaperRun {
    /// New documents in a step.
    pub fn documents(&self) -> u64 {
        let documents = self.steps.iter().map(|step| step.outcome.published);
        documents.max().unwrap_or(0)
    }

    /// The steps of one method, by rising number of clients.
    pub fn steps_of(&self, way: DeliveryMethod) -> Vec<&Step> {
        let mut steps: Vec<_> = self.steps.iter().filter(|step| step.way == way).collect();
        steps.sort_by_key(|step| step.outcome.clients);
        steps
    }

    /// The step with the most clients in which no client waited too long.
    pub fn best_step(&self, way: DeliveryMethod) -> Option<&Step> {
        let steps = self.steps_of(way).into_iter().rev();
        steps
            .into_iter()
            .find(|step| step.slowest_s() <= self.acceptable_s)
    }

    /// The step by which costs are compared: the one with the most clients in which none waited too long and the load
    /// generator was not near its own limit.
    pub fn costed_step(&self, way: DeliveryMethod) -> Option<&Step> {
        let mut steps = self.steps_of(way).into_iter().rev();
        steps.find(|step| step.slowest_s() <= self.acceptable_s && !step.outcome.load.limited)
    }

    /// Whether the delay was the limit, not the number of open files.
    pub fn is_exhausted(&self, way: DeliveryMethod) -> bool {
        let mut steps = self.steps_of(way).into_iter();
        steps.any(|step| step.slowest_s() > self.acceptable_s)
    }
}

/// The section of the documentation.
pub fn section(found: &LatestRun<PaperRun>) -> String {
    let paper = &found.run;
    let source = format!(
        "From [`{}/{FILE}`](../benches/runs/{0}/{FILE}): `{}`, {}",
        found.directory,
        paper.about.command,
        paper.about.sentence()
    );
    format!("{source}\n\n{}", report(paper))
}

/// All tables, as a run prints and stores them.
pub fn report(paper: &PaperRun) -> String {
    [
        tables::served(paper),
        tables::growth(paper),
        tables::capacity(paper),
    ]
    .join("\n\n")
}

#[cfg(test)]
mod tests {
    use poll_vs_sse_instrument::{DelayStats, Transport};

    use super::super::test_fixtures::{about, outcome};
    use super::*;

    fn step(clients: u64, max: u64, limited: bool) -> Step {
        let mut outcome = outcome(Transport::Poll, 1);
        outcome.clients = clients;
        outcome.load.limited = limited;
        outcome.delay_us = Some(DelayStats {
            p50: max,
            p90: max,
            p99: max,
            max,
        });
        Step {
            way: DeliveryMethod::Whole,
            outcome,
        }
    }

    #[test]
    fn costs_are_not_those_of_a_step_in_which_the_load_generator_was_limited() {
        let paper = PaperRun {
            about: about(),
            size_bytes: 5200,
            period_s: 5.0,
            pause_s: 0.5,
            acceptable_s: 4.0,
            most_clients: 18_500,
            open_files: None,
            steps: vec![
                step(1000, 500_000, false),
                step(10_000, 500_000, false),
                step(18_500, 900_000, true),
                step(15_000, 5_000_000, false),
            ],
        };
        let clients = |step: Option<&Step>| step.map(|step| step.outcome.clients);
        assert_eq!(
            clients(paper.best_step(DeliveryMethod::Whole)),
            Some(18_500)
        );
        assert_eq!(
            clients(paper.costed_step(DeliveryMethod::Whole)),
            Some(10_000)
        );
        assert_eq!(clients(paper.costed_step(DeliveryMethod::Stream)), None);
    }
}
