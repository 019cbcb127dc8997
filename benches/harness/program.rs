//! The program around every bench: common flags, an alarm, the pinning of processors, the exit code, and the files of a
//! run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Parser};
use poll_vs_sse_instrument::{
    CpuPinning, OwnServer, RunControl, RunResult, Target, Transport, Workload, measure,
};
use serde::Serialize;
use tokio::runtime::Runtime;

use super::report::part::Part;
use super::report::provenance::Provenance;
use super::report::{docs, runs};
use super::{audit_check, baseline_server, machine, process, servers};

/// Runs the bench `name` from its command line to its exit code.
pub fn run<A: Parser>(name: &str, measure: impl FnOnce(A) -> Result<()>) -> ExitCode {
    let outcome = if std::env::args().nth(1).as_deref() == Some(baseline_server::ARGUMENT) {
        baseline_server::serve(std::env::args().skip(2))
    } else if !std::env::args().any(|argument| argument == "--bench") {
        // `cargo test --benches` runs this too, with the flags of the test harness.
        println!("{name}: nothing is measured without --bench, which cargo bench passes");
        Ok(())
    } else {
        measure(A::parse())
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Flags of every bench.
#[derive(Debug, Args)]
pub struct BenchFlags {
    /// A short run of everything, for a first look
    #[arg(long)]
    pub quick: bool,
    /// Write the run into this directory [default: benches/runs/<date>-<machine>, quick: the same
    /// with -quick]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Measure this binary instead of the one that cargo has just built
    #[arg(long, value_name = "PATH")]
    pub server_bin: Option<PathBuf>,
    /// Run only parts whose names contain this
    pub filter: Option<String>,
    /// Passed by cargo bench
    #[arg(long, hide = true)]
    bench: bool,
}

impl BenchFlags {
    /// Whether the filter selects `name`.
    pub fn selects(&self, name: &str) -> bool {
        name.contains(self.filter.as_deref().unwrap_or_default())
    }

    /// The server to measure: the given one, or else the one built with the bench.
    pub fn server(&self) -> Result<PathBuf> {
        let built = option_env!("CARGO_BIN_EXE_poll-vs-sse");
        servers::binary(self.server_bin.as_deref(), built)
    }

    /// Prints a finished run and writes it to `file`, with each element of its list `rows` on its own line.
    pub fn save_run<T: Serialize>(
        &self,
        file: &str,
        about: &Provenance,
        run: &T,
        rows: &str,
        report: &str,
    ) -> Result<()> {
        println!("\n{report}\n");
        self.write(about, file, &runs::json(run, rows)?)
    }

    /// The same for a part that ends now.
    pub fn save_part<T: Part>(&self, mut run: T) -> Result<()> {
        machine::finish(run.about());
        let (about, report) = (run.about().clone(), run.report());
        self.save_run(T::FILE, &about, &run, T::ROWS, &report)
    }

    /// Writes `text` to `file` in the run's directory.
    pub fn write(&self, about: &Provenance, file: &str, text: &str) -> Result<()> {
        let directory = match &self.out {
            Some(out) => out.clone(),
            None => machine::directory(root(), about),
        };
        runs::write(&directory, file, text)?;
        println!("written to {}", directory.join(file).display());
        Ok(())
    }

    /// Regenerates the documentation if this is a full run in its usual directory.
    pub fn update_docs(&self) -> Result<()> {
        if self.out.is_none() && !self.quick && docs::regenerate(root())? {
            println!("{} is regenerated", docs::PATH);
        }
        Ok(())
    }
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Ends this process and its children after `seconds`.
pub fn set_alarm(seconds: u32) {
    // SAFETY: a plain integer. The default action of SIGALRM ends this process, and its children end with it.
    unsafe { libc::alarm(seconds) };
}

/// Descriptors that a server keeps from its clients: it reserves a sixteenth of all to refuse connections with 503.
const SERVER_DESCRIPTORS: u64 = 1500;

/// The server's binary, the processors and the threads of a bench that measures with the engine of `compare`.
pub struct BenchSetup {
    pub binary: PathBuf,
    pub about: Provenance,
    pub placement: CpuPinning,
    pub runtime: Runtime,
    /// Descriptors this process may have.
    pub descriptors: u64,
}

impl BenchSetup {
    /// Pins this process to the load's processors, and sets an alarm that ends it after `longest_s`.
    pub fn new(name: &str, flags: &BenchFlags, longest_s: u32) -> Result<Self> {
        let binary = flags.server()?;
        set_alarm(longest_s);
        let descriptors = process::raise_descriptor_limit()?;
        // Before this process is pinned, because a pinned process sees only its own processors.
        let mut about = machine::begin(name, !flags.quick, Some(&binary));
        let placement = CpuPinning::split();
        about.server_cores.clone_from(&placement.server);
        about.load_cores.clone_from(&placement.load);
        placement.pin_load();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(placement.load_cores())
            .enable_all()
            .build()
            .context("start the load's threads")?;
        Ok(Self {
            binary,
            about,
            placement,
            runtime,
            descriptors,
        })
    }

    /// The most clients that a server has room for: its descriptor limit is that of this process.
    pub fn most_clients(&self) -> usize {
        let most = self.descriptors.saturating_sub(SERVER_DESCRIPTORS);
        usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// The provenance of a part's run that begins now.
    pub fn begin_part(&self, name: &str) -> Provenance {
        let mut now = machine::begin(name, self.about.full, Some(&self.binary));
        now.machine.cores = self.about.machine.cores;
        now.server_cores.clone_from(&self.about.server_cores);
        now.load_cores.clone_from(&self.about.load_cores);
        println!("\n{}", now.machine_lines());
        now
    }

    /// One run against this project's server, started for it with one worker. Fails unless the audit is clean.
    pub async fn measure_own(
        &self,
        server: OwnServer,
        workload: &Workload,
        transport: Transport,
        round: u32,
    ) -> Result<RunResult> {
        let target = Target::Own(OwnServer {
            binary: Some(self.binary.clone()),
            workers: Some(1),
            ..server
        });
        let control = RunControl::default();
        let placement = &self.placement;
        let outcome = measure(&target, workload, transport, round, placement, &control).await?;
        audit_check::check(&outcome)?;
        Ok(outcome)
    }

    /// Whether the load has a separate core, on which it may spin.
    pub fn may_spin(&self) -> bool {
        self.placement.server != self.placement.load
    }

    /// The servers' processor.
    pub fn core(&self) -> Option<usize> {
        self.placement.server.first().copied()
    }
}
