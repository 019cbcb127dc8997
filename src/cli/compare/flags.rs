//! The flags of `compare`, and the checked request that they make.

mod server;
mod workload;

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use clap::Args;

use poll_vs_sse_instrument::{
    LoadScenario, OwnServer, Target, Workload, output::output_target::OutputTarget,
};

use super::calibrate;
use server::ServerFlags;
use workload::WorkloadFlags;

/// Run poll, long-poll and stream clients against a server and print what each cost
///
/// The transports are measured one after another. Clients connect, messages are published at
/// a steady rate, and every client records every message that it gets. At the end, a sentence
/// gives the verdict, followed by three figures for each transport and a table. The default
/// run takes about two minutes:
///
///     poll-vs-sse compare
///     poll-vs-sse compare --clients 1000 --rate 0.2 --interval 5s --report report.html
///     poll-vs-sse compare --target http://127.0.0.1:8080 --profile nchan --pid 4711
///
/// Exit code: 0 if messages could be published at the requested rate and every one reached
/// every client once and in order, without an error; 1 if not; 2 if nothing could be measured
/// or the result could not be written, with one line that says what to change; 130 after
/// Ctrl-C and 143 after SIGTERM, when the figures so far have been printed and written.
#[derive(Debug, Clone, Args)]
#[command(verbatim_doc_comment, allow_negative_numbers = true)]
pub struct CompareFlags {
    #[command(flatten)]
    pub server: ServerFlags,
    #[command(flatten)]
    pub workload: WorkloadFlags,
    #[command(flatten)]
    pub output: OutputFlags,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputFlags {
    /// Measure the constants of the cost model on this machine instead, and write them to a file for `plan --model
    /// FILE`. This takes about four minutes. The workload is fixed; --repeat sets how often each point is
    /// measured, and --json writes every run.
    #[arg(
        long,
        env = "POLL_VS_SSE_CALIBRATE",
        value_name = "FILE",
        conflicts_with_all = [
            "transports", "clients", "rate", "interval", "pace", "wait", "duration", "size", "head", "cookie",
            "new_connections", "protocol", "tls", "rooms", "stalled", "vanish", "scenario"
        ]
    )]
    pub calibrate: Option<PathBuf>,

    /// Write all figures as JSON, in the format of docs/compare.schema.json. `-` is standard output; the table then
    /// goes to standard error.
    #[arg(long, env = "POLL_VS_SSE_JSON", value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Write a page with the figures and plots, as one file that needs no network.
    #[arg(long, env = "POLL_VS_SSE_REPORT", value_name = "FILE.html")]
    pub report: Option<PathBuf>,
}

/// The request that the flags make, checked once.
#[derive(Debug)]
pub struct CompareOptions {
    pub target: Target,
    pub workload: Workload,
    /// With `--calibrate`, the workload flags do not apply.
    pub calibration: Option<calibrate::CalibrateOptions>,
    pub json: Option<OutputTarget>,
    pub report: Option<OutputTarget>,
}

impl CompareOptions {
    /// Whether standard output is used for a file, so that nothing else may be printed there.
    pub fn is_standard_output_taken(&self) -> bool {
        let mut destinations = self.json.iter().chain(&self.report);
        destinations.any(OutputTarget::is_standard_output)
    }
}

impl CompareFlags {
    /// # Errors
    ///
    /// One sentence in words of the command line.
    pub fn options(&self) -> Result<CompareOptions> {
        let Self { server, output, .. } = self;
        let target = server.target()?;
        let workload = Workload {
            protocol: server.protocol,
            ..self.workload.workload(&target.profile())?
        };
        if let Some(exceeds_safe_limits) = workload
            .exceeds_safe_limits()
            .filter(|_| !server.yes_load_test_this)
        {
            bail!("{exceeds_safe_limits} needs --yes-load-test-this");
        }
        let is_restarted = workload.scenario == LoadScenario::Restart;
        let is_own = server.is_own();
        ensure!(
            is_restarted || server.restart_command.is_none(),
            "--restart-command is for --scenario restart"
        );
        ensure!(
            !is_restarted || is_own || server.restart_command.is_some(),
            "--scenario restart restarts `self` only: give the --restart-command for {}",
            server.target
        );
        let options = CompareOptions {
            calibration: self.calibration()?,
            json: find(&output.json, "--json")?,
            report: find(&output.report, "--report")?,
            target,
            workload,
        };
        let named = [
            ("--json", options.json.as_ref()),
            ("--report", options.report.as_ref()),
            (
                "--calibrate",
                options.calibration.as_ref().map(|it| &it.model),
            ),
        ];
        for (at, (flag, file)) in named.iter().enumerate() {
            let same = named[..at].iter().find(|(_, other)| other == file);
            if let (Some((other, _)), Some(_)) = (same, file) {
                bail!("{other} and {flag} name the same file");
            }
        }
        Ok(options)
    }

    fn calibration(&self) -> Result<Option<calibrate::CalibrateOptions>> {
        let Self { server, output, .. } = self;
        let Some(model) = find(&output.calibrate, "--calibrate")? else {
            return Ok(None);
        };
        ensure!(
            server.is_own(),
            "--calibrate measures this program's own server: leave --target out"
        );
        ensure!(
            output.report.is_none(),
            "--report is for a comparison: --calibrate has none"
        );
        Ok(Some(calibrate::CalibrateOptions {
            server: OwnServer::default(),
            rounds: self.workload.repeat,
            model,
            json: find(&output.json, "--json")?,
        }))
    }
}

/// The file that `flag` names, if given.
fn find(path: &Option<PathBuf>, flag: &str) -> Result<Option<OutputTarget>> {
    path.as_deref()
        .map(|path| OutputTarget::find(path, flag))
        .transpose()
}
