//! At the limit: waiting readers, deliveries, rooms, durable publishing and catching up beside the least there can be.
//! Each part has a file of its own.

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

use self::catch_up::CatchUp;
use self::delivery::Delivery;
use self::nats_publish::NatsPublish;
use self::publish::Publish;
use self::readers::Readers;
use self::rooms::Rooms;
use self::scale::Scale;
use super::part;

/// The section of the documentation: a part for each file there is.
pub fn section(root: &Path) -> Result<Option<String>> {
    let parts = [
        part::section::<Readers>(root)?,
        part::section::<Delivery>(root)?,
        part::section::<Rooms>(root)?,
        part::section::<Publish>(root)?,
        Some(part::section_or_none::<NatsPublish>(root)?),
        Some(part::section_or_none::<CatchUp>(root)?),
        part::section::<Scale>(root)?,
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    Ok((!parts.is_empty()).then(|| parts.join("\n\n")))
}
