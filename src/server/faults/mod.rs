//! The injected faults: a client may ask for them on its own requests, to see what a bad network does to each
//! transport.
//!
//! A client asks for a fault with `fault=`, and the fault affects no other client: [`throttle`] delays the bytes of
//! that one answer, and [`registry`] knows which connections carry a key.

pub mod registry;
pub mod throttle;

use std::{str::FromStr, sync::Arc, time::Duration};

use crate::domain::label;

/// The time from the first request that asks for a cut until its connection is cut. A later request on the connection
/// that asks for none cancels it.
pub const CUT_AFTER: Duration = Duration::from_secs(5);

/// The kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A proxy that holds an answer back until it has gathered many bytes or the answer has ended.
    Buffer,
    /// A middlebox that cuts connections at a fixed age, even if they are in use.
    Cut,
    /// A slow link.
    Slow,
    /// Closes all connections that carry the request's key at once, as when a server restarts.
    Restart,
}

impl FromStr for Fault {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "buffer" => Ok(Self::Buffer),
            "cut" => Ok(Self::Cut),
            "slow" => Ok(Self::Slow),
            "restart" => Ok(Self::Restart),
            _ => Err("must be buffer, cut, slow or restart"),
        }
    }
}

/// A client's secret: a client that knows it may end the connections that carry it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FaultKey(Arc<str>);

impl FromStr for FaultKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        label::parse(text).map(Self)
    }
}
