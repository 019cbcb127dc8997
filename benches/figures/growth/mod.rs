//! What grows: stalled readers, rooms, servers on one log, the log itself. Each part has a file of its own.

pub mod stalled;

use std::path::Path;

use anyhow::Result;

use super::about::About;
use super::runs::{self, Found};

/// The section of the documentation: a part for each file there is.
pub fn section(root: &Path) -> Result<Option<String>> {
    let mut parts = Vec::new();
    if let Some(found) = runs::latest::<stalled::Stalled>(root, stalled::FILE)? {
        let body = stalled::report(&found.run);
        parts.push(part(
            "Readers that stop reading",
            stalled::FILE,
            &found,
            &found.run.about,
            &body,
        ));
    }
    Ok((!parts.is_empty()).then(|| parts.join("\n\n")))
}

fn part<T>(title: &str, file: &str, found: &Found<T>, about: &About, body: &str) -> String {
    format!(
        "### {title}\n\nFrom [`{}/{file}`](../benches/runs/{0}/{file}): `{}`, {}\n\n{body}",
        found.directory,
        about.command,
        about.sentence()
    )
}
