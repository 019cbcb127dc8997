//! The command from its flags to its exit code.

mod calibrate;
mod flags;

use std::{io::Write as _, process::ExitCode};

use anyhow::Result;
use console::{Term, style};

pub use flags::{Flags, Question};

use poll_vs_sse_instrument::{
    Comparison, Control, Document, Machine, Placement, Preface, Target, compare,
    output::{report, screen::Screen, table, warnings::warnings},
    preflight, probe,
    run::stop::Stop,
};
use poll_vs_sse_model::text_table::{width, wrapped};

use super::exit::{self, fail};

/// Runs `compare`. See [`Flags`] for the exit codes.
pub fn run(flags: Flags) -> ExitCode {
    let question = match flags.question() {
        Ok(question) => question,
        Err(error) => return fail(&format!("{error:#}"), exit::UNUSABLE),
    };
    let machine = probe();
    let placement = match &question.target {
        Target::Own(_) => Placement::halves(),
        // Where a server runs that others started is theirs to say.
        target if target.is_local() => Placement::load_half(),
        // The server of another machine has its processors to itself.
        Target::Remote(_) => Placement::free(),
    };
    placement.take_load();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(placement.load_cores())
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start: {error}"), exit::FAILED),
    };
    let ended = runtime.block_on(async {
        match &question.calibration {
            Some(order) => calibrate::answer(order, machine, &placement).await,
            None => answer(&question, machine, &placement).await,
        }
    });
    // Nothing that is still under way is of interest.
    runtime.shutdown_background();
    ended.unwrap_or_else(|error| fail(&format!("{error:#}"), exit::UNUSABLE))
}

/// Measures, prints and writes. An error: there was nothing to measure.
async fn answer(question: &Question, machine: Machine, placement: &Placement) -> Result<ExitCode> {
    let stopped = Stop::listen()?;
    let screen = Screen::new();
    let control = screen.control(&stopped);
    let measured = measured(question, machine, placement, &control).await;
    screen.clear();
    let (document, trouble) = match measured {
        Ok(measured) => measured,
        Err(_) if stopped.code().is_some() => {
            let code = stopped.code().unwrap_or(exit::FAILED);
            return Ok(fail("stopped before there was anything to measure", code));
        }
        Err(error) => return Err(error),
    };
    print(&document, question.is_standard_output_taken());
    if let Some(error) = trouble {
        // Files are for whole answers only.
        return Err(error);
    }
    if let Err(error) = write(question, &document) {
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
    question: &Question,
    machine: Machine,
    placement: &Placement,
    control: &Control,
) -> Result<(Document, Option<anyhow::Error>)> {
    let Question {
        target, workload, ..
    } = question;
    let server = match target {
        Target::Own(_) => None,
        Target::Remote(_) => preflight(target, workload).await?,
    };
    let preface = Preface::now(target, machine, placement, server);
    let mut runs = Vec::new();
    let result = compare(target, workload, placement, control, |run| {
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

fn print(document: &Document, to_standard_error: bool) {
    let (mut terminal, in_colour) = match to_standard_error {
        true => (Term::stderr(), console::colors_enabled_stderr()),
        false => (Term::stdout(), console::colors_enabled()),
    };
    let text = format!("\n{}", text(document, in_colour, width(&terminal)));
    // A closed pipe is no reason to complain.
    let _ = terminal.write_all(text.as_bytes());
}

/// The table, what is to be said against it, and what it says.
fn text(document: &Document, in_colour: bool, width: Option<usize>) -> String {
    let mut text = format!("{}\n", table::table(document, width));
    for warning in warnings(&document.target, &document.machine, &document.transports) {
        let mark = if warning.voids { "!!" } else { "!" };
        let line = wrapped(&format!("{mark} {}", warning.text), "   ", width);
        let line = style(line).force_styling(in_colour);
        let line = if warning.voids {
            line.red().bold()
        } else {
            line.yellow()
        };
        text += &format!("{line}\n");
    }
    if let Some(audit) = table::audit(document) {
        text += &format!("{}\n", wrapped(&audit, "", width));
    }
    if document.interrupted {
        text += "Stopped before its time: what follows is of what there was until then.\n";
    }
    text + &wrapped(&document.verdict, "", width) + "\n"
}

fn write(question: &Question, document: &Document) -> Result<()> {
    if let Some(json) = &question.json {
        json.write(&document.to_json()?)?;
    }
    if let Some(page) = &question.report {
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
        let example = Document::from_json(include_str!("../../../docs/examples/compare.json"));
        let text = text(&example.expect("a document"), false, None);
        assert_eq!(shown, format!("```text\n{text}```\n"));
    }
}
