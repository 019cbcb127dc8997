//! What surrounds every handler: accounting, drain, how a connection ends, other origins, who is let in,
//! faults, and that answers are not stored.

pub mod accounting;
pub mod admission;
pub mod connection_end;
pub mod cors;
pub mod drain;
pub mod faults;
mod lifetime;
pub mod no_store;
