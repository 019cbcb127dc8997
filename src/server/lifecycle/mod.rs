//! The server's life: from the store and the address, over connections, to the last table.

mod background;
mod connection;
mod http2;
mod incoming;
mod listener;
mod memory;
mod open_store;
mod poll_gate;
pub mod process_limits;
pub mod server;
mod shutdown;
mod standby;
mod tls_connection;
mod workers;
