//! The program: flags, steps with more and more clients, and writing the results.

#[path = "../harness/mod.rs"]
mod harness;
mod transports;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use poll_vs_sse_instrument::{CpuPinning, Pacing, RunControl, RunResult, Workload, measure};

use harness::program::{self, BenchFlags, BenchSetup};
use harness::{audit_check, http, machine, nginx, report, servers};
use report::published::{DeliveryMethod, FILE, PaperRun, Step};

/// The longest time for the whole run. Then an alarm ends it and its children.
const MAX_RUN_SECONDS: u32 = 30 * 60;
/// Bytes of a document: 5.2 kB. The server accepts at most 4,096 characters, so the text uses two-byte characters.
const SIZE: usize = 5200;
const PERIOD: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(500);
const ACCEPTABLE: Duration = Duration::from_secs(4);
/// The number of clients of each step; steps that need too many descriptors are skipped.
const FULL: [usize; 5] = [1000, 5000, 10_000, 20_000, 40_000];
const QUICK: [usize; 2] = [200, 1000];
/// Additional steps that search for the limit once clients wait too long.
const HALVINGS: usize = 2;

/// Repeats the scenario of Van de Vyvere et al. (2020): how many clients one core serves by polling, by
/// polling through nginx's cache, and by SSE.
#[derive(Debug, Parser)]
#[command(name = "published")]
struct Arguments {
    #[command(flatten)]
    flags: BenchFlags,
    /// The number of clients of each step, as far as descriptors allow [default:
    /// 1000,5000,10000,20000,40000, quick: 200,1000]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    clients: Vec<usize>,
    /// New documents in each step
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    documents: u32,
}

pub fn main() -> ExitCode {
    program::run("published", run)
}

fn run(arguments: Arguments) -> Result<()> {
    let flags = &arguments.flags;
    if !flags.selects("published") {
        println!("published: no part has that name");
        return Ok(());
    }
    let mut setup = BenchSetup::new("published", flags, MAX_RUN_SECONDS)?;
    setup.about.full &= arguments.clients.is_empty();
    println!("{}", setup.about.machine_lines());
    let most = setup.most_clients();
    let mut paper = PaperRun {
        about: setup.about.clone(),
        size_bytes: SIZE,
        period_s: PERIOD.as_secs_f64(),
        pause_s: PAUSE.as_secs_f64(),
        acceptable_s: ACCEPTABLE.as_secs_f64(),
        most_clients: most,
        open_files: Some(setup.descriptors),
        steps: Vec::new(),
    };
    let scenario = PaperScenario {
        binary: &setup.binary,
        placement: &setup.placement,
        documents: arguments.documents,
        begin: Instant::now(),
    };
    let steps = match flags.quick {
        _ if !arguments.clients.is_empty() => &arguments.clients[..],
        true => &QUICK[..],
        false => &FULL[..],
    };
    let mut steps: Vec<usize> = steps.iter().map(|clients| most.min(*clients)).collect();
    steps.dedup();
    let measured = scenario.measure(&steps, &mut paper);
    setup.runtime.block_on(measured)?;
    machine::finish(&mut paper.about);
    let report = report::published::report(&paper);
    flags.save_run(FILE, &paper.about, &paper, "steps", &report)?;
    flags.update_docs()
}

struct PaperScenario<'a> {
    binary: &'a Path,
    placement: &'a CpuPinning,
    documents: u32,
    begin: Instant,
}

