//! The floor: a bare epoll server that does one `write` per subscriber and nothing else. It is this
//! same executable started again with `ARGUMENT`, so that its CPU is a process's own and can be
//! read from outside.
//!
//! `GET` subscribes. `POST` publishes: its body is the frame, with its chunk framing if it has any,
//! which every subscriber is sent as it stands; so the floor moves exactly the bytes the server
//! under test does, without knowing their format.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use anyhow::{Context, Result, bail, ensure};

use super::epoll::Epoll;

/// The first argument that turns this executable into the floor.
pub const ARGUMENT: &str = "__floor";

const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
const PUBLISHED: &[u8] = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
const LISTENER: u64 = u64::MAX;

struct Connection {
    socket: Socket,
    request: Vec<u8>,
}

/// A connected socket as a `File`, whose `write` is write(2) where a `TcpStream`'s is send(2): the
/// definition of the floor names the former, which costs a little more.
type Socket = File;

/// Serves until it is killed.
pub fn serve() -> Result<()> {
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    listener.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    listener.listen(4096)?;
    listener.set_nonblocking(true)?;
    let listener: TcpListener = listener.into();
    println!("listening on http://{}", listener.local_addr()?);

    let mut epoll = Epoll::new()?;
    epoll.add(listener.as_fd(), LISTENER)?;
    let mut connections = HashMap::new();
    let mut subscribers = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        for index in 0..epoll.wait(-1)? {
            match epoll.token(index) {
                LISTENER => accept(&listener, &epoll, &mut connections)?,
                token => read(token, &mut connections, &mut subscribers, &mut buffer)?,
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    epoll: &Epoll,
    connections: &mut HashMap<u64, Connection>,
) -> Result<()> {
    loop {
        match listener.accept() {
            Ok((socket, _)) => {
                socket.set_nonblocking(true)?;
                socket.set_nodelay(true)?;
                let token = u64::try_from(socket.as_raw_fd()).context("a negative descriptor")?;
                epoll.add(socket.as_fd(), token)?;
                let socket = Socket::from(OwnedFd::from(socket));
                let request = Vec::new();
                connections.insert(token, Connection { socket, request });
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error).context("accept"),
        }
    }
}

/// Reads what a connection sent and acts on its request once that is complete.
fn read(
    token: u64,
    connections: &mut HashMap<u64, Connection>,
    subscribers: &mut Vec<Socket>,
    buffer: &mut [u8],
) -> Result<()> {
    let Some(connection) = connections.get_mut(&token) else {
        // A subscriber: it sends nothing more, so this is its leaving.
        subscribers.retain(|socket| !matches!((&*socket).read(buffer), Ok(0)));
        return Ok(());
    };
    loop {
        match connection.socket.read(buffer) {
            Ok(0) => {
                connections.remove(&token);
                return Ok(());
            }
            Ok(count) => {
                connection.request.extend_from_slice(&buffer[..count]);
                // A short read has emptied the socket; asking again would only fetch EAGAIN.
                if count < buffer.len() {
                    break;
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error).context("read"),
        }
    }
    let Some(head) = find(&connection.request, b"\r\n\r\n").map(|at| at + 4) else {
        return Ok(());
    };
    if connection.request.starts_with(b"GET ") {
        let Some(Connection { socket, .. }) = connections.remove(&token) else {
            bail!("a connection was lost while it was read");
        };
        write_once(&socket, HEAD)?;
        subscribers.push(socket);
        return Ok(());
    }
    let length = content_length(&connection.request[..head])?;
    if connection.request.len() < head + length {
        return Ok(());
    }
    let frame = &connection.request[head..head + length];
    for socket in &*subscribers {
        write_once(socket, frame)?;
    }
    write_once(&connection.socket, PUBLISHED)?;
    connection.request.clear();
    Ok(())
}

/// One `write`, which the closed loop keeps small enough to be taken whole.
fn write_once(mut socket: &Socket, bytes: &[u8]) -> Result<()> {
    match socket.write(bytes) {
        Ok(count) => ensure!(count == bytes.len(), "a write was cut short: {count}"),
        // It left; the read side takes it off the list.
        Err(error) if is_gone(&error) => {}
        Err(error) => return Err(error).context("write"),
    }
    Ok(())
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
    )
}

fn content_length(head: &[u8]) -> Result<usize> {
    std::str::from_utf8(head)
        .context("the head is no text")?
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .context("a POST without Content-Length")?
        .1
        .trim()
        .parse()
        .context("Content-Length")
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
