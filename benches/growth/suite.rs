//! The program: flags, its parts, and what each writes when it is done.

mod fill;
mod group;
mod long_log;
mod reader;
#[path = "../rig/mod.rs"]
mod rig;
mod rooms;
mod stalled;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use poll_vs_sse::compare::Placement;
use serde::Serialize;

use figures::about::About;
use figures::{docs, growth, runs};
use rig::{figures, http, machine, process, rounds, sse, subject, subscribers, usage};

/// The whole run may take this long; then the alarm ends it, and its children with it.
const LONGEST_RUN_SECONDS: u32 = 60 * 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Streams that stop reading
    Stalled,
    /// One, two and three servers on one NATS
    Group,
    /// Ten thousand rooms
    Rooms,
    /// A log of ten million messages
    Log,
}

impl Part {
    const ALL: [Self; 4] = [Self::Stalled, Self::Group, Self::Rooms, Self::Log];
}

/// Measures what grows: readers that stop reading, rooms, servers on one NATS, and a log of ten million
/// messages. Each part writes a file of its own.
#[derive(Debug, Parser)]
#[command(name = "growth")]
struct Arguments {
    /// Run only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Little of everything
    #[arg(long)]
    quick: bool,
    /// Where logs are kept meanwhile: up to 15 GB [default: a temporary directory]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Messages of the long log [default: 10000000, quick: 100000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(20_000..=1_000_000_000))]
    messages: Option<u64>,
    /// Write the runs into this directory [default: benches/runs/<date>-<machine>, quick: the same
    /// with -quick]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Measure this binary instead of the one cargo has just built
    #[arg(long, value_name = "PATH")]
    server_bin: Option<PathBuf>,
    /// Passed by cargo bench
    #[arg(long, hide = true)]
    bench: bool,
}

pub fn main() -> ExitCode {
    let outcome = if !std::env::args().any(|argument| argument == "--bench") {
        // `cargo test --benches` runs this too, with flags that are the test harness's.
        println!("growth: nothing is measured without --bench, which cargo bench passes");
        Ok(())
    } else {
        Growth::new(Arguments::parse()).and_then(Growth::run)
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("growth: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A directory in memory, where the machine has such.
fn in_memory() -> std::io::Result<tempfile::TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())
}

struct Growth {
    machine: About,
    arguments: Arguments,
    binary: PathBuf,
    placement: Placement,
    runtime: tokio::runtime::Runtime,
    scratch: tempfile::TempDir,
}

impl Growth {
    fn new(arguments: Arguments) -> Result<Self> {
        let built = option_env!("CARGO_BIN_EXE_poll-vs-sse");
        let binary = subject::binary(arguments.server_bin.as_deref(), built)?;
        // SAFETY: a plain integer. Its signal's default action ends this process; children go with
        // their parent.
        unsafe { libc::alarm(LONGEST_RUN_SECONDS) };
        process::raise_descriptor_limit()?;
        // Before anything is pinned: all processors are still to be seen.
        let machine = machine::begin("growth", !arguments.quick, Some(&binary));
        let placement = Placement::halves();
        placement.take_load();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(placement.load_cores())
            .enable_all()
            .build()?;
        let scratch = match &arguments.scratch {
            Some(directory) => tempfile::tempdir_in(directory),
            None => tempfile::tempdir(),
        };
        Ok(Self {
            machine,
            arguments,
            binary,
            placement,
            runtime,
            scratch: scratch.context("make a directory for logs")?,
        })
    }

    fn run(self) -> Result<()> {
        let asked = |part: &Part| {
            let only = &self.arguments.only;
            only.is_empty() || only.contains(part)
        };
        for part in Part::ALL.into_iter().filter(asked) {
            self.part(part)
                .with_context(|| format!("{part:?}").to_lowercase())?;
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let is_kept = self.arguments.out.is_none() && !self.arguments.quick;
        if is_kept && docs::regenerate(root)? {
            println!("{} is regenerated", docs::PATH);
        }
        Ok(())
    }

    fn part(&self, part: Part) -> Result<()> {
        let about = self.about();
        println!("\n{}", about.machine_lines());
        let quick = self.arguments.quick;
        match part {
            Part::Stalled => {
                let amount = stalled::Amount {
                    stalled: if quick { 100 } else { 1000 },
                    bytes: if quick { 20_000_000 } else { 100_000_000 },
                    rounds: if quick { 1 } else { 2 },
                };
                let scratch = in_memory().context("make a directory for the log")?;
                let run =
                    stalled::run(&self.binary, scratch.path(), &self.placement, amount, about);
                let mut run = self.runtime.block_on(run)?;
                machine::finish(&mut run.about);
                let report = growth::stalled::report(&run);
                self.keep(growth::stalled::FILE, &run.about, &run, "rounds", &report)
            }
            Part::Group => {
                let amount = group::Amount {
                    readers: 900,
                    rounds: if quick { 2 } else { 8 },
                    messages: if quick { 20 } else { 100 },
                    timed: if quick { 50 } else { 1000 },
                };
                let scratch = self.scratch.path();
                let mut run = group::run(&self.binary, scratch, self.core(), amount, about)?;
                machine::finish(&mut run.about);
                let report = growth::group::report(&run);
                self.keep(growth::group::FILE, &run.about, &run, "seen", &report)
            }
            Part::Rooms => {
                let amount = rooms::Amount {
                    readers: if quick { 1000 } else { 9000 },
                    rounds: if quick { 2 } else { 5 },
                    times: if quick { 1 } else { 2 },
                };
                let mut run = rooms::run(&self.binary, self.core(), amount, about)?;
                machine::finish(&mut run.about);
                let report = growth::rooms::report(&run);
                self.keep(growth::rooms::FILE, &run.about, &run, "rounds", &report)
            }
            Part::Log => {
                let messages = self.arguments.messages;
                let messages = messages.unwrap_or(if quick { 100_000 } else { 10_000_000 });
                let amount = long_log::Amount {
                    messages,
                    few: (messages / 100).max(10_000),
                };
                let scratch = self.scratch.path();
                let mut run = long_log::run(&self.binary, scratch, self.core(), amount, about)?;
                machine::finish(&mut run.about);
                let report = growth::long_log::report(&run);
                self.keep(growth::long_log::FILE, &run.about, &run, "logs", &report)
            }
        }
    }

    /// The servers' processor.
    fn core(&self) -> Option<usize> {
        self.placement.server.first().copied()
    }

    fn about(&self) -> About {
        let mut about = machine::begin("growth", !self.arguments.quick, Some(&self.binary));
        about.machine.cores = self.machine.machine.cores;
        about.server_cores.clone_from(&self.placement.server);
        about.load_cores.clone_from(&self.placement.load);
        about
    }

    /// Prints and writes what came of a part.
    fn keep<T: Serialize>(
        &self,
        file: &str,
        about: &About,
        run: &T,
        rows: &str,
        report: &str,
    ) -> Result<()> {
        println!("\n{report}\n");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let directory = match &self.arguments.out {
            Some(out) => out.clone(),
            None => machine::directory(root, about),
        };
        runs::write(&directory, file, &runs::json(run, rows)?)?;
        println!("written to {}", directory.join(file).display());
        Ok(())
    }
}
