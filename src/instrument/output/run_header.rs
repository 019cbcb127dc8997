//! The data about a comparison that is known before any figure: the target, the machine, the command.

use serde::{Deserialize, Serialize};

use crate::{CpuPinning, Machine, Target};

/// The measured server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetInfo {
    /// `self`, or the address.
    pub name: String,
    /// The profile's name.
    pub profile: String,
    pub pid: Option<u32>,
    /// Whether that process, or one that it started, listens on the target's port. `None` if this is unknown.
    pub pid_listens: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Versions {
    #[serde(rename = "poll-vs-sse")]
    pub own: String,
    /// Another server's name in its `Server` header.
    pub server: Option<String>,
}

/// What is known before there is a figure.
#[derive(Debug, Clone)]
pub struct RunHeader {
    pub command: Vec<String>,
    pub started_at: String,
    pub target: TargetInfo,
    pub machine: Machine,
    pub pinning: CpuPinning,
    pub versions: Versions,
}

impl RunHeader {
    /// The header for a comparison that starts now. `machine` was read before any process was pinned; `server` is
    /// another server's name for itself.
    pub fn now(
        target: &Target,
        machine: Machine,
        pinning: &CpuPinning,
        server: Option<String>,
    ) -> Self {
        Self {
            command: command(),
            started_at: jiff::Timestamp::now().to_string(),
            target: TargetInfo {
                name: target.name(),
                profile: target.profile().name,
                pid: target.pid(),
                pid_listens: target.pid_listens(),
            },
            machine,
            pinning: pinning.clone(),
            versions: Versions {
                own: env!("CARGO_PKG_VERSION").to_owned(),
                server,
            },
        }
    }
}

fn command() -> Vec<String> {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default().to_owned();
    std::iter::once(name).chain(words).collect()
}
