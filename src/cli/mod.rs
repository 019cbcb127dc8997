//! The command line, which chooses the command. Each command's module has its flags.

use clap::{Parser, Subcommand};

use poll_vs_sse_server::config::Serve;

pub mod check;
pub mod compare;
pub mod environment;
pub mod exit;
mod lab;
pub mod manual;
pub mod output;
pub mod plan;
pub mod serve;
mod value;

/// A chat server with one message log, which it serves over polling and Server-Sent Events at once, and an instrument
/// that measures what each costs.
///
/// Without a command, it runs the server. Open its address in a browser to see the difference between the transports;
/// the log counts what each costs.
#[derive(Debug, Parser)]
#[command(
    version,
    propagate_version = true,
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the log and the lab (the default without a command).
    Serve(Box<Serve>),
    Check(Box<check::CheckFlags>),
    Compare(Box<compare::CompareFlags>),
    Plan(Box<plan::PlanFlags>),
    Completions(manual::CompletionsFlags),
    /// Print the manual page: `poll-vs-sse man | man -l -`.
    Man,
}

impl Cli {
    pub fn into_command(self) -> Command {
        self.command
            .unwrap_or_else(|| Command::Serve(Box::new(self.serve)))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn command(words: &[&str]) -> Command {
        let words = ["poll-vs-sse"].iter().chain(words);
        Cli::try_parse_from(words)
            .expect("valid flags")
            .into_command()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn to_serve_is_what_happens_without_a_command() {
        for words in [&["--store", "memory"][..], &["serve", "--store", "memory"]] {
            assert!(matches!(command(words), Command::Serve(_)), "{words:?}");
        }
        assert!(matches!(command(&["compare"]), Command::Compare(_)));
    }
}
