//! A client that is one TCP connection, for requests, answers and a stream's frames.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind},
    net::SocketAddr,
    time::Duration,
};

use poll_vs_sse_instrument::http::{
    answer_reader::AnswerReader,
    event_stream::{EventDecoder, split_events},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// The receive buffer of a client. It is small, so that a client that does not read soon blocks the server.
const RECEIVE_BUFFER: u32 = 16 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

pub struct Connection {
    socket: TcpStream,
    input: Vec<u8>,
    /// The answer that is being received.
    answer: AnswerReader,
    events: EventDecoder,
    /// Whole frames of a stream, to be taken one by one.
    frames: VecDeque<String>,
}

pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    /// Whether the connection closes after this answer.
    pub is_last: bool,
}

impl Connection {
    pub async fn open(addr: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        let socket = timeout(CONNECT_TIMEOUT, socket.connect(addr)).await??;
        socket.set_nodelay(true)?;
        Ok(Self {
            socket,
            input: Vec::new(),
            answer: AnswerReader::default(),
            events: EventDecoder::default(),
            frames: VecDeque::new(),
        })
    }

    /// Sends a request and waits for the whole answer, for `within` at most.
    pub async fn request(&mut self, request: &str, within: Duration) -> io::Result<Answer> {
        let asked = async {
            self.send(request).await?;
            let mut body = Vec::new();
            loop {
                self.feed_answer(|part, _| body.extend_from_slice(part))?;
                if let (true, Some(head)) = (self.answer.is_complete(), self.answer.head()) {
                    return Ok(Answer {
                        status: head.status,
                        body,
                        is_last: head.closes,
                    });
                }
                self.receive().await?;
            }
        };
        timeout(within, asked).await?
    }

    /// Sends a stream's request and waits for the status. The frames are then read with [`Self::next_frame`].
    pub async fn request_stream(&mut self, request: &str, within: Duration) -> io::Result<u16> {
        let asked = async {
            self.send(request).await?;
            loop {
                self.feed_answer(|part, events| events.push(part))?;
                if let Some(head) = self.answer.head() {
                    return Ok(head.status);
                }
                self.receive().await?;
            }
        };
        timeout(within, asked).await?
    }

    /// A stream's next whole frame.
    pub async fn next_frame(&mut self) -> io::Result<String> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Ok(frame);
            }
            let whole = self.events.take().map_err(invalid)?;
            for frame in split_events(whole) {
                let frame = String::from_utf8(frame.to_vec()).map_err(invalid)?;
                self.frames.push_back(frame);
            }
            if self.frames.is_empty() {
                self.receive().await?;
                self.feed_answer(|part, events| events.push(part))?;
            }
        }
    }

    async fn send(&mut self, request: &str) -> io::Result<()> {
        self.answer = AnswerReader::default();
        self.socket.write_all(request.as_bytes()).await
    }

    /// Feeds the bytes read so far to the answer's reader.
    fn feed_answer(&mut self, mut on_body: impl FnMut(&[u8], &mut EventDecoder)) -> io::Result<()> {
        let events = &mut self.events;
        let taken = self
            .answer
            .feed(&self.input, |part| on_body(part, events))
            .map_err(invalid)?;
        self.input.drain(..taken);
        Ok(())
    }

    async fn receive(&mut self) -> io::Result<()> {
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

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}
