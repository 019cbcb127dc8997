//! A client's connection: every byte that crosses it, either way, is in the books.

use std::{
    cell::RefCell,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};

use crate::compare::books::recorder::Books;

/// What one read takes at most. Lent to whoever is reading, so that a waiting client needs no buffer.
const READ_BYTES: usize = 64 * 1024;
/// Addresses of this machine, 127.0.0.2 and on, that clients come from once the first has no port left.
const FURTHER_SOURCES: u8 = 16;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// See the module.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
}

impl Socket {
    pub async fn open(addr: SocketAddr, books: &mut Books) -> io::Result<Self> {
        let stream = connect(addr).await?;
        stream.set_nodelay(true)?;
        // Ten thousand that end together would leave as many ports waiting for a minute each.
        SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
        books.connected();
        Ok(Self { stream })
    }

    pub async fn send(&self, mut bytes: &[u8], books: &mut Books) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.stream.try_write(bytes) {
                Ok(count) => {
                    books.sent(count);
                    bytes = &bytes[count..];
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stream.writable().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits for bytes and appends them to `to`. 0: the server has closed.
    pub async fn receive(&self, to: &mut Vec<u8>, books: &mut Books) -> io::Result<usize> {
        loop {
            self.stream.readable().await?;
            let read = BUFFER.with_borrow_mut(|buffer| {
                let count = self.stream.try_read(buffer)?;
                to.extend_from_slice(&buffer[..count]);
                Ok(count)
            });
            match read {
                Ok(count) => {
                    books.received(count);
                    return Ok(count);
                }
                Err(error) if io::Error::kind(&error) == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// From whichever address of this machine has a port left, where the server is on it too.
async fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
    let mut outcome = TcpStream::connect(addr).await;
    if addr.ip() != IpAddr::V4(Ipv4Addr::LOCALHOST) {
        return outcome;
    }
    for last in 2..2 + FURTHER_SOURCES {
        match outcome {
            Err(error) if is_out_of_ports(&error) => {
                let from = SocketAddr::from(([127, 0, 0, last], 0));
                outcome = connect_from(from, addr).await;
            }
            settled => return settled,
        }
    }
    outcome
}

async fn connect_from(from: SocketAddr, addr: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(from)?;
    socket.connect(addr).await
}

/// The one comes of connecting, the other of binding.
fn is_out_of_ports(error: &io::Error) -> bool {
    let kinds = [io::ErrorKind::AddrNotAvailable, io::ErrorKind::AddrInUse];
    kinds.contains(&error.kind())
}
