//! The program: flags, the order of the runs, and what is written at the end. Nothing is written before it,
//! so that a run that is killed leaves no half of itself behind.

mod matrix;
mod reach;
#[path = "../rig/mod.rs"]
mod rig;
mod subjects;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use poll_vs_sse::compare::{Control, Placement, Target, measure};

use figures::compare::{Combination, FILE, Matrix as Measured, NCHAN, OURS, Run, Skipped};
use figures::{docs, runs};
use matrix::Matrix;
use rig::{figures, floor, machine, process, subject};
use subjects::Subjects;

/// The whole run may take this long; then the alarm ends it, and its children with it.
const LONGEST_RUN_SECONDS: u32 = 30 * 60;

/// Measures poll, long-poll and SSE over clients, message rate and polling interval, beside a bare write
/// loop and, where its module is installed, nchan. The whole run regenerates docs/benchmarks.md.
#[derive(Debug, Parser)]
#[command(name = "compare")]
struct Arguments {
    /// A small matrix, in under two minutes
    #[arg(long)]
    quick: bool,
    /// How often each combination is measured
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
    /// Write the run into this directory [default: benches/runs/<date>-<machine>, quick: the same
    /// with -quick]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Measure this binary instead of the one cargo has just built
    #[arg(long, value_name = "PATH")]
    server_bin: Option<PathBuf>,
    /// nchan's module [default: where Debian installs it]
    #[arg(long, value_name = "PATH")]
    nchan_module: Option<PathBuf>,
    /// Only say what would be measured, and for how long
    #[arg(long)]
    dry_run: bool,
    /// Only bring docs/benchmarks.md up to date with the runs there are
    #[arg(long)]
    docs: bool,
    /// Run only if this is part of the bench's name
    filter: Option<String>,
    /// Passed by cargo bench
    #[arg(long, hide = true)]
    bench: bool,
}

pub fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let outcome = if arguments.next().as_deref() == Some(floor::ARGUMENT) {
        floor::serve()
    } else if !std::env::args().any(|argument| argument == "--bench") {
        // `cargo test --benches` runs this too, with flags that are the test harness's.
        println!("compare: nothing is measured without --bench, which cargo bench passes");
        Ok(())
    } else {
        run(&Arguments::parse())
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if !"compare".contains(arguments.filter.as_deref().unwrap_or_default()) {
        println!("compare: no part is called that");
        return Ok(());
    }
    if arguments.docs {
        let changed = docs::regenerate(Path::new(env!("CARGO_MANIFEST_DIR")))?;
        let state = if changed {
            "regenerated"
        } else {
            "as it has to be"
        };
        println!("{} is {state}", docs::PATH);
        return Ok(());
    }
    let built = option_env!("CARGO_BIN_EXE_poll-vs-sse");
    let binary = subject::binary(arguments.server_bin.as_deref(), built)?;
    let matrix = match arguments.quick {
        true => &matrix::QUICK,
        false => &matrix::FULL,
    };
    let loads = matrix.loads();
    let takes = |round| {
        let due = loads
            .iter()
            .flatten()
            .filter(move |of| matrix.is_due(of, round));
        due.map(|of| matrix.takes(of)).sum::<Duration>()
    };
    let minutes = (1..=arguments.rounds)
        .map(takes)
        .sum::<Duration>()
        .as_secs_f64()
        / 60.0;
    let count = loads.iter().map(Vec::len).sum::<usize>();
    println!(
        "{count} combinations, {} rounds: at most {minutes:.0} minutes",
        arguments.rounds
    );
    if arguments.dry_run {
        return Ok(());
    }
    // SAFETY: a plain integer. Its signal's default action ends this process; children go with
    // their parent.
    unsafe { libc::alarm(LONGEST_RUN_SECONDS) };
    process::raise_descriptor_limit()?;
    let mut about = machine::begin("compare", !arguments.quick, Some(&binary));
    println!("{}", about.machine_lines());
    let placement = Placement::halves();
    about.server_cores.clone_from(&placement.server);
    about.load_cores.clone_from(&placement.load);
    let core = placement.server.first().copied();
    let subjects = Subjects::start(binary, arguments.nchan_module.as_deref(), core)?;
    placement.take_load();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(placement.load_cores())
        .enable_all()
        .build()?;
    let mut measured = runtime.block_on(
        Suite {
            matrix,
            subjects: &subjects,
            placement: &placement,
            rounds: arguments.rounds,
        }
        .measure(&loads, about),
    )?;
    drop(subjects);
    machine::finish(&mut measured.about);
    keep(arguments, &measured)
}

struct Suite<'a> {
    matrix: &'a Matrix,
    subjects: &'a Subjects,
    placement: &'a Placement,
    rounds: u32,
}