impl PaperScenario<'_> {
    /// All methods with each number of clients, until the method is exhausted.
    async fn measure(&self, steps: &[usize], paper: &mut PaperRun) -> Result<()> {
        let ways = DeliveryMethod::ALL.into_iter().filter(|way| {
            let is_here = !way.is_cached() || paper.about.machine.nginx.is_some();
            if !is_here {
                println!("skipped: {}: nginx is not installed", way.name());
            }
            is_here
        });
        let ways: Vec<_> = ways.collect();
        for (at, clients) in steps.iter().enumerate() {
            for turn in 0..ways.len() {
                // The order changes with each step, so that no method is always last on a machine that slows down.
                let way = ways[(at + turn) % ways.len()];
                if !paper.is_exhausted(way) {
                    let step = self.measure_step(way, *clients).await?;
                    paper.steps.push(step);
                }
            }
        }
        for way in ways {
            self.bisect_limit(way, paper).await?;
        }
        Ok(())
    }

    /// Searches for the number of clients above which they wait too long.
    async fn bisect_limit(&self, way: DeliveryMethod, paper: &mut PaperRun) -> Result<()> {
        for _ in 0..HALVINGS {
            let late = paper
                .steps_of(way)
                .into_iter()
                .find(|step| step.slowest_s() > paper.acceptable_s);
            let Some(late) = late else { return Ok(()) };
            let good = paper.best_step(way).map_or(0, |step| step.outcome.clients);
            let middle = usize::try_from(u64::midpoint(good, late.outcome.clients))?;
            let step = self.measure_step(way, middle).await?;
            paper.steps.push(step);
        }
        Ok(())
    }

    async fn measure_step(&self, way: DeliveryMethod, clients: usize) -> Result<Step> {
        let core = self.placement.server.first().copied();
        let ready = transports::start(way, self.binary, core, SIZE)?;
        let workload = Workload {
            transports: vec![ready.transport],
            clients,
            rate: 1.0 / PERIOD.as_secs_f64(),
            interval: PAUSE,
            pace: Pacing::AfterAnswer,
            duration: PERIOD * self.documents,
            size: SIZE,
            ..Workload::default()
        };
        let control = RunControl::default();
        let outcome = measure(
            &ready.target,
            &workload,
            ready.transport,
            1,
            self.placement,
            &control,
        );
        let what = || format!("{}, {clients} clients", way.name());
        let outcome = outcome.await.with_context(what)?;
        check_audit(way, &outcome).with_context(what)?;
        if way.repeats() {
            check_documents(&outcome).with_context(what)?;
        }
        let step = Step { way, outcome };
        println!(
            "{:>5.0} s  {}",
            self.begin.elapsed().as_secs_f64(),
            step_line(&step)
        );
        Ok(step)
    }
}

/// Fails if the audit found an error. Some findings are expected: clients that poll for whole documents receive each
/// one repeatedly and miss those replaced between two polls, and a client behind a cache misses a document that the
/// cache, on an overloaded core, does not deliver in time. A missed document counts as an infinite delay.
fn check_audit(way: DeliveryMethod, outcome: &RunResult) -> Result<()> {
    let found = match (way.repeats(), way.is_cached()) {
        (true, _) => [0, 0],
        (false, true) => [0, outcome.duplicates],
        (false, false) => [outcome.missed, outcome.duplicates],
    };
    let found = [found[0], found[1], outcome.out_of_order, outcome.errors];
    ensure!(found == [0; 4], "{}", audit_check::findings(outcome));
    Ok(())
}

/// Fails if answers had no document. The instrument counts the document from before the measured time as none, so this
/// looks at bytes.
fn check_documents(outcome: &RunResult) -> Result<()> {
    // Each client may have a request in flight at the end.
    let answers = outcome.requests.saturating_sub(outcome.clients);
    let least = answers * SIZE as u64;
    ensure!(
        outcome.wire_bytes_out >= least,
        "{answers} answers had {} bytes, which is less than {SIZE} each: some had no document",
        outcome.wire_bytes_out
    );
    Ok(())
}

fn step_line(step: &Step) -> String {
    let outcome = &step.outcome;
    format!(
        "{:>6} clients  {:<26} slowest {:>6.3} s  {:>7.0} requests/s  cpu {:>5.1} %  load {:>3.0} %{}",
        outcome.clients,
        step.way.name(),
        step.slowest_s(),
        outcome.requests as f64 / outcome.duration_s,
        step.cpu() * 100.0,
        outcome.load.cpu_share * 100.0,
        if outcome.load.limited {
            "  limited by the load generator"
        } else {
            ""
        },
    )
}
