//! The `compare` command, from its flags to its exit code.

mod calibrate;
mod flags;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use console::Term;

pub use flags::{CompareFlags, CompareOptions};

use poll_vs_sse_instrument::{
    Comparison, CpuPinning, Machine, Report, RunControl, RunHeader, Target, compare,
    output::{progress_display::ProgressDisplay, report, text_report::text},
    preflight, probe,
    run::{interrupt::Interrupt, run_control::STOPPED},
};
use poll_vs_sse_model::text_table::width;

use super::{
    exit::{self, fail},
    output,
};

/// Runs `compare`. See [`CompareFlags`] for the exit codes. `name` adds to an error the variables that its flags came
/// from.
pub fn run(flags: CompareFlags, name: impl Fn(&str) -> String) -> ExitCode {
    let options = match flags.options() {
        Ok(options) => options,
        Err(error) => return fail(&name(&format!("{error:#}")), exit::USAGE_ERROR),
    };
    let machine = probe();
    let pinning = match &options.target {
        Target::Own(_) => CpuPinning::split(),
        // The user decides where a server runs that they started.
        target if target.is_local() => CpuPinning::load_only(),
        // The server of another machine has its processors to itself.
        Target::Remote(_) => CpuPinning::free(),
    };
    pinning.pin_load();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(pinning.load_cores())
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start: {error}"), exit::FAILED),
    };
    let ended = runtime.block_on(async {
        match &options.calibration {
            Some(options) => calibrate::run(options, machine, &pinning).await,
            None => answer(&options, machine, &pinning).await,
        }
    });
    // Nothing that is still under way is of interest.
    runtime.shutdown_background();
    ended.unwrap_or_else(|error| fail(&name(&format!("{error:#}")), exit::USAGE_ERROR))
}

/// Measures, prints and writes. Returns an error if there was nothing to measure.
async fn answer(
    options: &CompareOptions,
    machine: Machine,
    pinning: &CpuPinning,
) -> Result<ExitCode> {
    let stopped = Interrupt::listen()?;
    let screen = ProgressDisplay::new();
    let control = screen.control(&stopped);
    let measured = measured(options, machine, pinning, &control).await;
    screen.clear();
    let (report, trouble) = match measured {
        Ok(measured) => measured,
        Err(_) if stopped.code().is_some() => {
            let code = stopped.code().unwrap_or(exit::FAILED);
            return Ok(fail(STOPPED, code));
        }
        Err(error) => return Err(error),
    };
    let printed = print(&report, options.is_standard_output_taken());
    if let Some(error) = trouble {
        // Files hold complete results only.
        return Err(error);
    }
    // A result that cannot be printed may still be saved, so the files come before the error.
    write(options, &report)?;
    printed?;
    Ok(match stopped.code() {
        Some(code) => ExitCode::from(code),
        None if report.valid => ExitCode::SUCCESS,
        None => ExitCode::from(exit::FAILED),
    })
}

/// The measured part, and the reason why the rest was not measured.
async fn measured(
    options: &CompareOptions,
    machine: Machine,
    pinning: &CpuPinning,
    control: &RunControl,
) -> Result<(Report, Option<anyhow::Error>)> {
    let CompareOptions {
        target, workload, ..
    } = options;
    let server = match target {
        Target::Own(_) => None,
        Target::Remote(_) => {
            // A task of its own, because parts of it block.
            let (target, workload) = (target.clone(), workload.clone());
            let trying = tokio::spawn(async move { preflight(&target, &workload).await });
            tokio::select! {
                tried = trying => tried.context("the check of the server panicked")??,
                () = control.stopped() => bail!(STOPPED),
            }
        }
    };
    let header = RunHeader::now(target, machine, pinning, server);
    let mut runs = Vec::new();
    let result = compare(target, workload, pinning, control, |run| {
        runs.push(run.clone())
    })
    .await;
    match result {
        Ok(comparison) => Ok((Report::new(header, workload, comparison), None)),
        Err(error) if runs.is_empty() => Err(error),
        Err(error) => {
            let comparison = Comparison::from_runs(runs, &workload.transports);
            Ok((Report::new(header, workload, comparison), Some(error)))
        }
    }
}

fn print(report: &Report, to_standard_error: bool) -> Result<()> {
    let (mut terminal, in_colour) = match to_standard_error {
        true => (Term::stderr(), console::colors_enabled_stderr()),
        false => (Term::stdout(), console::colors_enabled()),
    };
    let text = format!("\n{}", text(report, in_colour, width(&terminal)));
    output::write_to(&mut terminal, &text).context("cannot print the result")
}

fn write(options: &CompareOptions, report: &Report) -> Result<()> {
    if let Some(json) = &options.json {
        json.write(&report.to_json()?)?;
    }
    if let Some(page) = &options.report {
        page.write(&report::page(report))?;
    }
    Ok(())
}
