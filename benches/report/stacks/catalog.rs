//! The list of what is measured, with what people wrote of each: `benches/stacks/stacks.toml`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

const PATH: &str = "benches/stacks/stacks.toml";

#[derive(Debug, Deserialize)]
struct Catalog {
    stack: Vec<Stack>,
}

/// One stack, or one way to run it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stack {
    pub name: String,
    pub title: String,
    /// Where it is in `benches/stacks`, if that is not its name.
    folder: Option<String>,
    /// Arguments of its `start`.
    #[serde(default)]
    pub start: Vec<String>,
    pub runtime: Runtime,
    /// The instrument's profile; as our own server if there is none.
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

    /// Whether it is one of the stacks people write their applications on.
    pub fn is_application(&self) -> bool {
        !matches!(self.runtime, Runtime::Own | Runtime::Peer)
    }
}

/// Where the stacks are.
pub fn directory(root: &Path) -> PathBuf {
    root.join("benches/stacks")
}

/// All of them, in the order of the table.
pub fn read(root: &Path) -> Result<Vec<Stack>> {
    let text = std::fs::read_to_string(root.join(PATH)).with_context(|| PATH.to_owned())?;
    let catalog: Catalog = toml::from_str(&text).with_context(|| PATH.to_owned())?;
    Ok(catalog.stack)
}
