//! Tokens and limits, and caches in front of the server. Each part has its own file.

pub mod admission;
pub mod poll_cache;

use std::path::Path;

use anyhow::Result;

use self::admission::AdmissionRun;
use self::poll_cache::PollCacheRun;
use super::part;

/// The section of the documentation, with a part for each existing file.
pub fn section(root: &Path) -> Result<Option<String>> {
    let parts = [
        part::section::<AdmissionRun>(root)?,
        part::section::<PollCacheRun>(root)?,
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    Ok((!parts.is_empty()).then(|| parts.join("\n\n")))
}
