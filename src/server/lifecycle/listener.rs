//! The listening socket, and how many clients there is room for.

use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

/// Descriptors that are not for clients: files, the store, the runtime.
const RESERVED_FDS: u64 = 128;
/// How many a process may usually open, where that cannot be asked.
const TYPICAL_FD_LIMIT: u64 = 1024;

/// Binds with a backlog that a herd of reconnecting clients fits into: one that does not gets no
/// answer, and tries again only after a second.
pub fn bind(addr: SocketAddr) -> std::io::Result<TcpListener> {
    const BACKLOG: i32 = 4096;
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// How many clients may be connected at a time, after raising the process's soft limit of open files
/// to the hard one.
pub fn max_clients() -> usize {
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(TYPICAL_FD_LIMIT);
    let clients = limit.saturating_sub(RESERVED_FDS).max(1);
    usize::try_from(clients).unwrap_or(usize::MAX)
}
