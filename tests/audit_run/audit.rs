//! The audit: publishers and readers on every transport, while servers, stores and networks fail.
//!
//! Every message has a number. At the end, the messages that each reader received are compared with those that were
//! acknowledged: none may be missing without a `reset`, repeated, out of order, or gone. The faults and their times
//! follow from the seed, which is printed.

mod fault_proxy;
mod group;
mod http;
mod link;
mod process;
mod proof;
mod publisher;
mod reader;
mod record;
mod report;
mod rng;
mod run;
mod schedule;
mod state;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;

use crate::{
    fault_proxy::Mutation,
    group::{GroupSetup, StoreKind},
};

/// Audit what servers deliver while everything around them fails.
#[derive(Parser)]
#[command(name = "tests/audit")]
struct AuditOptions {
    /// The store of the servers.
    #[arg(long, value_enum, default_value = "sqlite")]
    store: StoreKind,

    /// How long faults are injected, in minutes [default: 20 seconds].
    #[arg(long)]
    minutes: Option<f64>,

    /// Replay the schedule of an earlier run [default: from the clock].
    #[arg(long)]
    seed: Option<u64>,

    /// Messages a second, by all publishers together.
    #[arg(long, default_value = "200")]
    rate: u32,

    /// Test the audit itself: run it on servers with each kind of error that it must find.
    #[arg(long, conflicts_with_all = ["minutes", "rate", "whole_cluster", "mutation"])]
    prove: bool,

    /// Run on servers with this error, which the audit must find.
    #[arg(long, value_enum)]
    mutation: Option<Mutation>,

    /// Also kill all NATS nodes at once. NATS itself may not survive that: see docs/reliability.md.
    #[arg(long)]
    whole_cluster: bool,

    /// The server's program.
    #[arg(long, default_value = "target/release/poll-vs-sse")]
    server: PathBuf,

    /// NATS's program.
    #[arg(long, env = "NATS_SERVER", default_value_os_t = nats_server())]
    nats_server: PathBuf,

    /// Directory for the files and logs of the processes, which are kept [default: a temporary directory].
    #[arg(long)]
    directory: Option<PathBuf>,
}

fn nats_server() -> PathBuf {
    let debian = PathBuf::from("/usr/sbin/nats-server");
    if debian.exists() {
        debian
    } else {
        "nats-server".into()
    }
}

fn main() -> ExitCode {
    let options = AuditOptions::parse();
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed = options
        .seed
        .unwrap_or_else(|| clock.map_or(1, |time| time.as_millis() as u64 % 1_000_000));
    match audit(&options, seed) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            println!("FAILED with --seed {seed}");
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("FAILED with --seed {seed}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn audit(options: &AuditOptions, seed: u64) -> anyhow::Result<bool> {
    let length = match options.minutes {
        Some(minutes) => Duration::try_from_secs_f64(minutes * 60.0)?,
        None => Duration::from_secs(20),
    };
    let (directory, _temporary) = match &options.directory {
        Some(directory) => {
            std::fs::create_dir_all(directory)?;
            (directory.clone(), None)
        }
        None => {
            let temporary = tempfile::tempdir()?;
            (temporary.path().to_owned(), Some(temporary))
        }
    };
    let setup = |directory: PathBuf, rate: u32, mutation| GroupSetup {
        store: options.store,
        server: options.server.clone(),
        nats_server: options.nats_server.clone(),
        // The messages of 3 s, so that retention overtakes a reader that stalls for longer.
        retained: u64::from(rate) * 3,
        seed,
        whole_cluster: options.whole_cluster,
        directory,
        mutation,
    };
    // One thread, because the parent-death signal is sent when the thread that started the child dies.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    if options.prove {
        let proof = proof::prove(|how| {
            let directory = directory.join(format!("{how:?}"));
            std::fs::create_dir_all(&directory)?;
            Ok(setup(directory, proof::RATE, Some(how)))
        });
        return runtime.block_on(proof);
    }
    let plan = run::AuditPlan {
        length,
        rate: options.rate,
        setup: setup(directory, options.rate, options.mutation),
    };
    let faults = plan.faults();
    println!("seed {seed}: {} faults in {length:?}", faults.len());
    for fault in &faults {
        println!("{fault}");
    }
    let outcome = runtime.block_on(plan.run(faults))?;
    report::print(&outcome);
    Ok(outcome.is_clean())
}
