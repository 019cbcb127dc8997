//! A client that is one TCP connection and counts its bytes. It shares no code with the instrument's client, because a
//! parser used by both could be wrong in both.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use super::{
    TEST_TIMEOUT, eventually,
    response::{Framing, Head, Response},
};

/// A TCP connection, its byte counts, and the bytes received ahead.
pub struct RawConnection {
    socket: TcpStream,
    pub sent: u64,
    pub received: u64,
    /// Bytes received and not consumed yet.
    pub pending: Vec<u8>,
}

/// The bytes of a request, with a `Content-Length` if there is a body.
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        head += "Host: test\r\n";
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() || method == "POST" {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    let mut bytes = (head + "\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

impl RawConnection {
    pub fn open(addr: SocketAddr) -> Self {
        let socket = TcpStream::connect_timeout(&addr, TEST_TIMEOUT).expect("connects");
        socket
            .set_read_timeout(Some(TEST_TIMEOUT))
            .expect("a time-out");
        socket
            .set_write_timeout(Some(TEST_TIMEOUT))
            .expect("a time-out");
        socket.set_nodelay(true).expect("no delay");
        Self {
            socket,
            sent: 0,
            received: 0,
            pending: Vec::new(),
        }
    }

    /// Sets the time-out of a read.
    pub fn read_timeout(&self, timeout: Duration) {
        self.socket
            .set_read_timeout(Some(timeout))
            .expect("a time-out");
    }

    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("sends");
    }

    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.socket.write_all(bytes.as_ref())?;
        self.sent += bytes.as_ref().len() as u64;
        Ok(())
    }

    /// Shuts the sending side.
    pub fn finish_sending(&self) {
        // The server may have closed already.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    pub fn get(&mut self, target: &str) -> Response {
        self.ask("GET", target, &[], b"")
    }

    pub fn ask(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        self.send(request(method, target, headers, body));
        self.answer(method).expect("an answer")
    }

    /// Waits until the server's process has read all sent bytes.
    pub fn wait_until_read(&self) {
        let ours = self.socket.local_addr().expect("an address").port();
        let theirs = self.socket.peer_addr().expect("an address").port();
        eventually("the server reads", || {
            is_drained(ours, theirs) && is_drained(theirs, ours)
        });
    }

    /// Reads once. Returns 0 if the server has closed.
    pub fn read_more(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 64 * 1024];
        loop {
            match self.socket.read(&mut buffer) {
                Ok(n) => {
                    self.received += n as u64;
                    self.pending.extend_from_slice(&buffer[..n]);
                    return Ok(n);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn need_more(&mut self) -> io::Result<()> {
        match self.read_more()? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// The next head. Fails if the server closed or sent nothing.
    pub fn head(&mut self) -> io::Result<Head> {
        loop {
            let end = find(&self.pending, b"\r\n\r\n");
            if let Some(end) = end {
                let head = Head::parse(&self.pending[..end]);
                self.pending.drain(..end + 4);
                if head.status != 100 {
                    return Ok(head);
                }
            } else {
                self.need_more()?;
            }
        }
    }

    /// The next answer, to a request of `method`.
    pub fn answer(&mut self, method: &str) -> io::Result<Response> {
        let head = self.head()?;
        let framing = head.framing(method);
        let mut body = Vec::new();
        while !self.take_body(framing, &mut body) {
            if self.read_more()? == 0 {
                if framing == Framing::Close {
                    break;
                }
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(Response { head, body })
    }

    /// Moves the available part of a body. Returns true at its end.
    pub fn take_body(&mut self, framing: Framing, body: &mut Vec<u8>) -> bool {
        match framing {
            Framing::Close => {
                body.append(&mut self.pending);
                false
            }
            Framing::Length(length) => {
                let lacking = (length - body.len()).min(self.pending.len());
                body.extend(self.pending.drain(..lacking));
                body.len() == length
            }
            Framing::Chunked => self.take_chunks(body),
        }
    }

    fn take_chunks(&mut self, body: &mut Vec<u8>) -> bool {
        while let Some(line) = find(&self.pending, b"\r\n") {
            let size = std::str::from_utf8(&self.pending[..line]).expect("a chunk size");
            let size = usize::from_str_radix(size, 16).expect("a chunk size");
            let (start, end) = (line + 2, line + 2 + size);
            if self.pending.len() < end + 2 {
                return false;
            }
            assert_eq!(&self.pending[end..end + 2], b"\r\n", "a chunk's end");
            body.extend_from_slice(&self.pending[start..end]);
            self.pending.drain(..end + 2);
            if size == 0 {
                return true;
            }
        }
        false
    }

    /// Reads until the server closes the connection. The bytes are then in `pending`.
    pub fn read_until_closed(&mut self) -> io::Result<()> {
        loop {
            match self.read_more() {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                // The server has closed without reading all of our bytes.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Closes with a TCP reset.
    pub fn abort(self) {
        let socket = socket2::SockRef::from(&self.socket);
        socket.set_linger(Some(Duration::ZERO)).expect("lingers");
    }
}

/// Whether the kernel holds no bytes in the queues of the socket between two local ports.
fn is_drained(local: u16, remote: u16) -> bool {
    let sockets = std::fs::read_to_string("/proc/net/tcp").expect("Linux");
    // local_address rem_address st tx_queue:rx_queue, all hexadecimal.
    sockets.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.len() > 4
            && fields[1].ends_with(&format!(":{local:04X}"))
            && fields[2].ends_with(&format!(":{remote:04X}"))
            && fields[4] == "00000000:00000000"
    })
}

pub fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
