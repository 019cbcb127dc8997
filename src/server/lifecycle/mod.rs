//! The server's life: from the store and the address, over connections, to the last table.

mod background;
mod connection;
mod listener;
mod open_store;
pub mod server;
mod shutdown;
mod standby;
