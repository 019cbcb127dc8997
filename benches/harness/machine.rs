//! The provenance of a run: its machine and its build.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::nginx;
use super::process;
use super::report::provenance::{Machine, Provenance, command};
use super::report::runs;

/// The machine as it is now, and the build of `server`.
pub fn probe(server: Option<&Path>) -> Machine {
    let root = env!("CARGO_MANIFEST_DIR");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-C", root, "--no-optional-locks"]);
        output_of(command.args(arguments))
    };
    Machine {
        cores: process::allowed_cores().map_or(0, |cores| cores.len()),
        cpu: cpu_model(),
        kernel: read_trimmed("/proc/sys/kernel/osrelease"),
        load: read_trimmed("/proc/loadavg"),
        nginx: nginx::version(),
        rustc: output_of(Command::new("rustc").arg("--version")),
        git_commit: git(&["rev-parse", "HEAD"]),
        git_dirty: git(&["status", "--porcelain"]).map(|changes| !changes.is_empty()),
        server: server.map(|path| relative_to_root(&path.display().to_string())),
        server_version: server.and_then(|path| output_of(Command::new(path).arg("--version"))),
    }
}

/// The provenance of a run of the bench `name` that begins now; [`finish`] completes it.
pub fn begin(name: &str, full: bool, server: Option<&Path>) -> Provenance {
    let flags = std::env::args().skip(1).map(|flag| relative_to_root(&flag));
    Provenance {
        command: command(name, flags),
        full,
        started_at: now(),
        finished_at: String::new(),
        machine: probe(server),
        load_after: None,
        server_cores: Vec::new(),
        load_cores: Vec::new(),
    }
}

/// Completes the provenance of a run that ends now.
pub fn finish(about: &mut Provenance) {
    about.finished_at = now();
    about.load_after = read_trimmed("/proc/loadavg");
}

/// A name for a machine by its processors: `2core-epyc`.
pub fn machine_name(machine: &Machine) -> String {
    const FAMILIES: [&str; 8] = [
        "epyc",
        "ryzen",
        "threadripper",
        "xeon",
        "core",
        "neoverse",
        "graviton",
        "apple",
    ];
    let cpu = machine.cpu.as_deref().unwrap_or_default().to_lowercase();
    let family = FAMILIES.into_iter().find(|family| cpu.contains(family));
    format!("{}core-{}", machine.cores, family.unwrap_or("cpu"))
}

/// The directory of a run: `benches/runs/<date>-<machine>`.
pub fn directory(root: &Path, about: &Provenance) -> PathBuf {
    let date = about.started_at.get(..10).unwrap_or("undated");
    let quick = if about.full { "" } else { "-quick" };
    runs::directory(root).join(format!("{date}-{}{quick}", machine_name(&about.machine)))
}

fn now() -> String {
    let seconds = jiff::Timestamp::now().as_second();
    jiff::Timestamp::from_second(seconds).map_or_else(|_| String::new(), |now| now.to_string())
}

/// `text` with paths relative to the repository, so that it does not reveal where that is.
fn relative_to_root(text: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    text.replace(root, "")
}

fn cpu_model() -> Option<String> {
    let info = read_trimmed("/proc/cpuinfo")?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn read_trimmed(path: &str) -> Option<String> {
    Some(std::fs::read_to_string(path).ok()?.trim().to_owned())
}

/// The output of a command; `None` if the command failed.
fn output_of(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}
