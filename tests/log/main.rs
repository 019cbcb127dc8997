//! The log, whatever comes when: each reader sees every retained message of its room once, in
//! order, or is told that it missed some.

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
