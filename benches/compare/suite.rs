//! The program: flags, the order of the runs, and writing the results. Nothing is written before the end, so that a
//! run that is killed leaves no partial result.

#[path = "../harness/mod.rs"]
mod harness;
mod matrix;
mod max_clients;
mod protocols;
mod subjects;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use poll_vs_sse_instrument::{CpuPinning, RunControl, Target, measure};

use harness::program::{self, BenchFlags, BenchSetup};
use harness::{audit_check, machine, nginx, report, servers};
use matrix::MatrixPlan;
use report::compare::{Combination, FILE, HEAD, Matrix, NCHAN, OURS, Run, SkippedCombination};
use report::docs;
use subjects::ComparedServers;

/// The longest time for the whole run. Then an alarm ends it and its children.
const MAX_RUN_SECONDS: u32 = 45 * 60;

/// Measures poll, long-poll and SSE by clients, message rate and polling interval, compared with a bare write
/// loop and, if its module is installed, nchan. The whole run regenerates docs/benchmarks.md.
#[derive(Debug, Parser)]
#[command(name = "compare")]
struct Arguments {
    #[command(flatten)]
    flags: BenchFlags,
    /// How often each combination is measured [default: 2, quick: 1]; short runs near the break-even once more, message
    /// rates below one a second only once
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: Option<u32>,
    /// nchan's module [default: Debian's path]
    #[arg(long, value_name = "PATH")]
    nchan_module: Option<PathBuf>,
    /// Only print how many combinations would be measured, and for how long
    #[arg(long)]
    dry_run: bool,
    /// Only regenerate docs/benchmarks.md from the existing runs
    #[arg(long)]
    docs: bool,
}

pub fn main() -> ExitCode {
    program::run("compare", run)
}

fn run(arguments: Arguments) -> Result<()> {
    let flags = &arguments.flags;
    let rounds = arguments.rounds.unwrap_or(if flags.quick { 1 } else { 2 });
    if !flags.selects("matrix") && !flags.selects("protocols") {
        println!("compare: no part has that name; the parts are matrix and protocols");
        return Ok(());
    }
    if arguments.docs {
        let changed = docs::regenerate(program::root())?;
        let state = if changed { "regenerated" } else { "up to date" };
        println!("{} is {state}", docs::PATH);
        return Ok(());
    }
    let matrix = match flags.quick {
        true => &matrix::QUICK,
        false => &matrix::FULL,
    };
    let loads = matrix.loads();
    let minutes = matrix.expected_time_of_all(&loads, rounds).as_secs_f64() / 60.0;
    let count = loads.iter().map(Vec::len).sum::<usize>();
    if flags.selects("matrix") {
        println!("{count} combinations, {rounds} rounds: at most {minutes:.1} minutes");
    }
    if arguments.dry_run {
        return Ok(());
    }
    let setup = BenchSetup::new("compare", flags, MAX_RUN_SECONDS)?;
    println!("{}", setup.about.machine_lines());
    if flags.selects("protocols") {
        let about = setup.begin_part("compare");
        flags.save_part(protocols::run(&setup, rounds, flags.quick, about)?)?;
    }
    if !flags.selects("matrix") {
        return flags.update_docs();
    }
    let binary = setup.binary.clone();
    let subjects = ComparedServers::start(binary, arguments.nchan_module.as_deref(), setup.core())?;
    let suite = Suite {
        matrix,
        subjects: &subjects,
        placement: &setup.placement,
        rounds,
    };
    let measured = suite.measure(&loads, setup.about.clone());
    let mut measured = setup.runtime.block_on(measured)?;
    drop(subjects);
    machine::finish(&mut measured.about);
    save_matrix(flags, &measured)
}

struct Suite<'a> {
    matrix: &'a MatrixPlan,
    subjects: &'a ComparedServers,
    placement: &'a CpuPinning,
    rounds: u32,
}

impl Suite<'_> {
    async fn measure(
        &self,
        loads: &[Vec<Combination>],
        about: report::provenance::Provenance,
    ) -> Result<Matrix> {
        let ours = self
            .subjects
            .target(OURS)?
            .context("this project's server was not started")?;
        let reach = max_clients::reach(ours, self.placement)
            .await
            .context("measure the capacity of this machine")?;
        let mut measured = Matrix {
            about,
            rounds: self.rounds,
            size_bytes: matrix::SIZE,
            head: HEAD,
            reach,
            skipped: Vec::new(),
            runs: Vec::new(),
        };
        let loads = self.within_reach(loads, &mut measured)?;
        let due = |round| {
            let all = loads.iter().flatten();
            let all = all.filter(|(of, _)| self.matrix.is_due(of, round, self.rounds));
            all.count()
        };
        let total: usize = self.matrix.rounds(self.rounds).map(due).sum();
        let begin = Instant::now();
        for round in self.matrix.rounds(self.rounds) {
            for load in &loads {
                for at in 0..load.len() {
                    // The order changes with each round, so that a machine that slows down favours none of them.
                    let (of, target) = load[(at + round as usize) % load.len()];
                    if !self.matrix.is_due(of, round, self.rounds) {
                        continue;
                    }
                    let run = self.measure_combination(of, target, round).await?;
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

    /// The combinations to measure. The others are recorded in `measured.skipped` and printed.
    fn within_reach<'a>(
        &'a self,
        loads: &'a [Vec<Combination>],
        measured: &mut Matrix,
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
                measured.skipped.push(SkippedCombination {
                    of: of.clone(),
                    why,
                });
            }
            kept.push(of_load);
        }
        Ok(kept)
    }

    /// One run. Fails unless its audit is clean.
    async fn measure_combination(
        &self,
        of: &Combination,
        target: &Target,
        round: u32,
    ) -> Result<Run> {
        let workload = self.matrix.workload(of);
        let control = RunControl::default();
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
        audit_check::check(&outcome).with_context(what)?;
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
    if run.is_held_up() {
        line += "  the load generator was at its limit or late";
    }
    if run.is_behind() {
        line += "  behind";
    }
    line
}

/// Writes the run and, if it is a full run in its usual directory, regenerates the documentation.
fn save_matrix(flags: &BenchFlags, measured: &Matrix) -> Result<()> {
    let report = report::compare::report(measured);
    if measured.skipped.iter().any(|one| one.of.subject == NCHAN) {
        println!("nchan was not measured: install nginx and libnginx-mod-nchan for that");
    }
    let about = &measured.about;
    flags.save_run(FILE, about, measured, "runs", &report)?;
    let head = format!("# compare\n\n`{}`\n\n{}", about.command, about.sentence());
    flags.write(about, "compare.md", &format!("{head}\n\n{report}\n"))?;
    flags.update_docs()
}
