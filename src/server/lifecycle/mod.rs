//! The server's life: opening the store, listening, running, draining, stopping.

pub mod drain;
pub mod open_store;
pub mod server;
pub mod standby;
