//! What a connection is at its start: whose, and whether there is room for it.

use std::net::SocketAddr;

use tokio::net::TcpStream;

use crate::{
    http::policy::Policy,
    limits::{
        connections::{Admission, ConnectionPermit},
        refusals::RefusalReason,
    },
};

/// A connection that is to be served, if only to be told that there is no room.
pub struct Visitor {
    /// Known if it matters.
    pub peer: Option<SocketAddr>,
    /// Why its requests are refused.
    pub refusal: Option<RefusalReason>,
    _permit: Option<ConnectionPermit>,
}

impl Visitor {
    /// Counts the connection for as long as this lives. `None`: there is not even room to tell it why.
    pub fn admit(tcp: &TcpStream, policy: &Policy) -> Option<Self> {
        let peer = match policy.needs_client_address() {
            true => tcp.peer_addr().ok(),
            false => None,
        };
        let mut visitor = Self {
            peer,
            refusal: None,
            _permit: None,
        };
        if !policy.connections.is_limiting() {
            return Some(visitor);
        }
        // A proxy's connections are its clients', each for the time of a request.
        let ip = peer.map(|peer| peer.ip());
        let client = ip.filter(|ip| !policy.proxies.contains(*ip));
        match policy.connections.admit(client.map(Into::into)) {
            Admission::Admitted(permit) => visitor._permit = Some(permit),
            Admission::Refused(refusal, permit) => {
                policy.refusals.count(refusal);
                visitor.refusal = Some(refusal);
                visitor._permit = Some(permit);
            }
            Admission::Dropped(refusal) => {
                policy.refusals.count(refusal);
                return None;
            }
        }
        Some(visitor)
    }
}
