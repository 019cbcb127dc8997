//! The address of a server, and the protocol to use.

use std::net::SocketAddr;

use super::tls::TlsOptions;
use crate::Protocol;

/// Where and how to connect to a server.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub addr: SocketAddr,
    /// The value of `Host` or `:authority`.
    pub authority: String,
    pub tls: Option<TlsOptions>,
    /// The protocol to use. `None` leaves the choice to ALPN, and means HTTP/1.1 without TLS.
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
