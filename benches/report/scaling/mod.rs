//! What grows: stalled readers, rooms, servers on one log, the log itself. Each part has a file of its own.

pub mod group;
pub mod long_log;
pub mod room_sets;
pub mod rooms;
pub mod stalled;

use std::path::Path;

use anyhow::Result;

use self::group::Group;
use self::long_log::LongLog;
use self::room_sets::RoomSets;
use self::rooms::Rooms;
use self::stalled::Stalled;
use super::part::{self, Part as _};
use super::runs;

/// The section of the documentation: a part for each file there is.
pub fn section(root: &Path) -> Result<Option<String>> {
    let parts = [
        part::section::<Stalled>(root)?,
        part::section::<Group>(root)?,
        part::section::<Rooms>(root)?,
        part::section::<RoomSets>(root)?,
        part::section::<LongLog>(root)?,
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
