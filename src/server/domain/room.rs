//! A room's name, and the room of a request that names none.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use super::label;

/// The room of a request that names none.
pub const DEFAULT_ROOM: &str = "lobby";

/// A room's name: 1 to 64 of `[A-Za-z0-9_-]`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Room(Arc<str>);

impl Room {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Room {
    fn default() -> Self {
        Self(DEFAULT_ROOM.into())
    }
}

impl FromStr for Room {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        label::parse(text).map(Self)
    }
}

impl Borrow<str> for Room {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
