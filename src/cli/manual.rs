//! Files that a package installs beside the program: the manual page and shell completions.

use std::{io, process::ExitCode};

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{
    Cli,
    exit::{self, fail},
    output,
};

/// Print the completions of a shell: `source <(poll-vs-sse completions bash)`.
#[derive(Debug, Args)]
pub struct CompletionsFlags {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub fn print_completions(flags: &CompletionsFlags) -> ExitCode {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(flags.shell, &mut command, name, &mut text);
    print(&text)
}

/// Prints the manual page of all commands, in the format of `man`.
pub fn print_manual() -> ExitCode {
    match manual() {
        Ok(text) => print(&text),
        Err(error) => fail(&format!("cannot make the manual: {error}"), exit::FAILED),
    }
}

fn manual() -> io::Result<Vec<u8>> {
    let mut command = Cli::command();
    command.build();
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut text)?;
    for nested in command.get_subcommands() {
        if nested.get_name() == "help" {
            continue;
        }
        let man = clap_mangen::Man::new(nested.clone());
        man.render_synopsis_section(&mut text)?;
        man.render_description_section(&mut text)?;
        man.render_options_section(&mut text)?;
    }
    Ok(text)
}

fn print(text: &[u8]) -> ExitCode {
    match output::print(&String::from_utf8_lossy(text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(
            &format!("cannot write to standard output: {error}"),
            exit::USAGE_ERROR,
        ),
    }
}
