//! The log, whatever comes when: each reader sees every retained message of its room once, in
//! order, or is told that it missed some.

mod batches;
mod concurrent;
mod model;
#[path = "../support/nats.rs"]
mod nats;
mod newcomers;
mod reader;
mod sequences;
mod world;
