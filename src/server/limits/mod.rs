//! What one client, and all of them together, may take: connections ([`connections`]) and requests a
//! second ([`rates`]); and who a client is ([`client_address`]).
//!
//! Nothing here knows HTTP but the two header fields in which proxies name their clients.

pub mod client_address;
pub mod connections;
pub mod rates;
pub mod refusals;

use std::time::Duration;

use ipnet::IpNet;

pub use self::connections::ConnectionLimits;
use self::rates::RateLimits;

/// What is limited, and what is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub connections: ConnectionLimits,
    pub rates: RateLimits,
    /// Whose word about its clients' addresses is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// A stream ends after about this long.
    pub max_connection_age: Option<Duration>,
    /// Whether readers may ask for faults.
    pub fault_injection: bool,
    /// Whether everyone may see the figures of all clients.
    pub public_metrics: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: ConnectionLimits::default(),
            rates: RateLimits::default(),
            trusted_proxies: Vec::new(),
            max_connection_age: None,
            fault_injection: true,
            public_metrics: true,
        }
    }
}
