//! The listening socket.

use std::{
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use socket2::{Domain, Socket, Type};

use crate::net::socket::configure_listener;

/// Binds with a backlog that is large enough for a herd of reconnecting clients: a client that does not fit gets no
/// answer, and tries again only after a second.
pub fn bind(addr: SocketAddr, stall_timeout: Duration) -> std::io::Result<TcpListener> {
    // The kernel takes as much of it as it is set up for: Linux `net.core.somaxconn`, which is 4,096 by default.
    const BACKLOG: i32 = 65_535;
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    // A client's socket has the options that the listener has when the client connects.
    configure_listener(&socket, stall_timeout);
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
