//! The list of stacks to measure, with hand-written texts on each: `benches/stacks/stacks.toml`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

const PATH: &str = "benches/stacks/stacks.toml";

#[derive(Debug, Deserialize)]
struct Catalog {
    stack: Vec<Stack>,
}

/// A stack, or one configuration of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stack {
    pub name: String,
    pub title: String,
    /// Its folder in `benches/stacks`, if that is not its name.
    folder: Option<String>,
    /// Arguments of its `start`.
    #[serde(default)]
    pub start: Vec<String>,
    pub runtime: Runtime,
    /// The instrument's profile; that of our own server if there is none.
    pub profile: Option<String>,
    #[serde(default)]
    pub code: Vec<String>,
    pub workers: String,
    pub default: Option<String>,
    pub holds: String,
    pub breaks: String,
    pub instead: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    Node,
    Python,
    Go,
    Php,
    Ruby,
    Rust,
    /// This project's server.
    Own,
    /// A server made for streams.
    Peer,
}

impl Stack {
    pub fn folder(&self) -> &str {
        self.folder.as_deref().unwrap_or(&self.name)
    }

    /// Whether it is a stack for applications, not a server made for streams.
    pub fn is_application(&self) -> bool {
        !matches!(self.runtime, Runtime::Own | Runtime::Peer)
    }
}

/// The directory of the stacks.
pub fn directory(root: &Path) -> PathBuf {
    root.join("benches/stacks")
}

/// All stacks, in the order of the table.
pub fn read(root: &Path) -> Result<Vec<Stack>> {
    let text = std::fs::read_to_string(root.join(PATH)).with_context(|| PATH.to_owned())?;
    let catalog: Catalog = toml::from_str(&text).with_context(|| PATH.to_owned())?;
    Ok(catalog.stack)
}
