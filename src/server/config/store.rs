//! `--store`: where messages are kept.

use std::{
    fmt,
    path::{self, Path, PathBuf},
};

use super::{sqlite_path, value::plain};
use crate::log::store::nats::{Options, Secret};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreChoice {
    Memory,
    Sqlite(PathBuf),
    Nats(Box<Options>),
}

/// For people: where messages are kept, without secrets.
impl fmt::Display for StoreChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory, until the server stops"),
            Self::Sqlite(path) => {
                let path = path::absolute(path);
                let shown = path.as_deref().unwrap_or(Path::new("?"));
                write!(f, "sqlite:{}", shown.display())
            }
            Self::Nats(options) => f.write_str(&options.shown()),
        }
    }
}

/// The value of `--store`.
#[derive(Debug, Clone)]
pub(super) enum StoreFlag {
    Memory,
    Sqlite(PathBuf),
    /// The servers; an address may contain a password.
    Nats(Secret),
}

/// Reads the flag's value.
pub(super) fn store(text: &str) -> Result<StoreFlag, String> {
    let text = plain(text);
    let (scheme, rest) = match text.split_once(':') {
        Some((scheme, rest)) => (scheme.to_lowercase(), Some(rest)),
        None => (text.to_lowercase(), None),
    };
    match (scheme.as_str(), rest) {
        ("memory", None | Some("" | "//")) => Ok(StoreFlag::Memory),
        ("sqlite" | "file", Some(rest)) => sqlite_path::parse(&scheme, rest).map(StoreFlag::Sqlite),
        // Checked when the store is opened: clap's error would repeat a password.
        ("", Some(rest)) if rest.starts_with("memory:") => {
            Err("use `memory` for a log that is not kept".to_owned())
        }
        ("nats" | "tls", Some(_)) => Ok(StoreFlag::Nats(Secret::new(text))),
        _ => Err("expected `memory`, `sqlite:PATH` or `nats://HOST:PORT`; \
                  a file's path follows `sqlite:`"
            .to_owned()),
    }
}
