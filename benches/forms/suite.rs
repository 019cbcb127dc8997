//! The program: flags, the order of the runs, and writing the results.

mod cells;
#[path = "../harness/mod.rs"]
mod harness;
mod http2_streams;
mod shared;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use poll_vs_sse_instrument::{OwnServer, Protocol};

use cells::FormCell;
use harness::program::{self, BenchFlags, BenchSetup};
use harness::{certificate, fan_out, frame, http, report, rounds, servers, subscribers, usage};
use report::forms::{FormMeasurement, FormsRun, HttpForm};

/// The longest time for the whole run. Then an alarm ends it and its children.
const MAX_RUN_SECONDS: u32 = 30 * 60;

/// Measures what a poll, a delivery and an idle subscriber cost over HTTP/1.1 and HTTP/2, with and without TLS, with
/// the heads of browsers and with cookies. Forms take turns.
#[derive(Debug, Parser)]
#[command(name = "forms")]
struct Arguments {
    #[command(flatten)]
    flags: BenchFlags,
    /// How often each cell is measured [default: 3, quick: 1]; other heads and cookies once
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: Option<u32>,
}

pub fn main() -> ExitCode {
    program::run("forms", run)
}

fn run(arguments: Arguments) -> Result<()> {
    let flags = &arguments.flags;
    let (forms, shared) = (flags.selects("forms"), flags.selects("shared"));
    if !forms && !shared {
        println!("forms: its parts are forms and shared");
        return Ok(());
    }
    let rounds = arguments.rounds.unwrap_or(if flags.quick { 1 } else { 3 });
    let setup = BenchSetup::new("forms", flags, MAX_RUN_SECONDS)?;
    if forms {
        flags.save_part(measure_forms(&setup, flags.quick, rounds)?)?;
    }
    if shared {
        let about = setup.begin_part("forms");
        flags.save_part(shared::run(&setup, flags.quick, about)?)?;
    }
    flags.update_docs()
}

/// Every form with every head.
fn measure_forms(setup: &BenchSetup, quick: bool, rounds: u32) -> Result<FormsRun> {
    let mut measured = FormsRun {
        about: setup.begin_part("forms"),
        runs: Vec::new(),
    };
    let begin = Instant::now();
    for round in 1..=rounds {
        for cell in cells::combinations(round, quick) {
            for turn in 0..HttpForm::ALL.len() {
                // The order changes with each round, so that a machine that slows down favours no form.
                let form = HttpForm::ALL[(turn + round as usize) % HttpForm::ALL.len()];
                if !cell.concerns(form) {
                    continue;
                }
                let run = setup
                    .runtime
                    .block_on(measure_cell(setup, form, &cell, round))
                    .with_context(|| format!("{form:?}, {cell:?}"))?;
                println!("{:>5.0} s {}", begin.elapsed().as_secs_f64(), run.line());
                measured.runs.push(run);
            }
        }
    }
    Ok(measured)
}

/// One run. Fails unless its audit is clean.
async fn measure_cell(
    setup: &BenchSetup,
    form: HttpForm,
    cell: &FormCell,
    round: u32,
) -> Result<FormMeasurement> {
    let protocol = match form.is_http2() {
        true => Protocol::Http2,
        false => Protocol::Http1,
    };
    let server = OwnServer {
        tls: form.is_tls(),
        protocol: Some(protocol),
        flags: match form {
            HttpForm::OrdinaryWay => vec!["--http-fast-path".into(), "off".into()],
            _ => Vec::new(),
        },
        ..OwnServer::default()
    };
    let workload = cell.workload(protocol);
    let outcome = setup
        .measure_own(server, &workload, cell.transport, round)
        .await?;
    Ok(FormMeasurement {
        form,
        what: cell.what,
        head: cell.head,
        cookie_bytes: cell.cookie_bytes,
        round,
        outcome,
    })
}
