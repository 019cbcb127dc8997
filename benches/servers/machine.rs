//! What a reader needs to know of the machine and of the build to judge the figures.

use std::path::Path;
use std::process::Command;

use serde::Serialize;

use super::process;
use super::subject;

/// Recorded with every run.
#[derive(Debug, Serialize)]
pub struct Machine {
    pub cores: usize,
    pub cpu: Option<String>,
    pub kernel: Option<String>,
    /// Load averages as the run began: other work disturbs it.
    pub load: Option<String>,
    pub nginx: Option<String>,
    /// The compiler on the path, which is the build's unless it was changed since.
    pub rustc: Option<String>,
    pub git_commit: Option<String>,
    /// Whether the tree has changes the commit does not.
    pub git_dirty: Option<bool>,
    pub server: Option<String>,
    pub server_version: Option<String>,
}

/// A load average above this is more than this program's own start.
const BUSY: f64 = 0.7;

impl Machine {
    /// Whether other work ran within the last minute.
    pub fn is_busy(&self) -> bool {
        let load = self.load.as_deref().unwrap_or_default();
        let last_minute = load.split_whitespace().next();
        last_minute.is_some_and(|load| load.parse().is_ok_and(|load: f64| load > BUSY))
    }

    pub fn look(server: Option<&Path>) -> Self {
        let root = env!("CARGO_MANIFEST_DIR");
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command.args(["-C", root, "--no-optional-locks"]);
            said(command.args(arguments))
        };
        Self {
            cores: process::allowed_cores().map_or(0, |cores| cores.len()),
            cpu: cpu_model(),
            kernel: file("/proc/sys/kernel/osrelease"),
            load: file("/proc/loadavg"),
            nginx: subject::nginx_version(),
            rustc: said(Command::new("rustc").arg("--version")),
            git_commit: git(&["rev-parse", "HEAD"]),
            git_dirty: git(&["status", "--porcelain"]).map(|changes| !changes.is_empty()),
            server: server.map(|path| path.display().to_string()),
            server_version: server.and_then(|path| said(Command::new(path).arg("--version"))),
        }
    }
}

fn cpu_model() -> Option<String> {
    let info = file("/proc/cpuinfo")?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn file(path: &str) -> Option<String> {
    Some(std::fs::read_to_string(path).ok()?.trim().to_owned())
}

/// What a command that went well printed.
fn said(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}
