//! Parses the command line, runs the command, and reports its result as the exit code.

use std::{
    env,
    ffi::OsString,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{CommandFactory as _, FromArgMatches as _, error::ErrorKind};

mod cli;

use cli::{
    Cli, Command, check, compare, environment,
    exit::{self, fail},
    manual, output, plan,
    serve::serve,
};

fn main() -> ExitCode {
    let words: Vec<OsString> = env::args_os().collect();
    let command = Cli::command();
    for variable in environment::unknown_variables(&command) {
        // If it cannot be written, nothing else can report that.
        let _ = writeln!(
            io::stderr(),
            "poll-vs-sse: no flag has the environment variable {variable}, which is ignored"
        );
    }
    let mut command = environment::ignore_blank(command);
    let parsed = command
        .try_get_matches_from_mut(&words)
        .and_then(|matches| {
            Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
        });
    let name = |why: &str| environment::with_variables(why, &command, &words);
    match parsed.map(Cli::into_command) {
        Ok(Command::Serve(flags)) => match flags.into_config() {
            Ok(config) => serve(config, name),
            Err(why) => fail(&name(&why), exit::USAGE_ERROR),
        },
        Ok(Command::Check(flags)) => check::run(&flags, name),
        Ok(Command::Compare(flags)) => compare::run(*flags, name),
        Ok(Command::Plan(flags)) => plan::run(&flags, name),
        Ok(Command::Completions(flags)) => manual::print_completions(&flags),
        Ok(Command::Man) => manual::print_manual(),
        Err(error) => {
            // The flags of all commands are complete only then; until then clap cannot name them.
            command.build();
            let variable = environment::source_of(&error, &command, &words);
            print_usage_error(&error, variable.as_deref())
        }
    }
}

/// Prints help and version as they are, and any other error as one line, with the variable that the value came from.
fn print_usage_error(error: &clap::Error, variable: Option<&str>) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        let printed = error.print().and_then(|()| io::stdout().flush());
        return match output::ignore_closed_pipe(printed) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => fail(
                &format!("cannot write to standard output: {why}"),
                exit::USAGE_ERROR,
            ),
        };
    }
    let text = error.render().to_string();
    let what = text
        .lines()
        .take_while(|line| !line.is_empty())
        .map(str::trim);
    let line = what.collect::<Vec<_>>().join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    match variable {
        Some(variable) => fail(
            &format!("{line} (from the environment variable {variable})"),
            exit::USAGE_ERROR,
        ),
        None => fail(line, exit::USAGE_ERROR),
    }
}
