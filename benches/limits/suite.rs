//! The program: flags, its parts, and what each writes when it is done.

mod catch_up;
mod delivery;
#[path = "../harness/mod.rs"]
mod harness;
mod herd;
mod nats_client;
mod nats_publish;
mod publish;
mod publishers;
mod reader_process;
mod readers;
mod rooms;
mod scale;
mod side_with_nats;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use harness::program::{self, BenchFlags, BenchSetup};
use harness::{
    baseline_server, epoll, fan_out, fill, frame, history, http, peers, process, report, rounds,
    servers, sse, subscribers, usage,
};

/// The longest time for the whole run. Then an alarm ends it and its children.
const MAX_RUN_SECONDS: u32 = 90 * 60;
/// Descriptors besides the readers': listeners, pipes, files.
const SPARE_DESCRIPTORS: u64 = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LimitsPart {
    /// The memory of a waiting reader, and what a herd leaves behind
    Readers,
    /// A message to 100 and to 9,000 readers
    Delivery,
    /// As many rooms as readers
    Rooms,
    /// Publishing that waits for the disk
    Publish,
    /// Publishing to NATS, compared with its own client
    NatsPublish,
    /// A reader that reads all of a long log
    CatchUp,
    /// Five servers on one NATS, with as many readers as they can have
    Scale,
}

impl LimitsPart {
    const ALL: [Self; 7] = [
        Self::Readers,
        Self::Delivery,
        Self::Rooms,
        Self::Publish,
        Self::NatsPublish,
        Self::CatchUp,
        Self::Scale,
    ];
}

/// Compares this project's server with the least possible work: memory of a waiting reader, herds, deliveries, rooms,
/// durable publishing, catching up. Each part writes its own file. Sides alternate within one run, and only their
/// ratios are meaningful.
#[derive(Debug, Parser)]
#[command(name = "limits")]
struct Arguments {
    /// Run only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<LimitsPart>,
    #[command(flatten)]
    flags: BenchFlags,
    /// Readers of the largest measurements
    #[arg(long, default_value_t = 9000, value_parser = clap::value_parser!(u32).range(100..=25_000))]
    readers: u32,
    /// Messages of the log to catch up with [default: 10000000, quick: 1000000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(20_000..=1_000_000_000))]
    messages: Option<u64>,
    /// Directory for that log during the run: up to 2 GB [default: a temporary directory]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

/// The settings of all parts.
pub struct LimitsPlan<'a> {
    pub setup: &'a BenchSetup,
    pub quick: bool,
    /// Readers of the largest measurements.
    pub readers: usize,
}

impl LimitsPlan<'_> {
    /// Connections that one process of the load may have.
    pub fn most_connections(&self) -> usize {
        let most = self.setup.descriptors.saturating_sub(SPARE_DESCRIPTORS);
        usize::try_from(most).unwrap_or(usize::MAX)
    }
}

pub fn main() -> ExitCode {
    // This executable may have been started as one of the bench's other processes.
    let mut arguments = std::env::args().skip(1);
    let served = match arguments.next().as_deref() {
        Some(reader_process::ARGUMENT) => reader_process::serve(),
        Some(nats_client::ARGUMENT) => nats_client::serve(arguments),
        _ => return program::run("limits", run),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("limits: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    let Arguments { flags, only, .. } = &arguments;
    let name = |part: &LimitsPart| {
        let value = part.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    };
    let asked = |part: &LimitsPart| only.is_empty() || only.contains(part);
    let parts = LimitsPart::ALL.into_iter().filter(asked);
    let parts: Vec<_> = parts.filter(|part| flags.selects(&name(part))).collect();
    if parts.is_empty() {
        println!("limits: no part has that name");
        return Ok(());
    }
    let setup = BenchSetup::new("limits", flags, MAX_RUN_SECONDS)?;
    let readers = arguments.readers as usize;
    let plan = LimitsPlan {
        quick: flags.quick,
        readers: if flags.quick { readers / 9 } else { readers },
        setup: &setup,
    };
    let quick_or = |quick, whole| if flags.quick { quick } else { whole };
    let messages = arguments.messages;
    let messages = messages.unwrap_or(quick_or(1_000_000, 10_000_000));
    let scratch = arguments.scratch.clone();
    let scratch = scratch.unwrap_or_else(std::env::temp_dir);
    for part in parts {
        let about = setup.begin_part("limits");
        match part {
            LimitsPart::Readers => readers::run(&plan, about).and_then(|run| flags.save_part(run)),
            LimitsPart::Delivery => {
                delivery::run(&plan, about).and_then(|run| flags.save_part(run))
            }
            LimitsPart::Rooms => rooms::run(&plan, about).and_then(|run| flags.save_part(run)),
            LimitsPart::Publish => publish::run(&plan, about).and_then(|run| flags.save_part(run)),
            LimitsPart::CatchUp => {
                let run = catch_up::run(&plan, messages, &scratch, about);
                run.and_then(|run| flags.save_part(run))
            }
            LimitsPart::NatsPublish | LimitsPart::Scale if servers::nats_version().is_none() => {
                println!(
                    "{}: skipped, because nats-server is not installed",
                    name(&part)
                );
                Ok(())
            }
            LimitsPart::NatsPublish => {
                nats_publish::run(&plan, about).and_then(|run| flags.save_part(run))
            }
            LimitsPart::Scale => scale::run(&plan, about).and_then(|run| flags.save_part(run)),
        }
        .with_context(|| name(&part))?;
    }
    flags.update_docs()
}
