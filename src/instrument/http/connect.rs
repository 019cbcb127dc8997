//! Connections to a server, even if one address of this machine has no port left, which happens with 28,000 clients
//! of a server on this machine.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use tokio::net::{TcpSocket, TcpStream};

/// Addresses of this machine, 127.0.0.2 and on, to connect from once the first has no port left.
const EXTRA_SOURCE_ADDRESSES: u8 = 16;

/// Connects.
pub async fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
    let mut outcome = TcpStream::connect(addr).await;
    for from in source_addresses(addr) {
        if !is_out_of_ports(&outcome) {
            break;
        }
        outcome = async {
            let socket = TcpSocket::new_v4()?;
            socket.bind(from)?;
            socket.connect(addr).await
        }
        .await;
    }
    outcome
}

/// Additional local addresses for connections to `addr`.
fn source_addresses(addr: SocketAddr) -> impl Iterator<Item = SocketAddr> {
    let is_here = addr.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST);
    let last = 2..2 + if is_here { EXTRA_SOURCE_ADDRESSES } else { 0 };
    last.map(|last| SocketAddr::from(([127, 0, 0, last], 0)))
}

/// `connect` and `bind` return different errors for this.
fn is_out_of_ports<T>(outcome: &io::Result<T>) -> bool {
    let kinds = [io::ErrorKind::AddrNotAvailable, io::ErrorKind::AddrInUse];
    let failed = outcome.as_ref().err();
    failed.is_some_and(|error| kinds.contains(&error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_on_this_machine_has_more_source_addresses() {
        let ways =
            |addr: &str| source_addresses(addr.parse().expect("an address")).collect::<Vec<_>>();
        assert_eq!(ways("127.0.0.1:80")[0].to_string(), "127.0.0.2:0");
        assert!(ways("192.0.2.1:80").is_empty() && ways("[::1]:80").is_empty());
    }
}
