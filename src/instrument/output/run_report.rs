//! The complete result of a comparison, as `--json` writes it, in the format of `docs/compare.schema.json`. Reading a
//! stored result gives the same value.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::{
    run_header::{RunHeader, TargetInfo, Versions},
    verdict,
    warnings::warnings,
};
use crate::{Comparison, CpuPinning, Machine, RunResult, Workload};

/// Rises when a reader of an older form would misunderstand a newer one. New fields do not count.
pub const FORMAT: u32 = 1;

/// The complete result of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub format: u32,
    /// The command line, with only the name of the program.
    pub command: Vec<String>,
    /// RFC 3339, UTC.
    pub started_at: String,
    pub target: TargetInfo,
    pub workload: Workload,
    pub machine: Machine,
    /// The processors of the server and of the load generator.
    #[serde(rename = "placement")]
    pub pinning: CpuPinning,
    pub versions: Versions,
    /// Whether it was stopped early.
    pub interrupted: bool,
    /// Whether messages were published as asked, and every one of every run reached every client once
    /// and in order, without an error. Without a run, it is false. If it is false, the figures of a transport with `missed`, `duplicates`,
    /// `out_of_order`, `errors` or `publishing.fell_short` do not measure its cost.
    pub valid: bool,
    /// Reasons to doubt the figures.
    pub warnings: Vec<String>,
    /// The verdict that follows from the figures, in a sentence or two.
    pub verdict: String,
    /// One result for each transport; several runs are pooled.
    pub transports: Vec<RunResult>,
    /// Every run, in the order they were made.
    pub runs: Vec<RunResult>,
}

impl Report {
    pub fn new(header: RunHeader, workload: &Workload, comparison: Comparison) -> Self {
        let verdict = verdict::verdict(&comparison, header.machine.is_busy());
        let Comparison { runs, transports } = comparison;
        let warnings = warnings(&header.target, &header.machine, &transports).into_iter();
        Self {
            format: FORMAT,
            command: header.command,
            started_at: header.started_at,
            target: header.target,
            machine: header.machine,
            pinning: header.pinning,
            versions: header.versions,
            interrupted: runs.iter().any(|run| run.interrupted)
                || runs.len() < workload.transports.len() * workload.repeat as usize,
            valid: !transports.is_empty() && transports.iter().all(RunResult::is_valid),
            warnings: warnings.map(|warning| warning.text).collect(),
            verdict,
            workload: workload.clone(),
            transports,
            runs,
        }
    }

    /// The document as text, with a line break at its end.
    pub fn to_json(&self) -> Result<String> {
        let mut json = serde_json::to_string_pretty(self).context("cannot write the figures")?;
        json.push('\n');
        Ok(json)
    }

    /// # Errors
    ///
    /// If the text is not such a document, or has another [`FORMAT`].
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
