//! The program: flags, the selected parts, and their order.

mod empty_poll;
mod fanout;
#[path = "../harness/mod.rs"]
mod harness;
mod idle_memory;
mod targets;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use harness::program::{self, BenchFlags};
use harness::{
    baseline_server, fan_out, frame, http, machine, nginx, pollers, polling_side, process, report,
    rounds, servers, subscribers, usage,
};
use report::{runs, servers::FILE};
use targets::{PinnedCores, Report};

/// The longest time for the whole run. Then an alarm ends it and its children.
const MAX_RUN_SECONDS: u32 = 15 * 60;
/// Descriptors besides the subscribers': listeners, pipes, files.
const SPARE_DESCRIPTORS: u64 = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ServersPart {
    Fanout,
    EmptyPoll,
    IdleMemory,
}

impl ServersPart {
    const ALL: [Self; 3] = [Self::Fanout, Self::EmptyPoll, Self::IdleMemory];

    fn name(self) -> &'static str {
        match self {
            Self::Fanout => "fanout",
            Self::EmptyPoll => "empty-poll",
            Self::IdleMemory => "idle-memory",
        }
    }
}

/// Compares this project's server with a baseline: CPU per delivery with a bare epoll loop, CPU per empty poll with
/// nginx, and memory per idle subscriber with a target. Sides alternate within one run, and only their ratios are
/// meaningful.
#[derive(Debug, Parser)]
#[command(name = "servers")]
struct Arguments {
    /// Run only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<ServersPart>,
    #[command(flatten)]
    flags: BenchFlags,
    /// Write the run to this file instead
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Another build to measure too, as an additional side of the same rounds
    #[arg(long, value_name = "PATH")]
    other_bin: Option<PathBuf>,
    /// Measure the baseline server against a second one and nginx against a second nginx: the ratios must
    /// be 1
    #[arg(long)]
    self_check: bool,
    /// Rounds of each side [default: 10, quick: 3]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// Messages in a round of the fan-out [default: 300, quick: 100]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    messages: Option<u32>,
    /// Subscribers of the fan-out
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=5000))]
    subscribers: u32,
    /// Requests in a round of the empty polls [default: 50000, quick: 20000]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    requests: Option<u32>,
    /// Idle subscribers whose memory is measured
    #[arg(long, default_value_t = 9000, value_parser = clap::value_parser!(u32).range(1..=25_000))]
    idle_subscribers: u32,
    /// Let the load sleep between messages, so that servers also pay for waking it
    #[arg(long)]
    sleepy_load: bool,
    /// nchan's module, another side of the fan-out if it exists [default: Debian's path]
    #[arg(long, value_name = "PATH")]
    nchan_module: Option<PathBuf>,
}

impl Arguments {
    fn parts(&self) -> Vec<ServersPart> {
        let asked = |part: &ServersPart| self.only.is_empty() || self.only.contains(part);
        let mut parts = ServersPart::ALL.to_vec();
        parts.retain(|part| asked(part) && self.flags.selects(part.name()));
        parts
    }

    fn server(&self) -> Result<Option<PathBuf>> {
        if self.self_check {
            return Ok(None);
        }
        self.flags.server().map(Some)
    }
}

/// Sizes and cores of a run, with all defaults filled in.
pub struct Plan {
    pub rounds: usize,
    pub messages: u64,
    pub subscribers: usize,
    pub requests: u64,
    pub idle_subscribers: usize,
    pub spin: bool,
    pub server_core: Option<usize>,
    pub nchan_module: Option<PathBuf>,
    pub other_binary: Option<PathBuf>,
}

impl Plan {
    fn new(arguments: &Arguments, pinned: Option<PinnedCores>, descriptors: u64) -> Self {
        let quick = arguments.flags.quick;
        let or =
            |given: Option<u32>, full, short| given.unwrap_or(if quick { short } else { full });
        let idle = u64::from(arguments.idle_subscribers);
        let room = descriptors.saturating_sub(SPARE_DESCRIPTORS);
        if idle > room {
            println!("idle-memory: only {room} subscribers, because of the descriptor limit");
        }
        Self {
            rounds: or(arguments.rounds, 10, 3) as usize,
            messages: or(arguments.messages, 300, 100).into(),
            subscribers: arguments.subscribers as usize,
            requests: or(arguments.requests, 50_000, 20_000).into(),
            idle_subscribers: idle.min(room) as usize,
            spin: !arguments.sleepy_load && pinned.is_some(),
            server_core: pinned.map(|pinned| pinned.servers),
            nchan_module: arguments.nchan_module.clone(),
            other_binary: arguments.other_bin.clone(),
        }
    }
}

pub fn main() -> ExitCode {
    program::run("servers", run)
}

fn run(arguments: Arguments) -> Result<()> {
    let flags = &arguments.flags;
    let parts = arguments.parts();
    if parts.is_empty() {
        println!("servers: no part has that name");
        return Ok(());
    }
    let server = arguments.server()?;
    program::set_alarm(MAX_RUN_SECONDS);
    let descriptors = process::raise_descriptor_limit()?;
    let is_whole = !flags.quick && !arguments.self_check && parts.len() == ServersPart::ALL.len();
    let mut about = machine::begin("servers", is_whole, server.as_deref());
    let pinned = pin_load()?;
    let plan = Plan::new(&arguments, pinned, descriptors);
    if let Some(pinned) = pinned {
        about.server_cores = vec![pinned.servers];
        about.load_cores = vec![pinned.load];
    }
    let mut report = Report {
        about,
        pinned,
        load_spins: plan.spin,
        fan_out: None,
        empty_poll: None,
        idle_memory: Vec::new(),
        verdicts: Vec::new(),
    };
    report.print_machine();
    for part in parts {
        measure(part, &plan, server.as_deref(), &mut report)
            .with_context(|| part.name().to_owned())?;
    }
    report.print_verdicts();
    machine::finish(&mut report.about);
    match &arguments.json {
        Some(path) => {
            let directory = path.parent().unwrap_or(Path::new(""));
            let name = path.file_name().context("--json names no file")?;
            runs::write(directory, &name.to_string_lossy(), &report.json()?)
        }
        None => {
            flags.write(&report.about, FILE, &report.json()?)?;
            flags.update_docs()
        }
    }
}

fn measure(
    part: ServersPart,
    plan: &Plan,
    server: Option<&Path>,
    report: &mut Report,
) -> Result<()> {
    match part {
        ServersPart::Fanout => report.fan_out(fanout::run(plan, server)?),
        ServersPart::EmptyPoll if report.about.machine.nginx.is_none() => {
            println!("\nempty-poll: skipped, because nginx is not installed");
        }
        ServersPart::EmptyPoll => report.empty_poll(empty_poll::run(plan, server)?),
        ServersPart::IdleMemory => match server {
            Some(server) => {
                for (workers, fast_path) in [(1, true), (2, true), (1, false)] {
                    report.idle_memory(idle_memory::run(plan, server, workers, fast_path)?);
                }
            }
            None => println!("\nidle-memory: skipped, because it has no baseline to check against"),
        },
    }
    Ok(())
}

/// Pins this process to another core than the servers', if there are two.
fn pin_load() -> Result<Option<PinnedCores>> {
    let cores = process::allowed_cores()?;
    let [servers, load, ..] = cores[..] else {
        return Ok(None);
    };
    process::pin(load).context("pin the load to its core")?;
    Ok(Some(PinnedCores { servers, load }))
}
