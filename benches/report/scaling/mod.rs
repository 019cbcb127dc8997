//! What grows: stalled readers, rooms, servers on one log, the log itself. Each part has a file of its own.

pub mod group;
pub mod long_log;
pub mod rooms;
pub mod stalled;

use std::path::Path;

use anyhow::Result;
use serde::{Serialize, de::DeserializeOwned};

use self::group::Group;
use self::long_log::LongLog;
use self::rooms::Rooms;
use self::stalled::Stalled;
use super::provenance::Provenance;
use super::runs::{self, Found};

/// One part: what was measured, and where it is kept.
pub trait Part: Serialize + DeserializeOwned {
    const TITLE: &'static str;
    /// Its file in a run's directory.
    const FILE: &'static str;
    /// The list that has a line for each element in that file.
    const ROWS: &'static str;

    fn about(&mut self) -> &mut Provenance;
    /// All tables.
    fn report(&self) -> String;
}

/// The section of the documentation: a part for each file there is.
pub fn section(root: &Path) -> Result<Option<String>> {
    let parts = [
        part::<Stalled>(root)?,
        part::<Group>(root)?,
        part::<Rooms>(root)?,
        part::<LongLog>(root)?,
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    Ok((!parts.is_empty()).then(|| parts.join("\n\n")))
}

/// What of it is said where there is no room for tables.
pub fn in_short(root: &Path) -> Result<Vec<String>> {
    let stalled = runs::latest::<Stalled>(root, Stalled::FILE)?;
    let group = runs::latest::<Group>(root, Group::FILE)?;
    let log = runs::latest::<LongLog>(root, LongLog::FILE)?;
    let points = [
        stalled.and_then(|found| found.run.in_short()),
        group.and_then(|found| found.run.in_short()),
        log.and_then(|found| found.run.in_short()),
    ];
    Ok(points.into_iter().flatten().collect())
}

/// One part, where there is a whole run of it.
fn part<T: Part>(root: &Path) -> Result<Option<String>> {
    let (title, file) = (T::TITLE, T::FILE);
    let Some(Found { mut run, directory }) = runs::latest::<T>(root, file)? else {
        return Ok(None);
    };
    let about = run.about().clone();
    Ok(Some(format!(
        "### {title}\n\nFrom [`{directory}/{file}`](../benches/runs/{directory}/{file}): `{}`, {}\n\n{}",
        about.command,
        about.sentence(),
        run.report()
    )))
}
