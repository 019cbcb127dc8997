//! A stream on the wire: from [`Frames`] straight to the socket, once HTTP has read the request.
//!
//! A stream's answer never ends, so HTTP has nothing left to do for it, and its buffers and
//! bookkeeping would stay for as long as the client does. A session needs none: each piece is
//! shared bytes, written as they are. The answer is delimited by the end of the connection
//! (RFC 9112, 6.3), which works with every version of HTTP/1 and adds no byte to a frame.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_web::rt::net::TcpStream;
use bytes::{Buf as _, Bytes};
use tokio::io::AsyncWrite as _;

use super::{
    date::with_date,
    stream::{Frame, Frames},
};
use crate::{
    faults::{Fault, link::LinkEmulator},
    ledger::{connection::Connection, exchange::Exchange, trace::Content},
};

pub struct Session {
    socket: TcpStream,
    connection: Connection,
    frames: Frames,
    exchange: Exchange,
    /// What the pieces go over first, where their client wants to see what that does.
    link: Option<Box<LinkEmulator>>,
    /// What is left of the last piece.
    unsent: Bytes,
    head_bytes: u64,
    sending: Sending,
}

/// What the last piece was.
enum Sending {
    Head,
    /// The first lines of the body belong to every stream, as its head does.
    Greeting,
    Piece(Content, u64),
    /// Nothing yet: a link has the head.
    Held,
    /// What came over a link first: the head, and with it whatever else.
    First(Content, u64),
    Nothing,
}

impl Session {
    pub fn new(
        socket: TcpStream,
        connection: Connection,
        frames: Frames,
        exchange: Exchange,
        fault: Option<Fault>,
    ) -> Self {
        let head = head();
        let link = fault.and_then(|fault| LinkEmulator::with(fault, &head));
        let head_bytes = head.len() as u64;
        Self {
            socket,
            connection,
            frames,
            exchange,
            head_bytes,
            sending: if link.is_none() {
                Sending::Head
            } else {
                Sending::Held
            },
            unsent: if link.is_none() { head } else { Bytes::new() },
            link: link.map(Box::new),
        }
    }

    /// Reads what the client sends, which means nothing any more. Done when the client has left.
    fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut ignored = [0; 256];
        loop {
            if ready!(self.socket.poll_read_ready(cx)).is_err() {
                return Poll::Ready(());
            }
            match self.socket.try_read(&mut ignored) {
                Ok(0) => return Poll::Ready(()),
                Ok(bytes) => self.connection.was_read(bytes),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Poll::Ready(()),
            }
        }
    }

    /// Writes what is due. Done when there is no more to come, or no way to send it.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while !self.unsent.is_empty() {
                let bytes = ready!(Pin::new(&mut self.socket).poll_write(cx, &self.unsent))?;
                self.unsent.advance(bytes);
                self.exchange.wrote(bytes);
            }
            self.sent();
            let this = &mut *self;
            let frame = match &mut this.link {
                None => this.frames.poll_next(cx),
                Some(link) => link.poll_next(&mut this.frames, cx),
            };
            let Some(frame) = ready!(frame) else {
                return Pin::new(&mut self.socket).poll_shutdown(cx);
            };
            self.note(&frame);
            self.sending = match self.sending {
                Sending::Greeting => Sending::Greeting,
                Sending::Held => Sending::First(frame.content, frame.messages),
                _ => Sending::Piece(frame.content, frame.messages),
            };
            self.unsent = frame.bytes;
        }
    }

    /// The last piece has gone out.
    fn sent(&mut self) {
        match std::mem::replace(&mut self.sending, Sending::Nothing) {
            Sending::Head => self.sending = Sending::Greeting,
            Sending::Held => self.sending = Sending::Held,
            Sending::Greeting | Sending::First(_, 0) => self.exchange.sent(None, 0),
            Sending::First(content, messages) => {
                self.exchange.sent_head(self.head_bytes);
                self.exchange.sent(Some(content), messages);
            }
            Sending::Piece(content, messages) => self.exchange.sent(Some(content), messages),
            Sending::Nothing => {}
        }
    }

    fn note(&mut self, frame: &Frame) {
        if frame.messages > 0 {
            self.exchange.messages(frame.messages);
            if let Some(published_at_us) = frame.published_at_us {
                self.exchange.delay(published_at_us, frame.messages);
            }
        }
    }
}

impl Future for Session {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_left(cx).is_ready() {
            return Poll::Ready(());
        }
        self.poll_send(cx).map(|_| ())
    }
}

fn head() -> Bytes {
    let head = with_date(|date| {
        format!(
            "HTTP/1.1 200 OK\r\n\
             content-type: text/event-stream\r\n\
             cache-control: no-cache\r\n\
             x-accel-buffering: no\r\n\
             connection: close\r\n\
             {date}\r\n"
        )
    });
    head.into()
}
