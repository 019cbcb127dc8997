//! Which TCP connections a process of this machine still holds at their other end, from the kernel's table of
//! connections. Linux only; elsewhere nothing is known.

use std::{
    collections::HashSet,
    fs,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

/// Both ends of a connection, as the server sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionEnds {
    pub server: SocketAddr,
    pub client: SocketAddr,
}

impl ConnectionEnds {
    /// A socket for both versions of IP writes IPv4 addresses its own way.
    pub fn new(server: SocketAddr, client: SocketAddr) -> Self {
        let canonical = |addr: SocketAddr| SocketAddr::new(addr.ip().to_canonical(), addr.port());
        Self {
            server: canonical(server),
            client: canonical(client),
        }
    }
}

/// Those of `wanted` whose server's end some process has a descriptor of. A connection that its process has closed
/// is none of them, even if the kernel still tries to tell the other side.
pub fn held(wanted: &HashSet<ConnectionEnds>) -> HashSet<ConnectionEnds> {
    let tables = ["tcp", "tcp6"].map(|name| fs::read_to_string(format!("/proc/self/net/{name}")));
    let tables = tables.into_iter().flatten();
    tables
        .flat_map(|table| {
            let found = table.lines().skip(1).filter_map(held_ends);
            found
                .filter(|ends| wanted.contains(ends))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The ends in a line of the table; `None` if no process holds its socket. The line has its number, the local and the
/// other address, the state, and six columns further the inode, which is 0 without a process.
fn held_ends(line: &str) -> Option<ConnectionEnds> {
    let mut words = line.split_whitespace();
    let (local, other) = (address(words.nth(1)?)?, address(words.next()?)?);
    let inode = words.nth(6)?;
    (inode != "0").then(|| ConnectionEnds::new(local, other))
}

/// An address as the table writes it: words of four bytes in the machine's own order, then the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::new();
    for at in (0..ip.len()).step_by(8) {
        let word = u32::from_str_radix(ip.get(at..at + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let ip = match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(bytes) => IpAddr::from(bytes),
        Err(_) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes.as_slice()).ok()?)),
    };
    Some(SocketAddr::new(ip, port))
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
            assert_eq!(held(&wanted), wanted, "{listening}");
            drop(accepted);
            assert!(held(&wanted).is_empty(), "{listening}");
        }
    }
}
