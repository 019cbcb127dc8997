//! The load of empty polls: kept-alive connections in one epoll loop. Each sends its next request after the answer to
//! the last.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::epoll::Epoll;
use super::http;

/// Longest wait for an answer.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections to one server that all send the same request.
pub struct Pollers {
    epoll: Epoll,
    sockets: Vec<TcpStream>,
    /// The bytes of an incomplete answer, per connection.
    partial: Vec<Vec<u8>>,
    buffer: Vec<u8>,
    request: Vec<u8>,
    body: Vec<u8>,
    answer_bytes: usize,
    spin: bool,
}

impl Pollers {
    /// Opens `count` connections that all send `request`, and takes the expected answer from a first request.
    pub fn open(address: SocketAddr, request: Vec<u8>, count: usize, spin: bool) -> Result<Self> {
        let answer = http::Connection::open(address)?.ask(&request)?;
        ensure!(answer.status == 200, "a poll: status {}", answer.status);
        let epoll = Epoll::new()?;
        let mut sockets = Vec::with_capacity(count);
        for token in 0..count {
            let socket = TcpStream::connect_timeout(&address, RESPONSE_TIMEOUT)
                .with_context(|| format!("connect to {address}"))?;
            socket.set_nodelay(true)?;
            socket.set_nonblocking(true)?;
            epoll.add(socket.as_fd(), token as u64)?;
            sockets.push(socket);
        }
        Ok(Self {
            epoll,
            partial: vec![Vec::new(); count],
            sockets,
            buffer: vec![0; 64 * 1024],
            request,
            body: answer.body,
            answer_bytes: answer.wire_bytes,
            spin,
        })
    }

    /// The length of one answer, head and body.
    pub fn answer_bytes(&self) -> usize {
        self.answer_bytes
    }

    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Sends `requests` polls and checks each answer against the learned one.
    pub fn poll(&mut self, requests: u64) -> Result<u64> {
        let mut sent = 0;
        let mut answered = 0;
        for socket in self.sockets.iter().take(usize::try_from(requests)?) {
            send_request(socket, &self.request)?;
            sent += 1;
        }
        let mut last_answer = Instant::now();
        while answered < requests {
            let ready = self.epoll.wait(if self.spin { 0 } else { 100 })?;
            if ready > 0 {
                last_answer = Instant::now();
            }
            ensure!(
                last_answer.elapsed() < RESPONSE_TIMEOUT,
                "only {answered} of {requests} polls were answered"
            );
            for index in 0..ready {
                let token = usize::try_from(self.epoll.token(index)).context("a token")?;
                if !self.has_answer(token)? {
                    continue;
                }
                answered += 1;
                if sent < requests {
                    send_request(&self.sockets[token], &self.request)?;
                    sent += 1;
                }
            }
        }
        Ok(answered)
    }

    /// Reads one connection and returns whether its answer is complete. Fails if it is not the expected answer.
    fn has_answer(&mut self, token: usize) -> Result<bool> {
        let count = match (&self.sockets[token]).read(&mut self.buffer) {
            Ok(0) => bail!("the server closed poller {token}"),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error).context("read a poller"),
        };
        let partial = &mut self.partial[token];
        let answer = if partial.is_empty() && count == self.answer_bytes {
            &self.buffer[..count]
        } else {
            partial.extend_from_slice(&self.buffer[..count]);
            partial.as_slice()
        };
        if answer.len() < self.answer_bytes {
            return Ok(false);
        }
        ensure!(
            answer.len() == self.answer_bytes
                && answer.starts_with(b"HTTP/1.1 200 ")
                && answer.ends_with(&self.body),
            "an unexpected answer: {}",
            String::from_utf8_lossy(answer)
        );
        self.partial[token].clear();
        Ok(true)
    }
}

fn send_request(mut socket: &TcpStream, request: &[u8]) -> Result<()> {
    let count = socket.write(request).context("send a poll")?;
    ensure!(count == request.len(), "the request was sent incompletely");
    Ok(())
}

/// Publishes a message and returns the request of a poll after it. Both requests have `fields` in their heads.
pub fn empty_poll(address: SocketAddr, fields: &[(&str, &str)]) -> Result<Vec<u8>> {
    let body = br#"{"room":"lobby","author":"mina","text":"hello"}"#;
    let publish = http::post("/messages", "application/json", body);
    let publish = http::with_fields(publish, fields);
    let answer = http::Connection::open(address)?.ask(&publish)?;
    let message: serde_json::Value = serde_json::from_slice(&answer.body)?;
    let cursor = message["cursor"]
        .as_str()
        .context("a message without a cursor")?;
    let poll = http::get(&format!("/poll?room=lobby&cursor={cursor}"));
    Ok(http::with_fields(poll, fields))
}
