//! The label that a client chooses, so that its cost is counted separately.

use std::{num::NonZeroUsize, str::FromStr, sync::Arc};

use super::label;

/// 1 to 64 of `[A-Za-z0-9_-]`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientLabel(Arc<str>);

impl ClientLabel {
    /// The most labels that the server remembers anything about.
    pub const MAX_REMEMBERED: NonZeroUsize = NonZeroUsize::new(20_000).expect("not zero");

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientLabel {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        label::parse(text).map(Self)
    }
}
