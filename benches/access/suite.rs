//! The program: flags, its parts, and what each writes when it is done.

mod admission;
mod fronts;
#[path = "../harness/mod.rs"]
mod harness;
mod poll_cache;
// The issuer of the tests.
#[allow(dead_code)]
#[path = "../../tests/api/support/signer.rs"]
mod signer;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use harness::program::{self, Flags, Stage};
use harness::{audit_check, http, pollers, polling_side, report, rounds, servers, usage};

/// The whole run may take this long; then the alarm ends it, and its children with it.
const LONGEST_RUN_SECONDS: u32 = 40 * 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// An empty poll with tokens, with limits and without
    Admission,
    /// A thousand long-pollers behind caches
    PollCache,
}

impl Part {
    const ALL: [Self; 2] = [Self::Admission, Self::PollCache];

    fn name(self) -> &'static str {
        match self {
            Self::Admission => "admission",
            Self::PollCache => "poll-cache",
        }
    }
}

/// Measures what tokens and limits add to an empty poll, and what caches in front of the server take off a
/// thousand long-pollers. Each part writes a file of its own.
#[derive(Debug, Parser)]
#[command(name = "access")]
struct Arguments {
    /// Run only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    #[command(flatten)]
    flags: Flags,
}

pub fn main() -> ExitCode {
    program::run("access", run)
}

fn run(arguments: Arguments) -> Result<()> {
    let Arguments { only, flags } = arguments;
    let asked = |part: &Part| only.is_empty() || only.contains(part);
    let parts = Part::ALL.into_iter().filter(asked);
    let parts: Vec<_> = parts.filter(|part| flags.ask_for(part.name())).collect();
    if parts.is_empty() {
        println!("access: no part is called that");
        return Ok(());
    }
    let stage = Stage::set("access", &flags, LONGEST_RUN_SECONDS)?;
    for part in parts {
        measure(part, &stage, &flags).with_context(|| part.name())?;
    }
    flags.document()
}

fn measure(part: Part, stage: &Stage, flags: &Flags) -> Result<()> {
    let about = stage.begin_part("access");
    match part {
        Part::Admission => {
            let amount = admission::Amount {
                rounds: if flags.quick { 3 } else { 20 },
                requests: if flags.quick { 10_000 } else { 50_000 },
            };
            flags.keep_part(admission::run(stage, amount, about)?)
        }
        Part::PollCache => {
            let amount = poll_cache::Amount {
                readers: if flags.quick { 200 } else { 1000 },
                rounds: if flags.quick { 1 } else { 3 },
                seconds: if flags.quick { 4 } else { 30 },
            };
            flags.keep_part(poll_cache::run(stage, amount, about)?)
        }
    }
}
