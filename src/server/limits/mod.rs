//! Limits for one client and for all clients together: connections ([`connections`]) and requests a second
//! ([`rates`]). [`trusted_proxies`] finds out whose request a proxy sends.
//!
//! Of HTTP, this module uses only the two header fields in which proxies name their clients.

pub mod connections;
pub mod rates;
pub mod refusals;
pub mod trusted_proxies;

use std::time::Duration;

use ipnet::IpNet;

pub use self::connections::ConnectionLimits;
use self::rates::RateLimits;

/// The limits and restrictions of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub connections: ConnectionLimits,
    pub rates: RateLimits,
    /// The proxies whose header fields about clients are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The maximum age of a stream, 20 % more or less.
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
