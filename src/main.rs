//! Parses, runs, and says with its exit code how that went.

use std::process::ExitCode;

use clap::{Parser as _, error::ErrorKind};
mod cli;

use cli::{
    Cli, Command, compare,
    exit::{self, fail},
    plan,
    serve::serve,
};

fn main() -> ExitCode {
    match Cli::try_parse().map(Cli::into_command) {
        Ok(Command::Serve(flags)) => match flags.into_config() {
            Ok(config) => serve(config),
            Err(why) => fail(&why, exit::UNUSABLE),
        },
        Ok(Command::Compare(flags)) => compare::run(*flags),
        Ok(Command::Plan(flags)) => plan::run(&flags),
        Err(error) => explain(&error),
    }
}

/// Help and version as they are; anything else as one line.
fn explain(error: &clap::Error) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        // A closed pipe is no reason to complain.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    let what = text
        .lines()
        .take_while(|line| !line.is_empty())
        .map(str::trim);
    let line = what.collect::<Vec<_>>().join(" ");
    fail(
        line.strip_prefix("error: ").unwrap_or(&line),
        exit::UNUSABLE,
    )
}
