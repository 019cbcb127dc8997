//! A new connection: its client's address, and whether there is room for it.

use std::net::SocketAddr;

use tokio::net::TcpStream;

use crate::{
    http::policy::Policy,
    limits::{
        connections::{Admission, ConnectionPermit, RefusedPermit},
        refusals::RefusalReason,
    },
};

/// An accepted connection: one to be served, or one whose requests are refused since there is no room.
pub struct IncomingConnection {
    pub peer: Option<SocketAddr>,
    /// Why its requests are refused.
    pub refusal: Option<RefusalReason>,
    permit: Option<ConnectionPermit>,
    /// Counts the connection while it is being refused.
    _refused_permit: Option<RefusedPermit>,
}

impl IncomingConnection {
    /// Counts the connection for as long as this value lives. `None`: there is not even room to refuse it with an
    /// answer.
    pub fn admit(tcp: &TcpStream, policy: &Policy) -> Option<Self> {
        let mut incoming = Self::admitted(tcp);
        // A proxy's connection counts for the client of each request, while the request is open.
        let ip = incoming.peer.map(|peer| peer.ip());
        let client = ip.filter(|ip| !policy.proxies.contains(*ip));
        match policy.connections.admit(client.map(Into::into)) {
            Admission::Admitted(permit) => incoming.permit = Some(permit),
            Admission::Refused(refusal, permit) => {
                policy.refusals.count(refusal);
                incoming.refusal = Some(refusal);
                incoming._refused_permit = Some(permit);
            }
            Admission::Dropped(refusal) => {
                policy.refusals.count(refusal);
                return None;
            }
        }
        Some(incoming)
    }

    /// A connection that is already counted.
    pub fn admitted(tcp: &TcpStream) -> Self {
        Self {
            // An error means that it has left already.
            peer: tcp.peer_addr().ok(),
            refusal: None,
            permit: None,
            _refused_permit: None,
        }
    }

    /// Takes the permit that counts the connection, so that another owner can hold it.
    pub fn take_permit(&mut self) -> Option<ConnectionPermit> {
        self.permit.take()
    }
}
