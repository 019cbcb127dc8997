//! `compare --calibrate`: measures, prints the results, and writes the model.

use std::process::ExitCode;

use anyhow::{Context as _, Result};

use poll_vs_sse_instrument::{
    CpuPinning, Machine, OutputTarget, OwnServer,
    calibrate::{Calibration, CalibrationRun, model, points, summary},
    model::Model,
    output::progress_display::ProgressDisplay,
    run::interrupt::Interrupt,
};

use crate::cli::{exit::fail, output};

/// What the flags ask for.
#[derive(Debug)]
pub struct CalibrateOptions {
    pub server: OwnServer,
    pub rounds: u32,
    pub model: OutputTarget,
    /// The file for every run.
    pub json: Option<OutputTarget>,
}

/// Every run, as `--json` writes them.
#[derive(serde::Serialize)]
struct CalibrationRuns<'a> {
    version: &'a str,
    measured_at: &'a str,
    machine: &'a Machine,
    #[serde(rename = "placement")]
    pinning: &'a CpuPinning,
    runs: &'a [CalibrationRun],
}

/// Measures, prints and writes.
///
/// # Errors
///
/// If the measurement gives no model; nothing is written then.
pub async fn run(
    options: &CalibrateOptions,
    machine: Machine,
    pinning: &CpuPinning,
) -> Result<ExitCode> {
    let stopped = Interrupt::listen()?;
    let screen = ProgressDisplay::new();
    let control = screen.quiet_control(&stopped);
    let calibration = Calibration {
        server: options.server.clone(),
        points: &points(),
        rounds: options.rounds,
    };
    let measured_at = jiff::Timestamp::now().to_string();
    let runs = calibration.run(pinning, &control).await;
    screen.clear();
    let runs = match (runs, stopped.code()) {
        (Ok(runs), None) => runs,
        (_, Some(code)) => return Ok(fail("stopped before there was a model", code)),
        (Err(error), None) => return Err(error),
    };
    let model = model(&runs, machine, measured_at)?;
    let printed = print(options, &model);
    let raw = CalibrationRuns {
        version: &model.version,
        measured_at: &model.measured_at,
        machine: &model.machine,
        pinning,
        runs: &runs,
    };
    let written = write(&options.model, serde_json::to_string_pretty(&model)).and_then(|()| {
        match &options.json {
            Some(json) => write(json, serde_json::to_string(&raw)),
            None => Ok(()),
        }
    });
    written.and(printed)?;
    Ok(ExitCode::SUCCESS)
}

fn print(options: &CalibrateOptions, model: &Model) -> Result<()> {
    let mut text = summary(model) + "\n";
    if model.machine.is_busy() {
        text += "! Other work ran on this machine as the measuring began: CPU is overestimated.\n";
    }
    let limited = model.points.iter().filter(|point| point.limited).count();
    if limited > 0 {
        text += &format!(
            "! At {limited} of {} points the clients, rather than the server, were the limit: measure again \
             when nothing else runs.\n",
            model.points.len()
        );
    }
    let mut all = std::iter::once(&options.model).chain(&options.json);
    if all.any(OutputTarget::is_standard_output) {
        // The file is the result; this text only goes with it.
        let _ = output::write_to(&mut std::io::stderr(), &text);
        return Ok(());
    }
    output::print(&text).context("cannot print the model")
}

fn write(destination: &OutputTarget, json: serde_json::Result<String>) -> Result<()> {
    let mut json = json.context("cannot write the figures")?;
    json.push('\n');
    destination.write(&json)
}
