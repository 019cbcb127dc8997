//! The program: flags, what is due, and the order it runs in.

mod empty_poll;
mod fanout;
mod frame;
mod idle_memory;
mod pollers;
mod report;
#[path = "../rig/mod.rs"]
mod rig;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use report::{Pinned, Report};
use rig::{
    epoll, figures, floor, http, machine, process, rounds, sse, subject, subscribers, usage,
};

/// The whole run may take this long; then the alarm ends it, and its children with it.
const LONGEST_RUN_SECONDS: u32 = 15 * 60;
/// Descriptors beside the subscribers': listeners, pipes, files.
const SPARE_DESCRIPTORS: u64 = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Fanout,
    EmptyPoll,
    IdleMemory,
}

impl Part {
    const ALL: [Self; 3] = [Self::Fanout, Self::EmptyPoll, Self::IdleMemory];

    fn name(self) -> &'static str {
        match self {
            Self::Fanout => "fanout",
            Self::EmptyPoll => "empty-poll",
            Self::IdleMemory => "idle-memory",
        }
    }
}

/// Measures the real server against its floors: CPU per delivery against a bare epoll loop, CPU per
/// empty poll against nginx, memory per idle subscriber. Sides alternate within one run, and only
/// their ratios mean anything.
#[derive(Debug, Parser)]
#[command(name = "servers")]
struct Arguments {
    /// Run only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Fewer and shorter rounds, under 20 seconds in all
    #[arg(long)]
    quick: bool,
    /// Write every raw round, the machine and the command to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measure this binary instead of the one cargo has just built
    #[arg(long, value_name = "PATH")]
    server_bin: Option<PathBuf>,
    /// Another build to measure beside it, as a further side of the same rounds
    #[arg(long, value_name = "PATH")]
    other_bin: Option<PathBuf>,
    /// Measure the floor against a second floor and nginx against a second nginx: the ratios must
    /// come out at 1
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
    /// Let the load sleep until something comes, so that servers also pay for waking it
    #[arg(long)]
    sleepy_load: bool,
    /// nchan's module, a third side of the fan-out where it exists [default: where Debian installs
    /// it]
    #[arg(long, value_name = "PATH")]
    nchan_module: Option<PathBuf>,
    /// Run only parts whose name contains this
    filter: Option<String>,
    /// Passed by cargo bench
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    fn parts(&self) -> Vec<Part> {
        let asked = |part: &Part| self.only.is_empty() || self.only.contains(part);
        let matches = |part: &Part| {
            let filter = self.filter.as_deref().unwrap_or_default();
            part.name().contains(filter)
        };
        let mut parts = Part::ALL.to_vec();
        parts.retain(|part| asked(part) && matches(part));
        parts
    }

    fn server(&self) -> Result<Option<PathBuf>> {
        if self.self_check {
            return Ok(None);
        }
        let built = option_env!("CARGO_BIN_EXE_poll-vs-sse");
        subject::binary(self.server_bin.as_deref(), built).map(Some)
    }
}

/// Sizes and cores of a run, with every default settled.
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
    fn new(arguments: &Arguments, pinned: Option<Pinned>, descriptors: u64) -> Self {
        let quick = arguments.quick;
        let or =
            |given: Option<u32>, full, short| given.unwrap_or(if quick { short } else { full });
        let idle = u64::from(arguments.idle_subscribers);
        let room = descriptors.saturating_sub(SPARE_DESCRIPTORS);
        if idle > room {
            println!("idle-memory: only {room} subscribers, for want of descriptors");
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
    let mut arguments = std::env::args().skip(1);
    let outcome = if arguments.next().as_deref() == Some(floor::ARGUMENT) {
        floor::serve()
    } else if !std::env::args().any(|argument| argument == "--bench") {
        // `cargo test --benches` runs this too, with flags that are the test harness's.
        println!("servers: nothing is measured without --bench, which cargo bench passes");
        Ok(())
    } else {
        run(&Arguments::parse())
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("servers: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let parts = arguments.parts();
    if parts.is_empty() {
        println!("servers: no part is called that");
        return Ok(());
    }
    let server = arguments.server()?;
    // SAFETY: a plain integer. Its signal's default action ends this process; children go with
    // their parent.
    unsafe { libc::alarm(LONGEST_RUN_SECONDS) };
    let descriptors = process::raise_descriptor_limit()?;
    let is_whole = !arguments.quick && !arguments.self_check && parts.len() == Part::ALL.len();
    let mut about = machine::begin("servers", is_whole, server.as_deref());
    let pinned = pin_load()?;
    let plan = Plan::new(arguments, pinned, descriptors);
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
        Some(path) => report.write_json(path),
        None => Ok(()),
    }
}

fn measure(part: Part, plan: &Plan, server: Option<&Path>, report: &mut Report) -> Result<()> {
    match part {
        Part::Fanout => report.fan_out(fanout::run(plan, server)?),
        Part::EmptyPoll if report.about.machine.nginx.is_none() => {
            println!("\nempty-poll: skipped, since nginx is not installed");
        }
        Part::EmptyPoll => report.empty_poll(empty_poll::run(plan, server)?),
        Part::IdleMemory => match server {
            Some(server) => {
                for workers in [1, 2] {
                    report.idle_memory(idle_memory::run(plan, server, workers)?);
                }
            }
            None => println!("\nidle-memory: has nothing to check itself against"),
        },
    }
    Ok(())
}

/// Keeps this process off the servers' core, where there are two.
fn pin_load() -> Result<Option<Pinned>> {
    let cores = process::allowed_cores()?;
    let [servers, load, ..] = cores[..] else {
        return Ok(None);
    };
    process::pin(load).context("pin the load to its core")?;
    Ok(Some(Pinned { servers, load }))
}
