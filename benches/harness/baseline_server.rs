//! The baseline server: a bare epoll server that makes one system call per subscriber and does nothing else. It is
//! this same executable started again with `ARGUMENT`, so that it is a separate process and its CPU time can be read
//! from outside.
//!
//! `GET` subscribes to a path. `POST` publishes to the same path: its body is the frame, with its chunk framing if it
//! has any. The server sends the body unchanged to every subscriber, so it moves exactly the bytes that the server
//! under test does, without knowing their format.
//!
//! As the baseline of durable publishing it appends the bodies to a file instead: all that arrived together with one
//! `write` and one `fdatasync`, and then answers. As the baseline of catching up it sends the same bytes to a
//! subscriber repeatedly, as fast as the socket accepts them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use socket2::SockRef;

use super::epoll::Epoll;

/// The first argument that makes this executable the baseline server.
pub const ARGUMENT: &str = "__floor";

const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
const PUBLISHED: &[u8] = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
const LISTENER: u64 = u64::MAX;

/// The work of the baseline server, for each published message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// One write(2) per subscriber.
    Write,
    /// One send(2) per subscriber, which costs a little less.
    Send,
    /// Append to this file.
    Append(PathBuf),
    /// Send the content of this file repeatedly to the only subscriber until it leaves.
    Repeat(PathBuf),
}

impl Task {
    /// The command-line arguments after `ARGUMENT`.
    pub fn arguments(&self) -> Vec<PathBuf> {
        match self {
            Self::Write => vec!["write".into()],
            Self::Send => vec!["send".into()],
            Self::Append(path) => vec!["append".into(), path.clone()],
            Self::Repeat(path) => vec!["repeat".into(), path.clone()],
        }
    }

    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        Ok(match arguments.next().as_deref() {
            Some("write") => Self::Write,
            Some("send") => Self::Send,
            Some("append") => {
                Self::Append(arguments.next().context("append to which file?")?.into())
            }
            Some("repeat") => Self::Repeat(arguments.next().context("repeat which file?")?.into()),
            _ => bail!("the baseline server has no such task"),
        })
    }
}

/// A connection whose next request is being read.
struct ClientConnection {
    socket: Socket,
    request: Vec<u8>,
}

/// A connected socket as a `File`: its `write` is write(2), that of a `TcpStream` is send(2).
type Socket = File;

type RequestPath = Vec<u8>;

struct BaselineServer {
    task: Task,
    epoll: Epoll,
    connections: HashMap<u64, ClientConnection>,
    subscribers: HashMap<RequestPath, Vec<Socket>>,
    /// The path of each subscriber, by its token.
    paths: HashMap<u64, RequestPath>,
    buffer: Vec<u8>,
    /// The log file, the messages to append to it, and the publishers to answer after that.
    log: Option<File>,
    batch: Vec<u8>,
    waiting: Vec<u64>,
    /// The bytes that `Task::Repeat` sends in a loop.
    repeated: Vec<u8>,
}

/// Serves until the process is killed. `arguments` are those after `ARGUMENT`.
pub fn serve(arguments: impl Iterator<Item = String>) -> Result<()> {
    let task = Task::from_arguments(arguments)?;
    let log = match &task {
        Task::Append(path) => Some(File::create(path).context("create the log")?),
        Task::Write | Task::Send | Task::Repeat(_) => None,
    };
    let repeated = match &task {
        Task::Repeat(path) => std::fs::read(path).context("read what to repeat")?,
        Task::Write | Task::Send | Task::Append(_) => Vec::new(),
    };
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    listener.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    listener.listen(4096)?;
    listener.set_nonblocking(true)?;
    let listener: TcpListener = listener.into();
    println!("listening on http://{}", listener.local_addr()?);

    let mut floor = BaselineServer {
        task,
        epoll: Epoll::new()?,
        connections: HashMap::new(),
        subscribers: HashMap::new(),
        paths: HashMap::new(),
        buffer: vec![0; 64 * 1024],
        log,
        batch: Vec::new(),
        waiting: Vec::new(),
        repeated,
    };
    floor.epoll.add(listener.as_fd(), LISTENER)?;
    loop {
        for index in 0..floor.epoll.wait(-1)? {
            match floor.epoll.token(index) {
                LISTENER => floor.accept(&listener)?,
                token => floor.read(token)?,
            }
        }
        floor.append_batch()?;
    }
}

