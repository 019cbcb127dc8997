//! The kernel's table of TCP sockets. Linux only; elsewhere there is none.

use std::{
    fs,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

/// The table's code for a listening socket.
const LISTENS: &str = "0A";

/// A socket.
pub struct TcpSocket {
    pub local: SocketAddr,
    /// The other end of its connection.
    pub peer: SocketAddr,
    pub is_listening: bool,
    /// 0 if no process has a descriptor of it.
    pub inode: u64,
}

/// All sockets in the network namespace of a process. `None` if they cannot be read.
pub fn sockets(pid: u32) -> Option<impl Iterator<Item = TcpSocket>> {
    let tables = ["tcp", "tcp6"].map(|name| fs::read_to_string(format!("/proc/{pid}/net/{name}")));
    let mut tables = tables.into_iter().filter_map(Result::ok).peekable();
    tables.peek()?;
    Some(tables.flat_map(|table| {
        let lines = table.lines().skip(1);
        lines.filter_map(socket).collect::<Vec<_>>()
    }))
}

/// Parses a line of the table: its number, the local and the remote address, the state, and, six columns further, the
/// inode.
fn socket(line: &str) -> Option<TcpSocket> {
    let mut words = line.split_whitespace();
    Some(TcpSocket {
        local: address(words.nth(1)?)?,
        peer: address(words.next()?)?,
        is_listening: words.next()? == LISTENS,
        inode: words.nth(5)?.parse().ok()?,
    })
}

/// Parses an address of the table: words of four bytes in the machine's byte order, then the port.
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
