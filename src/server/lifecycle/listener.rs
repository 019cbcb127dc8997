//! The sockets that listen on one address.
//!
//! The kernel queues at most `net.core.somaxconn` connections at a socket until they are accepted, 4,096 by default.
//! When a herd of clients reconnects within a tenth of a second, more than that wait: a client that does not fit gets
//! no answer, and tries again only after a second. So there are several sockets, and the kernel spreads the clients
//! over them.

use std::{
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use actix_server::ServerBuilder;
use actix_service::ServiceFactory;
use actix_web::rt::net::TcpStream;
use socket2::{Domain, Socket, Type};

use crate::net::socket::configure_listener;

/// Their queues have room for 16,384 connections together, if `net.core.somaxconn` is the default.
#[cfg(target_os = "linux")]
const SOCKETS: usize = 4;
/// Elsewhere, one socket gets all connections.
#[cfg(not(target_os = "linux"))]
const SOCKETS: usize = 1;

/// One address and the sockets that listen on it.
pub struct Listener {
    addr: SocketAddr,
    sockets: Vec<TcpListener>,
}

impl Listener {
    pub fn bind(addr: SocketAddr, stall_timeout: Duration) -> std::io::Result<Self> {
        // The first socket does not share its port when it is bound, so that another server on this port is an error.
        let first = new_socket(addr)?;
        first.bind(&addr.into())?;
        let addr = first.local_addr()?.as_socket().unwrap_or(addr);
        let mut sockets = vec![first];
        // A system that cannot share ports has one socket.
        if SOCKETS > 1 && sockets[0].set_reuse_port(true).is_ok() {
            for _ in 1..SOCKETS {
                let socket = new_socket(addr)?;
                socket.set_reuse_port(true)?;
                socket.bind(&addr.into())?;
                sockets.push(socket);
            }
        }
        for socket in &sockets {
            // A client's socket has the options that the listener has when the client connects.
            configure_listener(socket, stall_timeout);
            // The kernel takes as much of it as it is set up for.
            const BACKLOG: i32 = 65_535;
            socket.listen(BACKLOG)?;
        }
        let sockets = sockets.into_iter().map(TcpListener::from).collect();
        Ok(Self { addr, sockets })
    }

    /// The address, with the port that the system chose if none was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// More handles to the same sockets.
    pub fn try_clone(&self) -> std::io::Result<Self> {
        let sockets = self.sockets.iter().map(TcpListener::try_clone);
        Ok(Self {
            addr: self.addr,
            sockets: sockets.collect::<Result<_, _>>()?,
        })
    }

    pub fn sockets(&self) -> &[TcpListener] {
        &self.sockets
    }

    /// Adds the sockets to a server. `factory` makes the service of each.
    pub fn add_to<I>(
        &self,
        mut builder: ServerBuilder,
        name: &str,
        factory: impl Fn() -> I + Clone + Send + 'static,
    ) -> std::io::Result<ServerBuilder>
    where
        I: ServiceFactory<TcpStream, Config = ()>,
    {
        for socket in &self.sockets {
            builder = builder.listen(name, socket.try_clone()?, factory.clone())?;
        }
        Ok(builder)
    }
}

fn new_socket(addr: SocketAddr) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STALL_TIMEOUT: Duration = Duration::from_secs(30);

    fn bind(addr: SocketAddr) -> std::io::Result<Listener> {
        Listener::bind(addr, STALL_TIMEOUT)
    }

    #[test]
    fn all_sockets_listen_on_the_port_that_the_system_chose() {
        let listener = bind(([127, 0, 0, 1], 0).into()).expect("binds");
        assert_eq!(listener.sockets().len(), SOCKETS);
        for socket in listener.sockets() {
            assert_eq!(socket.local_addr().expect("bound"), listener.addr());
        }
    }

    #[test]
    fn a_port_that_is_in_use_is_an_error_even_for_sockets_that_share_ports() {
        let listener = bind(([127, 0, 0, 1], 0).into()).expect("binds");
        let second = bind(listener.addr()).err().expect("the port is in use");
        assert_eq!(second.kind(), std::io::ErrorKind::AddrInUse);

        let foreign = TcpListener::bind("127.0.0.1:0").expect("binds");
        let addr = foreign.local_addr().expect("bound");
        let second = bind(addr).err().expect("the port is in use");
        assert_eq!(second.kind(), std::io::ErrorKind::AddrInUse);
    }

    #[test]
    fn a_port_can_be_bound_again_at_once() {
        let listener = bind(([127, 0, 0, 1], 0).into()).expect("binds");
        let addr = listener.addr();
        let client = std::net::TcpStream::connect(addr).expect("connects");
        drop((listener, client));
        bind(addr).expect("binds again");
    }
}
