//! The failure lab: what a client may ask the server to do to its own requests, to see what a bad
//! network does to each transport.
//!
//! A fault is asked for with `fault=` and harms nobody else: [`throttle`] delays what the one answer
//! sends, [`registry`] knows which connections carry a key.

pub mod registry;
pub mod throttle;

use std::{str::FromStr, sync::Arc, time::Duration};

use crate::domain::label;

/// When a connection is cut, after its first request that asks for it.
pub const CUT_AFTER: Duration = Duration::from_secs(5);

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A proxy that passes nothing on until much has gathered or the answer has ended.
    Buffer,
    /// A middlebox that cuts connections at a fixed age, whatever crosses them.
    Disconnect,
    /// A slow link.
    Slow,
    /// All connections that carry the request's key end at once, as when a server restarts.
    Restart,
}

impl FromStr for Fault {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "buffer" => Ok(Self::Buffer),
            "cut" => Ok(Self::Disconnect),
            "slow" => Ok(Self::Slow),
            "restart" => Ok(Self::Restart),
            _ => Err("must be buffer, cut, slow or restart"),
        }
    }
}

/// A secret of one client: who knows it may end the connections that carry it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FaultKey(Arc<str>);

impl FromStr for FaultKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        label::parse(text).map(Self)
    }
}
