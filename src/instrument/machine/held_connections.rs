//! Which TCP connections are still open at their other end, in a process of this machine, from the kernel's table of
//! connections. Linux only; elsewhere this is unknown.

use std::{collections::HashSet, net::SocketAddr};

use super::tcp_table;

/// Both ends of a connection, as the server sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionEnds {
    pub server: SocketAddr,
    pub client: SocketAddr,
}

impl ConnectionEnds {
    /// A socket for both versions of IP shows IPv4 addresses as IPv6 addresses.
    pub fn new(server: SocketAddr, client: SocketAddr) -> Self {
        let canonical = |addr: SocketAddr| SocketAddr::new(addr.ip().to_canonical(), addr.port());
        Self {
            server: canonical(server),
            client: canonical(client),
        }
    }
}

/// Those of `wanted` whose server's end is still open in some process. A connection that its process has closed does
/// not count, even if the kernel still tries to send to the other side.
pub fn still_held(wanted: &HashSet<ConnectionEnds>) -> HashSet<ConnectionEnds> {
    let sockets = tcp_table::sockets(std::process::id()).into_iter().flatten();
    let held = sockets.filter(|socket| socket.inode != 0);
    let ends = held.map(|socket| ConnectionEnds::new(socket.local, socket.peer));
    ends.filter(|ends| wanted.contains(ends)).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_connection_is_held_until_its_server_closes_it() {
        for listening in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(listening) else {
                continue;
            };
            let server = listener.local_addr().expect("an address");
            let client = TcpStream::connect(server).expect("connects");
            let (accepted, _) = listener.accept().expect("accepted");
            let ends = ConnectionEnds::new(server, client.local_addr().expect("an address"));
            let wanted = HashSet::from([ends]);
            assert_eq!(still_held(&wanted), wanted, "{listening}");
            drop(accepted);
            assert!(still_held(&wanted).is_empty(), "{listening}");
        }
    }
}
