//! Everything that came of a comparison, as `--json` writes it. Its form is
//! `docs/compare.schema.json`; whoever reads a stored one back gets the same value.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::{verdict, warnings::warnings};
use crate::{Comparison, CpuPinning, Machine, RunResult, Target, Workload};

/// Rises when a reader of an older form would misunderstand a newer one. New fields do not count.
pub const FORMAT: u32 = 1;

/// See the module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub format: u32,
    /// The command line, its program by name only.
    pub command: Vec<String>,
    /// RFC 3339, UTC.
    pub started_at: String,
    pub target: TargetInfo,
    pub workload: Workload,
    pub machine: Machine,
    /// Who was kept to which processors.
    #[serde(rename = "placement")]
    pub pinning: CpuPinning,
    pub versions: Versions,
    /// Whether it was stopped before its time.
    pub interrupted: bool,
    /// Whether messages were published as asked, and every one of every run reached every client once
    /// and in order, without an error. Where it is false, the figures of a transport with `missed`,
    /// `duplicates`, `out_of_order`, `errors` or `publishing.fell_short` are no measure of its cost.
    pub valid: bool,
    /// What is to be said against the figures.
    pub warnings: Vec<String>,
    /// What the figures say, in a sentence or two.
    pub verdict: String,
    /// One for each transport, several runs pooled.
    pub transports: Vec<RunResult>,
    /// Every run, in the order they were made.
    pub runs: Vec<RunResult>,
}

/// Who was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetInfo {
    /// `self`, or the address.
    pub name: String,
    /// The profile's name.
    pub profile: String,
    pub pid: Option<u32>,
    /// Whether that process, or one that it started, listens on the target's port. `None` where it
    /// cannot be told.
    pub pid_listens: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Versions {
    #[serde(rename = "poll-vs-sse")]
    pub own: String,
    /// What a foreign server calls itself in its `Server` header.
    pub server: Option<String>,
}

/// What is known before there is a figure.
#[derive(Debug, Clone)]
pub struct RunHeader {
    pub command: Vec<String>,
    pub started_at: String,
    pub target: TargetInfo,
    pub machine: Machine,
    pub pinning: CpuPinning,
    pub versions: Versions,
}

impl RunHeader {
    /// As things stand now. `machine` was looked at before anyone was kept to a part of it; `server`
    /// is what a foreign server calls itself.
    pub fn now(
        target: &Target,
        machine: Machine,
        pinning: &CpuPinning,
        server: Option<String>,
    ) -> Self {
        Self {
            command: command(),
            started_at: jiff::Timestamp::now().to_string(),
            target: TargetInfo {
                name: target.name(),
                profile: target.profile().name,
                pid: target.pid(),
                pid_listens: target.pid_listens(),
            },
            machine,
            pinning: pinning.clone(),
            versions: Versions {
                own: env!("CARGO_PKG_VERSION").to_owned(),
                server,
            },
        }
    }

    pub fn document(self, workload: &Workload, comparison: Comparison) -> Report {
        let verdict = verdict::verdict(&comparison);
        let Comparison { runs, transports } = comparison;
        let warnings = warnings(&self.target, &self.machine, &transports).into_iter();
        Report {
            format: FORMAT,
            command: self.command,
            started_at: self.started_at,
            target: self.target,
            machine: self.machine,
            pinning: self.pinning,
            versions: self.versions,
            interrupted: runs.iter().any(|run| run.interrupted)
                || runs.len() < workload.transports.len() * workload.repeat as usize,
            valid: transports.iter().all(RunResult::is_valid),
            warnings: warnings.map(|warning| warning.text).collect(),
            verdict,
            workload: workload.clone(),
            transports,
            runs,
        }
    }
}

impl Report {
    /// The document as text, with a line break at its end.
    pub fn to_json(&self) -> Result<String> {
        let mut json =
            serde_json::to_string_pretty(self).context("cannot write the figures down")?;
        json.push('\n');
        Ok(json)
    }

    /// # Errors
    ///
    /// Where it is no such document, or of another [`FORMAT`].
    pub fn from_json(json: &str) -> Result<Self> {
        let document: Self =
            serde_json::from_str(json).context("not what compare --json writes")?;
        anyhow::ensure!(
            document.format == FORMAT,
            "format {} is not {FORMAT}, the one that is understood here",
            document.format
        );
        Ok(document)
    }
}

fn command() -> Vec<String> {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default().to_owned();
    std::iter::once(name).chain(words).collect()
}
