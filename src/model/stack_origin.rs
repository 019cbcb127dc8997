//! The stack of a model, if it is not our own server.

use serde::{Deserialize, Serialize};

/// Data about a stack, in addition to the constants of its model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StackOrigin {
    pub name: String,
    pub title: String,
    /// How many processes and threads a core has.
    pub setup: String,
    /// Streams and waiting long-polls that a core can hold, if there is such a limit.
    pub workers_per_core: Option<f64>,
    /// The run's directory.
    pub run: String,
    /// The costs that count as zero, or are taken from our own server.
    pub unmeasured: Vec<String>,
}
