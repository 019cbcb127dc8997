//! The middleware around every handler: accounting, drain, the end of connections, other origins, admission, faults,
//! panics, and `no-store`.

pub mod accounting;
pub mod admission;
mod authentication;
pub mod connection_end;
pub mod cors;
pub mod drain;
pub mod faults;
mod lifetime;
pub mod no_store;
pub mod panics;
mod route_access;
