//! The server's life cycle: opening the store and the address, serving connections, and stopping.

mod acceptor;
mod application;
mod background;
mod connection;
mod http2;
mod incoming;
mod listener;
mod memory;
mod open_store;
mod poll_gate;
pub mod process_limits;
mod reload;
pub mod server;
mod shutdown;
mod standby;
mod tls_connection;
mod workers;
