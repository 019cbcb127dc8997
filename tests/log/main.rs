//! The log under random and concurrent use: each reader sees every retained message of its room once and in order, or
//! gets a reset if it missed some.

mod batches;
mod cases;
mod concurrent;
mod fixture;
mod late_joiners;
mod model;
#[path = "../support/nats.rs"]
mod nats;
mod reader;
mod sequences;
mod several_rooms;
