//! The `check` command, from its flags to its exit code.

mod flags;

use std::{io::Write as _, process::ExitCode};

use anyhow::{Context as _, Result};
use console::Term;

pub use flags::CheckFlags;

use poll_vs_sse_instrument::check::{CheckReport, check, text::text};
use poll_vs_sse_model::text_table::width;

use super::exit::{self, fail};

/// Runs `check`. See [`CheckFlags`] for the exit codes.
pub fn run(flags: &CheckFlags) -> ExitCode {
    match answer(flags) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(exit::FAILED),
        Err(error) => fail(&format!("{error:#}"), exit::USAGE_ERROR),
    }
}

/// Checks and prints. Returns whether Server-Sent Events work.
fn answer(flags: &CheckFlags) -> Result<bool> {
    let options = flags.options()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start")?;
    if Term::stderr().features().is_attended() {
        let patience = humantime::format_duration(options.patience);
        eprintln!("Checking {}, which takes {patience} …", options.url);
    }
    let report = runtime.block_on(check(&options))?;
    // Nothing that is still under way is of interest.
    runtime.shutdown_background();
    print(&report, flags.json)?;
    Ok(report.works)
}

fn print(report: &CheckReport, as_json: bool) -> Result<()> {
    let mut terminal = Term::stdout();
    let text = match as_json {
        true => serde_json::to_string_pretty(report).context("cannot write the findings")? + "\n",
        false => text(report, console::colors_enabled(), width(&terminal)),
    };
    let printed = terminal.write_all(text.as_bytes());
    printed
        .and_then(|()| terminal.flush())
        .context("cannot print the result")
}
