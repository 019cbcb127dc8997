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

use harness::program::{self, BenchFlags, BenchSetup};
use harness::{audit_check, http, nginx, pollers, polling_side, report, rounds, servers, usage};

/// The longest time for the whole run. Then an alarm ends it and its children.
const MAX_RUN_SECONDS: u32 = 40 * 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum AccessPart {
    /// An empty poll with tokens, with limits, and with neither
    Admission,
    /// A thousand long-pollers behind caches
    PollCache,
}

impl AccessPart {
    const ALL: [Self; 2] = [Self::Admission, Self::PollCache];

    fn name(self) -> &'static str {
        match self {
            Self::Admission => "admission",
            Self::PollCache => "poll-cache",
        }
    }
}

/// Measures what tokens and limits add to the cost of an empty poll, and what caches in front of the server save
/// with a thousand long-pollers. Each part writes its own file.
#[derive(Debug, Parser)]
#[command(name = "access")]
struct Arguments {
    /// Run only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<AccessPart>,
    #[command(flatten)]
    flags: BenchFlags,
}

pub fn main() -> ExitCode {
    program::run("access", run)
}

fn run(arguments: Arguments) -> Result<()> {
    let Arguments { only, flags } = arguments;
    let asked = |part: &AccessPart| only.is_empty() || only.contains(part);
    let parts = AccessPart::ALL.into_iter().filter(asked);
    let parts: Vec<_> = parts.filter(|part| flags.selects(part.name())).collect();
    if parts.is_empty() {
        println!("access: no part has that name");
        return Ok(());
    }
    let setup = BenchSetup::new("access", &flags, MAX_RUN_SECONDS)?;
    for part in parts {
        measure(part, &setup, &flags).with_context(|| part.name())?;
    }
    flags.update_docs()
}

fn measure(part: AccessPart, setup: &BenchSetup, flags: &BenchFlags) -> Result<()> {
    let about = setup.begin_part("access");
    match part {
        AccessPart::Admission => {
            let amount = admission::AdmissionSizes {
                rounds: if flags.quick { 3 } else { 20 },
                requests: if flags.quick { 10_000 } else { 50_000 },
            };
            flags.save_part(admission::run(setup, amount, about)?)
        }
        AccessPart::PollCache => {
            let amount = poll_cache::PollCacheSizes {
                readers: if flags.quick { 200 } else { 1000 },
                rounds: if flags.quick { 1 } else { 3 },
                seconds: if flags.quick { 4 } else { 30 },
            };
            flags.save_part(poll_cache::run(setup, amount, about)?)
        }
    }
}
