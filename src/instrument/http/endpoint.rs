//! Where a server is, and what is spoken to it.

use std::net::SocketAddr;

use super::tls::TlsOptions;
use crate::Protocol;

/// See the module.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub addr: SocketAddr,
    /// What stands in `Host` or `:authority`.
    pub authority: String,
    pub tls: Option<TlsOptions>,
    /// The one to speak; `None` leaves it to ALPN, and is HTTP/1.1 without TLS.
    pub protocol: Option<Protocol>,
}

impl Endpoint {
    /// The same for another client, which remembers no TLS session of this one.
    pub fn for_another_client(&self) -> Self {
        Self {
            tls: self.tls.as_ref().map(TlsOptions::for_another_client),
            ..self.clone()
        }
    }
}
