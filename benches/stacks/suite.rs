//! The program: flags, the selected stacks, and the order of the measurements.

mod conformance;
mod departures;
mod dialect;
mod fan_out;
#[path = "../harness/mod.rs"]
mod harness;
mod holding;
mod polls;
mod publisher;
mod reader;
mod reconnects;
mod running;
mod stalled;
mod steady;

use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use clap::Parser;
use poll_vs_sse_instrument::Profile;

use departures::Departures;
use dialect::Dialect;
use harness::program::{self, BenchFlags, BenchSetup};
use harness::{http, machine, process, report, sse, subscribers, usage};
use report::runs;
use report::stacks::catalog::{self, Runtime, Stack};
use report::stacks::{self, StackRun};
use running::RunningStack;
use steady::SteadyBench;

/// The longest time for the whole run. Then an alarm ends it and its children.
const MAX_RUN_SECONDS: u32 = 60 * 60;
/// Clients that close their streams; fewer if the server has no room for them.
const DEPARTING: usize = 5;
const STALLED: usize = 10;
/// How long other CPU use of the machine is measured before a stack is started.
const OTHER_WORK_TIME: Duration = Duration::from_millis(500);

/// Measures the cost of polls, long-polls and streams on common web stacks, the memory of each open stream, and the
/// behaviour at the limit.
#[derive(Debug, Parser)]
#[command(name = "stacks")]
struct Arguments {
    #[command(flatten)]
    flags: BenchFlags,
    /// Only list the stacks, and what each lacks
    #[arg(long)]
    list: bool,
    /// Only write docs/stacks.md from the committed runs
    #[arg(long)]
    document: bool,
}

/// The sizes of a stack's measurements.
struct StackSizes {
    rounds: usize,
    /// The length of one round of polls in a closed loop.
    round: Duration,
    steady: Duration,
    fan_out_streams: usize,
    most_streams: usize,
}

impl StackSizes {
    fn new(quick: bool) -> Self {
        let (rounds, round_ms, most_streams) = if quick { (1, 300, 100) } else { (3, 600, 500) };
        Self {
            rounds,
            round: Duration::from_millis(round_ms),
            steady: Duration::from_secs(1),
            fan_out_streams: 100,
            most_streams,
        }
    }
}

pub fn main() -> ExitCode {
    program::run("stacks", run)
}

fn run(arguments: Arguments) -> Result<()> {
    let flags = &arguments.flags;
    let stacks = catalog::read(program::root())?;
    if arguments.list {
        return list(&stacks);
    }
    if arguments.document {
        stacks::page::regenerate(program::root())?;
        return Ok(());
    }
    let setup = BenchSetup::new("stacks", flags, MAX_RUN_SECONDS)?;
    println!("{}\n", setup.about.machine_lines());
    let sizes = StackSizes::new(flags.quick);
    let mut measured = 0;
    for stack in selected_stacks(&stacks, flags.filter.as_deref().unwrap_or_default())? {
        if let Some(missing) = running::missing(program::root(), stack)? {
            println!("{}: skipped. {missing}", stack.name);
            continue;
        }
        if lacks_flags(stack, &setup)? {
            println!(
                "{}: skipped: this build has no {}",
                stack.name,
                stack.start.join(" ")
            );
            continue;
        }
        let run = measure(stack, &sizes, &setup, flags)?;
        println!("{}", stacks::page::summary_line(&run));
        let directory = flags.out.clone();
        let directory =
            directory.unwrap_or_else(|| machine::directory(program::root(), &setup.about));
        runs::write(
            &directory,
            &stacks::file(&stack.name),
            &runs::json(&run, "fan_out")?,
        )?;
        measured += 1;
    }
    ensure!(measured > 0, "no stack was measured");
    if flags.out.is_none() && !flags.quick && stacks::page::regenerate(program::root())? {
        println!("{} is regenerated", stacks::page::PATH);
    }
    Ok(())
}

/// The stacks in `filter`, a comma-separated list. Each item is a stack's name or, if there is no such name, a part of
/// names.
fn selected_stacks<'a>(stacks: &'a [Stack], filter: &str) -> Result<Vec<&'a Stack>> {
    let is_asked = |stack: &Stack, name: &str| match stacks.iter().any(|one| one.name == name) {
        true => stack.name == name,
        false => stack.name.contains(name),
    };
    for name in filter.split(',') {
        ensure!(
            stacks.iter().any(|stack| is_asked(stack, name)),
            "there is no stack {name}; --list shows all"
        );
    }
    let asked = stacks
        .iter()
        .filter(|stack| filter.split(',').any(|name| is_asked(stack, name)));
    Ok(asked.collect())
}

fn list(stacks: &[Stack]) -> Result<()> {
    for stack in stacks {
        let missing = running::missing(program::root(), stack)?;
        println!(
            "{:<20} {}",
            stack.name,
            missing.as_deref().unwrap_or("installed")
        );
    }
    Ok(())
}

/// Whether the binary of this project's server lacks the flags that the stack starts it with.
fn lacks_flags(stack: &Stack, setup: &BenchSetup) -> Result<bool> {
    let flag = stack
        .start
        .first()
        .filter(|_| stack.runtime == Runtime::Own);
    let Some(flag) = flag else { return Ok(false) };
    let help = Command::new(&setup.binary)
        .args(["serve", "--help"])
        .output()?;
    Ok(!String::from_utf8_lossy(&help.stdout).contains(flag.as_str()))
}

