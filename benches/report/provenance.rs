//! The machine, the build and the times of a run, which a reader needs to interpret its figures.

use serde::{Deserialize, Serialize};

/// Recorded with every run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    pub cores: usize,
    pub cpu: Option<String>,
    pub kernel: Option<String>,
    /// Load averages at the start of the run. Other work on the machine would disturb it.
    pub load: Option<String>,
    pub nginx: Option<String>,
    /// The version of the compiler on the path, presumably the one of the build.
    pub rustc: Option<String>,
    pub git_commit: Option<String>,
    /// Whether the tree has uncommitted changes.
    pub git_dirty: Option<bool>,
    pub server: Option<String>,
    pub server_version: Option<String>,
}

/// The head of a run's file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Provenance {
    /// The command that repeats the run.
    pub command: String,
    /// Whether it was a full run, not a quick or partial one.
    pub full: bool,
    /// RFC 3339, UTC.
    pub started_at: String,
    pub finished_at: String,
    pub machine: Machine,
    /// Load averages at the end, including the load of the run itself.
    pub load_after: Option<String>,
    /// Processors of the servers and of the load; empty if nothing was pinned.
    pub server_cores: Vec<usize>,
    pub load_cores: Vec<usize>,
}

/// A load average above this cannot come from the start of the bench alone.
const BUSY: f64 = 0.7;

impl Machine {
    /// Whether other work ran within the last minute.
    pub fn is_busy(&self) -> bool {
        let load = self.load.as_deref().unwrap_or_default();
        let last_minute = load.split_whitespace().next();
        last_minute.is_some_and(|load| load.parse().is_ok_and(|load: f64| load > BUSY))
    }
}

impl Provenance {
    /// The machine and the build, for a terminal.
    pub fn machine_lines(&self) -> String {
        let busy = match self.machine.is_busy() {
            true => "\nother work is running: expect wide ranges",
            false => "",
        };
        format!("{}{busy}", self.sentence())
    }

    /// The machine, build and times in a sentence or two.
    pub fn sentence(&self) -> String {
        let machine = &self.machine;
        let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
        let commit = known(&machine.git_commit);
        let changes = match machine.git_dirty {
            Some(true) => " and changes",
            _ => "",
        };
        format!(
            "{} to {}, {} cores ({}), Linux {}, {}, {}, commit {}{changes}; load averages before {}, after {}.",
            self.started_at,
            self.finished_at,
            machine.cores,
            known(&machine.cpu),
            known(&machine.kernel),
            known(&machine.server_version),
            known(&machine.rustc),
            &commit[..commit.len().min(12)],
            averages(&machine.load),
            averages(&self.load_after),
        )
    }
}

fn averages(load: &Option<String>) -> String {
    let load = load.as_deref().unwrap_or("unknown");
    load.split_whitespace()
        .take(3)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Flags with a value that do not change what is measured: they name the output or the build.
const LOCAL_FLAGS: [&str; 3] = ["--out", "--json", "--server-bin"];

/// The command line that repeats a run of the bench `name` with `flags`.
pub fn command(name: &str, flags: impl IntoIterator<Item = String>) -> String {
    let mut flags = flags.into_iter();
    let mut kept = Vec::new();
    while let Some(flag) = flags.next() {
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (&flag[..], None),
        };
        if LOCAL_FLAGS.contains(&name) {
            if value.is_none() {
                flags.next();
            }
        } else if flag != "--bench" {
            kept.push(flag);
        }
    }
    let command = format!("cargo bench --bench {name}");
    match kept.is_empty() {
        true => command,
        false => format!("{command} -- {}", kept.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_omits_local_flags_and_those_of_cargo() {
        let of = |flags: &str| command("scaling", flags.split_whitespace().map(str::to_owned));
        assert_eq!(of("--bench"), "cargo bench --bench scaling");
        assert_eq!(
            of("--only log --out /tmp/x --server-bin=target/y --quick --bench"),
            "cargo bench --bench scaling -- --only log --quick"
        );
    }
}