impl Suite<'_> {
    async fn measure(
        &self,
        loads: &[Vec<Combination>],
        about: figures::about::About,
    ) -> Result<Measured> {
        let ours = self
            .subjects
            .target(OURS)?
            .context("our own server is not there")?;
        let reach = reach::reach(ours, self.placement)
            .await
            .context("find out what this machine can do")?;
        let mut measured = Measured {
            about,
            rounds: self.rounds,
            size_bytes: matrix::SIZE,
            reach,
            skipped: Vec::new(),
            runs: Vec::new(),
        };
        let loads = self.within_reach(loads, &mut measured)?;
        let due = |round| {
            let all = loads.iter().flatten();
            all.filter(|(of, _)| self.matrix.is_due(of, round)).count()
        };
        let total: usize = (1..=self.rounds).map(due).sum();
        let begin = Instant::now();
        for round in 1..=self.rounds {
            for load in &loads {
                for at in 0..load.len() {
                    // Who goes first changes, so that a drift of the machine favours nobody.
                    let (of, target) = load[(at + round as usize) % load.len()];
                    if !self.matrix.is_due(of, round) {
                        continue;
                    }
                    let run = self.once(of, target, round).await?;
                    let done = measured.runs.len() + 1;
                    println!(
                        "{:>5.0} s {done:>4}/{total} {}",
                        begin.elapsed().as_secs_f64(),
                        line(&run)
                    );
                    measured.runs.push(run);
                }
            }
        }
        Ok(measured)
    }

    /// The combinations that are measured; the others are noted down and said.
    fn within_reach<'a>(
        &'a self,
        loads: &'a [Vec<Combination>],
        measured: &mut Measured,
    ) -> Result<Vec<Vec<(&'a Combination, &'a Target)>>> {
        let mut kept = Vec::new();
        for load in loads {
            let mut of_load = Vec::new();
            for of in load {
                let share = measured.reach.share(of);
                let target = self.subjects.target(&of.subject)?;
                let why = match target {
                    _ if share > measured.reach.most => {
                        format!("would take {:.0} % of a processor", share * 100.0)
                    }
                    None => "is not installed".to_owned(),
                    Some(target) => {
                        of_load.push((of, target));
                        continue;
                    }
                };
                println!(
                    "left out: {} clients, {}/s, {} of {}: {why}",
                    of.clients,
                    of.rate,
                    of.way(),
                    of.subject
                );
                measured.skipped.push(Skipped {
                    of: of.clone(),
                    why,
                });
            }
            kept.push(of_load);
        }
        Ok(kept)
    }

    /// One run, whose audit has to be clean.
    async fn once(&self, of: &Combination, target: &Target, round: u32) -> Result<Run> {
        let workload = self.matrix.workload(of);
        let control = Control::default();
        let outcome = measure(
            target,
            &workload,
            of.transport,
            round,
            self.placement,
            &control,
        );
        let what = || {
            format!(
                "{} clients, {}/s, {} of {}",
                of.clients,
                of.rate,
                of.way(),
                of.subject
            )
        };
        let outcome = outcome.await.with_context(what)?;
        ensure!(
            outcome.deliveries == outcome.expected
                && [
                    outcome.missed,
                    outcome.duplicates,
                    outcome.out_of_order,
                    outcome.errors
                ] == [0; 4],
            "{}: {} of {} delivered, {} missed, {} repeated, {} out of order, {} errors ({}): no figure of \
             this run is worth anything",
            what(),
            outcome.deliveries,
            outcome.expected,
            outcome.missed,
            outcome.duplicates,
            outcome.out_of_order,
            outcome.errors,
            outcome.first_error.as_deref().unwrap_or("none")
        );
        Ok(Run {
            of: of.clone(),
            outcome,
        })
    }
}

/// A run in one line.
fn line(run: &Run) -> String {
    let (of, outcome) = (&run.of, &run.outcome);
    let delay = outcome
        .delay_us
        .map_or(0.0, |delay| delay.p50 as f64 / 1000.0);
    let mut line = format!(
        "{:>5} clients {:>5}/s  {:<11} {:<18} cpu {:>6.2} %  {:>9.0} B/s  p50 {delay:>8.1} ms  load {:>3.0} %",
        of.clients,
        of.rate,
        of.subject,
        of.way(),
        run.cpu().unwrap_or_default() * 100.0,
        run.wire(),
        outcome.load.cpu_share * 100.0,
    );
    if outcome.load.limited {
        line += "  limited by the load generator";
    }
    if run.is_behind() {
        line += "  behind";
    }
    line
}

/// Writes the run and, where it is a whole one in its place, the documentation.
fn keep(arguments: &Arguments, measured: &Measured) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let report = figures::compare::report(measured);
    println!("\n{report}\n");
    if measured.skipped.iter().any(|one| one.of.subject == NCHAN) {
        println!("nchan was not measured: install nginx and libnginx-mod-nchan for that");
    }
    let directory = match &arguments.out {
        Some(out) => out.clone(),
        None => machine::directory(root, &measured.about),
    };
    runs::write(&directory, FILE, &runs::json(measured, "runs")?)?;
    let head = format!(
        "# compare\n\n`{}`\n\n{}",
        measured.about.command,
        measured.about.sentence()
    );
    runs::write(&directory, "compare.md", &format!("{head}\n\n{report}\n"))?;
    println!("written to {}", directory.display());
    if arguments.out.is_none() && !arguments.quick && docs::regenerate(root)? {
        println!("{} is regenerated", docs::PATH);
    }
    Ok(())
}