fn measure(
    stack: &Stack,
    sizes: &StackSizes,
    setup: &BenchSetup,
    flags: &BenchFlags,
) -> Result<StackRun> {
    println!("{}", stack.title);
    let mut about = machine::begin("stacks", !flags.quick, Some(&setup.binary));
    // This process is pinned, so it sees only its own core.
    about.machine.cores = setup.about.machine.cores;
    about.server_cores.clone_from(&setup.about.server_cores);
    about.load_cores.clone_from(&setup.about.load_cores);
    let nothing = |about| StackRun::empty(&stack.name, version(stack.runtime), about);
    let mut run = nothing(about);
    let other_work = Some(usage::busy_share(OTHER_WORK_TIME)?);
    run.other_work = other_work;
    if let Err(error) = run_phases(&mut run, stack, sizes, setup) {
        // Figures of an incomplete run are discarded.
        let failure = format!("{error:#}");
        run = StackRun {
            failure: Some(failure),
            other_work,
            ..nothing(run.about)
        };
    }
    machine::finish(&mut run.about);
    Ok(run)
}

/// The version that the runtime reports.
fn version(runtime: Runtime) -> Option<String> {
    let (program, argument) = match runtime {
        Runtime::Node => ("node", "--version"),
        Runtime::Python => ("python3", "--version"),
        Runtime::Php => ("php-fpm8.2", "--version"),
        Runtime::Ruby => ("ruby", "--version"),
        Runtime::Go | Runtime::Rust | Runtime::Own | Runtime::Peer => return None,
    };
    let output = Command::new(program).arg(argument).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Some(text.lines().next()?.trim().to_owned())
}

/// Data that the phases of one stack's measurement share.
struct Phases<'a> {
    stack: &'a Stack,
    sizes: &'a StackSizes,
    setup: &'a BenchSetup,
    /// The server that all phases use.
    shared: Option<RunningStack>,
}

impl Phases<'_> {
    fn start(&self) -> Result<RunningStack> {
        RunningStack::start(
            program::root(),
            self.stack,
            &self.setup.binary,
            self.setup.core(),
        )
    }

    /// Runs one phase, on a fresh server if there is no shared one. If the server ended, the error has its last output.
    fn run<T>(&self, name: &str, phase: impl FnOnce(&RunningStack) -> Result<T>) -> Result<T> {
        let own = match &self.shared {
            Some(_) => None,
            None => Some(self.start()?),
        };
        let running = self.shared.as_ref().or(own.as_ref()).context("a server")?;
        phase(running)
            .with_context(|| name.to_owned())
            .map_err(|error| match running.process.has_ended() {
                true => error.context(format!(
                    "the server ended; its last output:\n{}",
                    running.process.last_output()
                )),
                false => error,
            })
    }
}

fn run_phases(
    run: &mut StackRun,
    stack: &Stack,
    sizes: &StackSizes,
    setup: &BenchSetup,
) -> Result<()> {
    let mut phases = Phases {
        stack,
        sizes,
        setup,
        shared: None,
    };
    for _ in 0..sizes.rounds {
        run.holding
            .push(holding::measure(phases.start()?, sizes.most_streams).context("idle streams")?);
    }
    let Some((most, is_open_ended)) = run.most_streams() else {
        return Ok(());
    };
    // One connection is reserved for the publisher.
    let room = (most.min as usize).saturating_sub(1).max(1);
    if is_open_ended {
        phases.shared = Some(phases.start()?);
    }
    // The departures take half a minute, in which their server is idle, so the other phases run at the same time. The
    // server is started in this thread, because a child ends with the thread that started it.
    let departing = phases.start()?;
    let departures = Departures::open(&departing, DEPARTING.min(room)).context("departures")?;
    let (measured, left) = std::thread::scope(|scope| {
        let watching = scope.spawn(|| departures.close());
        let measured =
            measure_load(run, &phases, room).and_then(|()| measure_failures(run, &phases, room));
        (measured, watching.join())
    });
    measured?;
    run.departures = left.map_err(|_| anyhow!("the thread that measures departures panicked"))?;
    Ok(())
}

fn measure_load(run: &mut StackRun, phases: &Phases<'_>, room: usize) -> Result<()> {
    let Phases {
        stack,
        sizes,
        setup,
        ..
    } = phases;
    if Dialect::from_stack(stack) == Dialect::Contract {
        run.contract = phases.run("contract", |running| Ok(conformance::check(running)))?;
    }
    run.polls = phases.run("polls", |running| {
        polls::rounds(running, sizes.rounds, sizes.round)
    })?;
    let streams = sizes.fan_out_streams.min(room);
    run.fan_out = phases.run("fan-out", |running| {
        fan_out::rounds(running, streams, sizes.rounds)
    })?;
    let profile = Profile::load(stack.profile.as_deref().unwrap_or("poll-vs-sse"))?;
    let steady = SteadyBench {
        runtime: &setup.runtime,
        placement: &setup.placement,
        profile: &profile,
        duration: sizes.steady,
    };
    for round in 1..=sizes.rounds {
        for (transport, load) in steady::LOADS {
            let (round, load) = (u32::try_from(round)?, load.within(room));
            let measure = |running: &RunningStack| steady.measure(running, transport, round, load);
            run.steady.extend(phases.run("steady load", measure)?);
        }
    }
    Ok(())
}

fn measure_failures(run: &mut StackRun, phases: &Phases<'_>, room: usize) -> Result<()> {
    let rounds = phases.sizes.rounds;
    if Dialect::from_stack(phases.stack).resumes() {
        for round in 0..rounds {
            let room = format!("reconnects{round}");
            let cut = |running: &RunningStack| reconnects::round(running.endpoint, &room);
            run.reconnects.push(phases.run("reconnects", cut)?);
        }
    }
    let stalled = STALLED.min(room.saturating_sub(1));
    if stalled > 0 {
        run.stalled = phases.run("stalled readers", |running| {
            stalled::rounds(running, stalled, rounds)
        })?;
    }
    Ok(())
}
