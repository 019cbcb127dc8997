//! What grows: stalled readers, rooms, servers on one log, the log itself. Each part has a file of its own.

pub mod group;
pub mod long_log;
pub mod rooms;
pub mod stalled;

use std::path::Path;

use anyhow::Result;
use serde::de::DeserializeOwned;

use super::about::About;
use super::runs::{self, Found};

/// The section of the documentation: a part for each file there is.
pub fn section(root: &Path) -> Result<Option<String>> {
    let parts = [
        part(
            "Readers that stop reading",
            root,
            stalled::FILE,
            |run: &stalled::Stalled| (&run.about, stalled::report(run)),
        )?,
        part(
            "Servers on one NATS",
            root,
            group::FILE,
            |run: &group::Group| (&run.about, group::report(run)),
        )?,
        part("Rooms", root, rooms::FILE, |run: &rooms::Rooms| {
            (&run.about, rooms::report(run))
        })?,
        part(
            "A long log",
            root,
            long_log::FILE,
            |run: &long_log::LongLog| (&run.about, long_log::report(run)),
        )?,
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    Ok((!parts.is_empty()).then(|| parts.join("\n\n")))
}

/// What of it is said where there is no room for tables.
pub fn in_short(root: &Path) -> Result<Vec<String>> {
    let stalled = runs::latest::<stalled::Stalled>(root, stalled::FILE)?;
    let group = runs::latest::<group::Group>(root, group::FILE)?;
    let log = runs::latest::<long_log::LongLog>(root, long_log::FILE)?;
    let points = [
        stalled.and_then(|found| found.run.in_short()),
        group.and_then(|found| found.run.in_short()),
        log.and_then(|found| found.run.in_short()),
    ];
    Ok(points.into_iter().flatten().collect())
}

/// One part, where there is a whole run of it.
fn part<T: DeserializeOwned>(
    title: &str,
    root: &Path,
    file: &str,
    report: impl Fn(&T) -> (&About, String),
) -> Result<Option<String>> {
    let Some(Found { run, directory }) = runs::latest::<T>(root, file)? else {
        return Ok(None);
    };
    let (about, body) = report(&run);
    Ok(Some(format!(
        "### {title}\n\nFrom [`{directory}/{file}`](../benches/runs/{directory}/{file}): `{}`, {}\n\n{body}",
        about.command,
        about.sentence()
    )))
}
