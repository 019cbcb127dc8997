//! Cost as things grow: stalled readers, rooms, servers on one log, the log itself. Each part has its own file.

pub mod group;
pub mod long_log;
pub mod room_sets;
pub mod rooms;
pub mod stalled;

use std::path::Path;

use anyhow::Result;

use self::group::GroupRun;
use self::long_log::LongLogRun;
use self::room_sets::RoomSetsRun;
use self::rooms::RoomsRun;
use self::stalled::StalledRun;
use super::part::{self, Part as _};
use super::runs;

/// The section of the documentation, with a part for each existing file.
pub fn section(root: &Path) -> Result<Option<String>> {
    let parts = [
        part::section::<StalledRun>(root)?,
        part::section::<GroupRun>(root)?,
        part::section::<RoomsRun>(root)?,
        part::section::<RoomSetsRun>(root)?,
        part::section::<LongLogRun>(root)?,
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    Ok((!parts.is_empty()).then(|| parts.join("\n\n")))
}

/// The points for the documentation's summary, from each part that has one.
pub fn summary_points(root: &Path) -> Result<Vec<String>> {
    let stalled = runs::latest::<StalledRun>(root, StalledRun::FILE)?;
    let group = runs::latest::<GroupRun>(root, GroupRun::FILE)?;
    let log = runs::latest::<LongLogRun>(root, LongLogRun::FILE)?;
    let points = [
        stalled.and_then(|found| found.run.summary_point()),
        group.and_then(|found| found.run.summary_point()),
        log.and_then(|found| found.run.summary_point()),
    ];
    Ok(points.into_iter().flatten().collect())
}
