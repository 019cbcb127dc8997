//! The `check` command, from its flags to its exit code.

mod flags;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use console::Term;

pub use flags::CheckFlags;

use poll_vs_sse_instrument::check::{CheckReport, check, text::text};
use poll_vs_sse_model::text_table::width;

use super::{
    exit::{self, fail},
    output,
};

/// Runs `check`. See [`CheckFlags`] for the exit codes. `name` adds to an error the variables that its flags came from.
pub fn run(flags: &CheckFlags, name: impl Fn(&str) -> String) -> ExitCode {
    match answer(flags) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(exit::FAILED),
        Err(error) => fail(&name(&format!("{error:#}")), exit::USAGE_ERROR),
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
    output::write_to(&mut terminal, &text).context("cannot print the result")
}
