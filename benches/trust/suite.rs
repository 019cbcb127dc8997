//! The program: flags, and the order of the parts.

mod agreement;
mod cgroup;
#[path = "../harness/mod.rs"]
mod harness;
mod memory;
mod polls;
mod readings;
mod streams;

use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use poll_vs_sse_instrument::{Profile, RunControl, RunResult, Workload, measure};

use cgroup::ControlGroup;
use harness::program::{self, BenchFlags, BenchSetup};
use harness::servers::{OwnServer, RunningServer};
use harness::{audit_check, http, pollers, report, usage};
use readings::OtherReadings;
use report::trust::{Figure, Referee, TrustRow, TrustRun};

/// The longest time for the whole run. Then an alarm ends it and its children.
const MAX_RUN_SECONDS: u32 = 15 * 60;

/// Compares the figures of the instrument with those of h2load, wrk, curl, perf, the cgroup and /proc.
#[derive(Debug, Parser)]
#[command(name = "trust")]
struct Arguments {
    #[command(flatten)]
    flags: BenchFlags,
}

pub fn main() -> ExitCode {
    program::run("trust", run)
}

fn run(arguments: Arguments) -> Result<()> {
    let flags = &arguments.flags;
    let setup = BenchSetup::new("trust", flags, MAX_RUN_SECONDS)?;
    println!("{}", setup.about.machine_lines());
    let (rounds, seconds) = if flags.quick { (1, 2) } else { (3, 6) };
    let bench = TrustBench {
        setup: &setup,
        lasts: Duration::from_secs(seconds),
    };
    let mut measured = TrustRun {
        about: setup.about.clone(),
        versions: versions(),
        rows: Vec::new(),
    };
    for round in 1..=rounds {
        let mut rows = Vec::new();
        if flags.selects("polls") {
            rows.extend(polls::measure(&bench).context("polls")?);
        }
        if flags.selects("streams") {
            rows.extend(streams::measure(&bench).context("streams")?);
        }
        if flags.selects("memory") {
            rows.extend(memory::measure(&bench).context("memory")?);
        }
        for row in &mut rows {
            row.round = round;
            println!("{}", row.line());
        }
        measured.rows.extend(rows);
    }
    // A filtered run is not a full run.
    measured.about.full &= flags.filter.is_none();
    // The figures are saved also if they disagree. A quick run has a single round.
    let agreement = match flags.quick {
        true => Ok(()),
        false => agreement::ensure_agreement(&measured.rows),
    };
    flags.save_part(measured)?;
    agreement
}

/// The versions that the other programs report. The run skips those that are not installed.
fn versions() -> Vec<String> {
    let of = [
        ("h2load", "--version"),
        ("wrk", "-v"),
        ("curl", "--version"),
        ("perf", "--version"),
    ];
    let said = of.into_iter().filter_map(|(program, argument)| {
        let output = Command::new(program).arg(argument).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().next()?.trim().to_owned();
        let words = line.split_whitespace().take(3);
        Some(words.collect::<Vec<_>>().join(" "))
    });
    said.collect()
}

/// Whether the program is installed. If not, prints how to install it.
fn is_installed(program: &str, package: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        println!("{program} is not installed and is skipped (Debian: apt-get install {package})");
    }
    found
}

/// The setup and duration that all parts share.
struct TrustBench<'a> {
    setup: &'a BenchSetup,
    lasts: Duration,
}

impl TrustBench<'_> {
    /// Starts a server in its own control group.
    fn start(&self) -> Result<(RunningServer, Option<ControlGroup>)> {
        let server = OwnServer::default().start("ours", &self.setup.binary, self.setup.core())?;
        let group = ControlGroup::with_process(server.process.pids()[0]);
        Ok((server, group))
    }

    /// One run of the instrument, with the readings of other programs taken at the same time. Fails unless the audit is
    /// clean.
    fn measure_with_readings(
        &self,
        server: &RunningServer,
        group: Option<&ControlGroup>,
        workload: &Workload,
    ) -> Result<(RunResult, OtherReadings)> {
        let target = server.target(Profile::load("poll-vs-sse")?)?;
        let transport = workload.transports[0];
        let pid = server.process.pids()[0];
        let control = RunControl::default();
        let warm_up = workload.warm_up(transport);
        std::thread::scope(|scope| {
            let reading = scope.spawn(|| OtherReadings::during(pid, group, warm_up, self.lasts));
            let run = measure(
                &target,
                workload,
                transport,
                1,
                &self.setup.placement,
                &control,
            );
            let outcome = self.setup.runtime.block_on(run)?;
            audit_check::check(&outcome)?;
            let readings = reading
                .join()
                .map_err(|_| anyhow::anyhow!("the thread of the other readings panicked"))??;
            Ok((outcome, readings))
        })
    }
}

/// The server's CPU time per second in one run, read by the instrument and by other programs.
fn cpu_rows(
    figure: Figure,
    outcome: &RunResult,
    readings: &OtherReadings,
) -> Result<Vec<TrustRow>> {
    let own = outcome
        .server_cpu_s
        .context("the instrument read no CPU time")?;
    let own = own / outcome.duration_s * 1e3;
    let others = [
        (Referee::Perf, readings.perf_ms_per_s),
        (Referee::Cgroup, readings.cgroup_ms_per_s),
        (Referee::Proc, readings.proc_ms_per_s),
    ];
    let rows = others.into_iter().filter_map(|(referee, other)| {
        let other = other?;
        Some(TrustRow::new(figure, referee, own, other))
    });
    Ok(rows.collect())
}
