//! A client that is one TCP connection: requests, answers and a stream's frames, nothing hidden.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// What a client takes from the network before it is read: little, so that a client that does not
/// read is felt.
const RECEIVE_BUFFER: u32 = 16 * 1024;
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

pub struct Connection {
    socket: TcpStream,
    input: Vec<u8>,
}

pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    /// The connection serves no further request.
    pub is_last: bool,
}

impl Connection {
    pub async fn open(addr: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        let socket = timeout(CONNECT_WITHIN, socket.connect(addr)).await??;
        socket.set_nodelay(true)?;
        Ok(Self {
            socket,
            input: Vec::new(),
        })
    }

    /// Sends a request; `None`: the time was over before the answer was there.
    pub async fn ask(&mut self, request: &str, within: Duration) -> io::Result<Answer> {
        let asked = async {
            self.socket.write_all(request.as_bytes()).await?;
            self.answer().await
        };
        timeout(within, asked).await?
    }

    /// Asks for a stream; what follows is read with [`Self::frame`].
    pub async fn ask_stream(&mut self, request: &str, within: Duration) -> io::Result<u16> {
        let asked = async {
            self.socket.write_all(request.as_bytes()).await?;
            Ok(self.head().await?.status)
        };
        timeout(within, asked).await?
    }

    async fn answer(&mut self) -> io::Result<Answer> {
        let head = self.head().await?;
        let length = match head.status {
            304 => 0,
            _ => head.length.ok_or(ErrorKind::InvalidData)?,
        };
        while self.input.len() < length {
            self.read().await?;
        }
        let body = self.input.drain(..length).collect();
        Ok(Answer {
            status: head.status,
            body,
            is_last: head.is_last,
        })
    }

    async fn head(&mut self) -> io::Result<Head> {
        loop {
            if let Some((head, length)) = Head::parse(&self.input)? {
                self.input.drain(..length);
                return Ok(head);
            }
            self.read().await?;
        }
    }

    /// A stream's next whole frame.
    pub async fn frame(&mut self) -> io::Result<String> {
        loop {
            let end = self.input.windows(2).position(|two| two == b"\n\n");
            if let Some(end) = end {
                let frame = self.input.drain(..end + 2).collect();
                return String::from_utf8(frame).map_err(|_| ErrorKind::InvalidData.into());
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> io::Result<()> {
        let mut bytes = [0; 8 * 1024];
        match self.socket.read(&mut bytes).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            n => {
                self.input.extend_from_slice(&bytes[..n]);
                Ok(())
            }
        }
    }
}

struct Head {
    status: u16,
    length: Option<usize>,
    is_last: bool,
}

impl Head {
    fn parse(input: &[u8]) -> io::Result<Option<(Self, usize)>> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut headers);
        let length = match response.parse(input) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(ErrorKind::InvalidData.into()),
        };
        let header = |name: &str| {
            let mut headers = response.headers.iter();
            let found = headers.find(|header| header.name.eq_ignore_ascii_case(name));
            found.and_then(|header| std::str::from_utf8(header.value).ok())
        };
        let head = Self {
            status: response.code.unwrap_or(0),
            length: header("content-length").and_then(|length| length.parse().ok()),
            is_last: header("connection").is_some_and(|c| c.eq_ignore_ascii_case("close")),
        };
        Ok(Some((head, length)))
    }
}