impl BaselineServer {
    fn accept(&mut self, listener: &TcpListener) -> Result<()> {
        loop {
            match listener.accept() {
                Ok((socket, _)) => {
                    socket.set_nonblocking(true)?;
                    socket.set_nodelay(true)?;
                    let token =
                        u64::try_from(socket.as_raw_fd()).context("a negative descriptor")?;
                    self.epoll.add(socket.as_fd(), token)?;
                    let socket = Socket::from(OwnedFd::from(socket));
                    let request = Vec::new();
                    self.connections
                        .insert(token, ClientConnection { socket, request });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("accept"),
            }
        }
    }

    /// Reads what a connection sent and acts on each request that is complete.
    fn read(&mut self, token: u64) -> Result<()> {
        let Some(connection) = self.connections.get_mut(&token) else {
            self.forget_if_gone(token);
            return Ok(());
        };
        loop {
            match connection.socket.read(&mut self.buffer) {
                Ok(0) => {
                    self.connections.remove(&token);
                    return Ok(());
                }
                Ok(count) => {
                    connection.request.extend_from_slice(&self.buffer[..count]);
                    // A short read has emptied the socket; asking again would only fetch EAGAIN.
                    if count < self.buffer.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if is_gone(&error) => {
                    self.connections.remove(&token);
                    return Ok(());
                }
                Err(error) => return Err(error).context("read"),
            }
        }
        self.handle_request(token)
    }

    /// Removes a subscriber that has left. It sends nothing after its request, so its socket is readable only if it
    /// left.
    fn forget_if_gone(&mut self, token: u64) {
        let Some(path) = self.paths.remove(&token) else {
            return;
        };
        let Some(subscribers) = self.subscribers.get_mut(&path) else {
            return;
        };
        subscribers.retain(|socket| u64::try_from(socket.as_raw_fd()) != Ok(token));
        if subscribers.is_empty() {
            self.subscribers.remove(&path);
        }
    }

    fn handle_request(&mut self, token: u64) -> Result<()> {
        let Some(connection) = self.connections.get_mut(&token) else {
            bail!("a connection was lost during a read");
        };
        let Some(head) = find(&connection.request, b"\r\n\r\n").map(|at| at + 4) else {
            return Ok(());
        };
        let mut words = connection.request[..head].split(|byte| *byte == b' ');
        let (method, path) = (
            words.next().context("a method")?,
            words.next().context("a path")?,
        );
        if method == b"GET" {
            let path = path.to_vec();
            let Some(ClientConnection { socket, .. }) = self.connections.remove(&token) else {
                bail!("a connection was lost before its answer");
            };
            self.task.write_whole(&socket, HEAD)?;
            if !self.repeated.is_empty() {
                return send_repeatedly(&socket, &self.repeated);
            }
            self.paths.insert(token, path.clone());
            self.subscribers.entry(path).or_default().push(socket);
            return Ok(());
        }
        let length = content_length(&connection.request[..head])?;
        let Some(body) = connection.request.get(head..head + length) else {
            return Ok(());
        };
        if self.log.is_some() {
            self.batch.extend_from_slice(body);
            self.waiting.push(token);
        } else {
            for socket in self.subscribers.get(path).into_iter().flatten() {
                self.task.write_whole(socket, body)?;
            }
            self.task.write_whole(&connection.socket, PUBLISHED)?;
        }
        connection.request.clear();
        Ok(())
    }

    /// Appends the messages received since the last call in one write, and answers their publishers.
    fn append_batch(&mut self) -> Result<()> {
        let Some(log) = self.log.as_mut().filter(|_| !self.batch.is_empty()) else {
            return Ok(());
        };
        log.write_all(&self.batch).context("append")?;
        log.sync_data().context("fdatasync")?;
        self.batch.clear();
        for token in self.waiting.drain(..) {
            if let Some(connection) = self.connections.get(&token) {
                self.task.write_whole(&connection.socket, PUBLISHED)?;
            }
        }
        Ok(())
    }
}

impl Task {
    /// Writes `bytes` with one system call. Fails if the kernel does not take all of them, which does not happen: the
    /// load waits for each message, so the socket's buffer has room.
    fn write_whole(&self, mut socket: &Socket, bytes: &[u8]) -> Result<()> {
        let put = match self {
            Self::Write => socket.write(bytes),
            Self::Send | Self::Append(_) | Self::Repeat(_) => SockRef::from(socket).send(bytes),
        };
        match put {
            Ok(count) => ensure!(count == bytes.len(), "a write was short: {count} bytes"),
            // The subscriber left; the read side removes it from the list.
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(error).context("write"),
        }
        Ok(())
    }
}

/// Sends `bytes` in a loop until the subscriber leaves. The socket is blocking, which saves the calls that wait for
/// room in its buffer; so no other client is served during that time.
fn send_repeatedly(socket: &Socket, bytes: &[u8]) -> Result<()> {
    let socket = SockRef::from(socket);
    socket.set_nonblocking(false)?;
    let mut at = 0;
    loop {
        match socket.send(&bytes[at..]) {
            Ok(count) => at = (at + count) % bytes.len(),
            Err(error) if is_gone(&error) => return Ok(()),
            Err(error) => return Err(error).context("send"),
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
    )
}

fn content_length(head: &[u8]) -> Result<usize> {
    std::str::from_utf8(head)
        .context("the head is not UTF-8")?
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
