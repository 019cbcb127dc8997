//! What surrounds every handler: accounting, drain, other origins, who is let in, faults, offers to upgrade,
//! and that answers are not stored.

pub mod accounting;
pub mod admission;
pub mod cors;
pub mod drain;
pub mod faults;
mod lifetime;
pub mod no_store;
pub mod upgrade;
