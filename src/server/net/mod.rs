//! Connections below HTTP: their bytes are counted ([`metered`]), they do not wait for ever
//! ([`timeouts`]), and they can be aborted from outside ([`connection`]).

pub mod connection;
pub mod metered;
pub mod socket;
pub mod timeouts;
