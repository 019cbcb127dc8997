//! What surrounds every handler: accounting, drain, faults, offers to upgrade, and that answers are not
//! stored.

pub mod accounting;
pub mod drain;
pub mod faults;
pub mod no_store;
pub mod upgrade;
