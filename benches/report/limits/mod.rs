//! The server at its limits: waiting readers, deliveries, rooms, durable publishing and catching up, compared with the
//! least possible work. Each part has its own file.

pub mod catch_up;
pub mod delivery;
pub mod nats_publish;
pub mod peers;
pub mod publish;
pub mod readers;
pub mod rooms;
pub mod scale;

use std::path::Path;

use anyhow::Result;

use self::catch_up::CatchUpRun;
use self::delivery::DeliveryRun;
use self::nats_publish::NatsPublishRun;
use self::publish::DurablePublishRun;
use self::readers::ReadersRun;
use self::rooms::RoomPerReaderRun;
use self::scale::ScaleRun;
use super::part;

/// The section of the documentation, with a part for each existing file.
pub fn section(root: &Path) -> Result<Option<String>> {
    let parts = [
        part::section::<ReadersRun>(root)?,
        part::section::<DeliveryRun>(root)?,
        part::section::<RoomPerReaderRun>(root)?,
        part::section::<DurablePublishRun>(root)?,
        Some(part::section_or_none::<NatsPublishRun>(root)?),
        Some(part::section_or_none::<CatchUpRun>(root)?),
        part::section::<ScaleRun>(root)?,
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    Ok((!parts.is_empty()).then(|| parts.join("\n\n")))
}
