//! The program: flags, its parts, and what each writes when it is done.

mod group;
#[path = "../harness/mod.rs"]
mod harness;
mod long_log;
mod reader;
mod room_sets;
mod rooms;
mod stalled;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use harness::program::{self, BenchFlags, BenchSetup};
use harness::{audit_check, fill, history, http, report, rounds, servers, sse, subscribers, usage};

/// The longest time for the whole run. Then an alarm ends it and its children.
const MAX_RUN_SECONDS: u32 = 60 * 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ScalingPart {
    /// Streams that stop reading
    Stalled,
    /// One, two and three servers on one NATS
    Group,
    /// Ten thousand rooms
    Rooms,
    /// 64 rooms on one connection, and on a connection each
    RoomSets,
    /// A log of ten million messages
    Log,
}

impl ScalingPart {
    const ALL: [Self; 5] = [
        Self::Stalled,
        Self::Group,
        Self::Rooms,
        Self::RoomSets,
        Self::Log,
    ];
}

/// Measures the cost as things grow: readers that stop reading, rooms, rooms of one reader, servers on one NATS, and a
/// log of ten million messages. Each part writes its own file.
#[derive(Debug, Parser)]
#[command(name = "scaling")]
struct Arguments {
    /// Run only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<ScalingPart>,
    #[command(flatten)]
    flags: BenchFlags,
    /// Directory for logs during the run: up to 15 GB [default: a temporary directory]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Messages of the long log [default: 10000000, quick: 100000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(20_000..=1_000_000_000))]
    messages: Option<u64>,
}

pub fn main() -> ExitCode {
    program::run("scaling", |arguments| ScalingBench::new(arguments)?.run())
}

/// A directory in memory, if the machine has a file system for that.
fn in_memory() -> std::io::Result<tempfile::TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())
}

struct ScalingBench {
    arguments: Arguments,
    setup: BenchSetup,
    scratch: tempfile::TempDir,
}

impl ScalingBench {
    fn new(arguments: Arguments) -> Result<Self> {
        let setup = BenchSetup::new("scaling", &arguments.flags, MAX_RUN_SECONDS)?;
        let scratch = match &arguments.scratch {
            Some(directory) => tempfile::tempdir_in(directory),
            None => tempfile::tempdir(),
        };
        Ok(Self {
            arguments,
            setup,
            scratch: scratch.context("make a directory for logs")?,
        })
    }

    fn run(self) -> Result<()> {
        let Arguments { flags, only, .. } = &self.arguments;
        let name = |part: &ScalingPart| {
            let value = part.to_possible_value();
            value.map_or_else(String::new, |value| value.get_name().to_owned())
        };
        let asked = |part: &ScalingPart| only.is_empty() || only.contains(part);
        let parts = ScalingPart::ALL.into_iter().filter(asked);
        let parts: Vec<_> = parts.filter(|part| flags.selects(&name(part))).collect();
        if parts.is_empty() {
            println!("scaling: no part has that name");
            return Ok(());
        }
        for part in parts {
            self.measure_part(part).with_context(|| name(&part))?;
        }
        flags.update_docs()
    }

    fn measure_part(&self, part: ScalingPart) -> Result<()> {
        let about = self.setup.begin_part("scaling");
        let quick = self.arguments.flags.quick;
        match part {
            ScalingPart::Stalled => {
                let amount = stalled::StalledSizes {
                    stalled: if quick { 100 } else { 1000 },
                    bytes: if quick { 20_000_000 } else { 100_000_000 },
                    rounds: if quick { 1 } else { 2 },
                };
                let scratch = in_memory().context("make a directory for the log")?;
                let run = stalled::run(
                    &self.setup.binary,
                    scratch.path(),
                    &self.setup.placement,
                    amount,
                    about,
                );
                self.arguments
                    .flags
                    .save_part(self.setup.runtime.block_on(run)?)
            }
            ScalingPart::Group => {
                let amount = group::GroupSizes {
                    readers: 900,
                    rounds: if quick { 2 } else { 8 },
                    messages: if quick { 20 } else { 100 },
                    timed: if quick { 50 } else { 1000 },
                };
                let scratch = self.scratch.path();
                self.arguments.flags.save_part(group::run(
                    &self.setup.binary,
                    scratch,
                    self.setup.core(),
                    amount,
                    about,
                )?)
            }
            ScalingPart::Rooms => {
                let amount = rooms::RoomsSizes {
                    readers: if quick { 1000 } else { 10_000 },
                    rounds: if quick { 2 } else { 5 },
                    times: if quick { 1 } else { 2 },
                };
                self.arguments.flags.save_part(rooms::run(
                    &self.setup.binary,
                    self.setup.core(),
                    amount,
                    about,
                )?)
            }
            ScalingPart::RoomSets => {
                let amount = room_sets::RoomSetSizes {
                    readers: if quick { 3 } else { 7 },
                    rounds: if quick { 2 } else { 8 },
                    times: if quick { 4 } else { 20 },
                };
                self.arguments.flags.save_part(room_sets::run(
                    &self.setup.binary,
                    self.setup.core(),
                    amount,
                    about,
                )?)
            }
            ScalingPart::Log => {
                let messages = self.arguments.messages;
                let messages = messages.unwrap_or(if quick { 100_000 } else { 10_000_000 });
                let amount = long_log::LongLogSizes {
                    messages,
                    few: (messages / 100).max(10_000),
                };
                let scratch = self.scratch.path();
                self.arguments.flags.save_part(long_log::run(
                    &self.setup.binary,
                    scratch,
                    self.setup.core(),
                    amount,
                    about,
                )?)
            }
        }
    }
}
