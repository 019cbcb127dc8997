//! The name under which a message is published.

use std::{str::FromStr, sync::Arc};

use super::text;

/// A name as [`text`] allows it. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author(Arc<str>);

impl Author {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Author {
    type Err = String;

    /// Takes a name, trimmed.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text::validate_author(text)?.into()))
    }
}
