//! The command from its flags to its exit code.

mod calibrate;
mod flags;

use std::{io::Write as _, process::ExitCode};

use anyhow::Result;
use console::{Term, style};

pub use flags::{CompareFlags, CompareOptions};

use poll_vs_sse_instrument::{
    Comparison, CpuPinning, Machine, Report, RunControl, RunHeader, Target, compare,
    output::{progress_display::ProgressDisplay, report, table, warnings::warnings},
    preflight, probe,
    run::interrupt::Interrupt,
};
use poll_vs_sse_model::text_table::{width, wrap};

use super::exit::{self, fail};

/// Runs `compare`. See [`CompareFlags`] for the exit codes.
pub fn run(flags: CompareFlags) -> ExitCode {
    let options = match flags.options() {
        Ok(options) => options,
        Err(error) => return fail(&format!("{error:#}"), exit::UNUSABLE),
    };
    let machine = probe();
    let pinning = match &options.target {
        Target::Own(_) => CpuPinning::split(),
        // Where a server runs that others started is theirs to say.
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
    ended.unwrap_or_else(|error| fail(&format!("{error:#}"), exit::UNUSABLE))
}

/// Measures, prints and writes. An error: there was nothing to measure.
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
    let (document, trouble) = match measured {
        Ok(measured) => measured,
        Err(_) if stopped.code().is_some() => {
            let code = stopped.code().unwrap_or(exit::FAILED);
            return Ok(fail("stopped before there was anything to measure", code));
        }
        Err(error) => return Err(error),
    };
    print(&document, options.is_standard_output_taken());
    if let Some(error) = trouble {
        // Files are for whole answers only.
        return Err(error);
    }
    if let Err(error) = write(options, &document) {
        return Ok(fail(&format!("{error:#}"), exit::FAILED));
    }
    Ok(match stopped.code() {
        Some(code) => ExitCode::from(code),
        None if document.valid => ExitCode::SUCCESS,
        None => ExitCode::from(exit::FAILED),
    })
}

/// What there is, and what kept the rest from being measured.
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
        Target::Remote(_) => preflight(target, workload).await?,
    };
    let preface = RunHeader::now(target, machine, pinning, server);
    let mut runs = Vec::new();
    let result = compare(target, workload, pinning, control, |run| {
        runs.push(run.clone())
    })
    .await;
    match result {
        Ok(comparison) => Ok((preface.document(workload, comparison), None)),
        Err(error) if runs.is_empty() => Err(error),
        Err(error) => {
            let comparison = Comparison::of(runs, &workload.transports);
            Ok((preface.document(workload, comparison), Some(error)))
        }
    }
}

fn print(document: &Report, to_standard_error: bool) {
    let (mut terminal, in_colour) = match to_standard_error {
        true => (Term::stderr(), console::colors_enabled_stderr()),
        false => (Term::stdout(), console::colors_enabled()),
    };
    let text = format!("\n{}", text(document, in_colour, width(&terminal)));
    // A closed pipe is no reason to complain.
    let _ = terminal.write_all(text.as_bytes());
}

/// The table, what is to be said against it, and what it says.
fn text(document: &Report, in_colour: bool, width: Option<usize>) -> String {
    let mut text = format!("{}\n", table::table(document, width));
    for warning in warnings(&document.target, &document.machine, &document.transports) {
        let mark = if warning.invalidates { "!!" } else { "!" };
        let line = wrap(&format!("{mark} {}", warning.text), "   ", width);
        let line = style(line).force_styling(in_colour);
        let line = if warning.invalidates {
            line.red().bold()
        } else {
            line.yellow()
        };
        text += &format!("{line}\n");
    }
    if let Some(audit) = table::audit(document) {
        text += &format!("{}\n", wrap(&audit, "", width));
    }
    if document.interrupted {
        text += "Stopped before its time: what follows is of what there was until then.\n";
    }
    text + &wrap(&document.verdict, "", width) + "\n"
}

fn write(options: &CompareOptions, document: &Report) -> Result<()> {
    if let Some(json) = &options.json {
        json.write(&document.to_json()?)?;
    }
    if let Some(page) = &options.report {
        page.write(&report::page(document))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_documentation_shows_is_what_its_example_says() {
        let (begin, end) = ("compare.json: begin -->\n", "<!-- what is said of");
        let docs = include_str!("../../../docs/compare.md");
        let (_, rest) = docs.split_once(begin).expect("it begins");
        let (shown, _) = rest.split_once(end).expect("it ends");
        let example = Report::from_json(include_str!("../../../docs/examples/compare.json"));
        let text = text(&example.expect("a document"), false, None);
        assert_eq!(shown, format!("```text\n{text}```\n"));
    }
}
