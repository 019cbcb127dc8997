//! A connection's socket as the HTTP layer sees it, counting every byte that crosses it.
//!
//! It sits below HTTP, so that heads, bodies and framing are all counted, by the numbers the
//! kernel itself returned. A handler may take the socket over ([`Connection::take_over`]): what
//! HTTP then still writes goes nowhere, and it reads the end of the input.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::rt::net::TcpStream;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{connection::Connection, patience::Patience};

/// The HTTP layer's end of a [`Connection`].
pub struct Metered {
    pub connection: Connection,
    ahead: Bytes,
    patience: Patience,
    /// Something crossed the socket since the patience was last asked.
    active: bool,
}

impl Metered {
    /// `ahead` was read from the socket already.
    pub fn new(connection: Connection, ahead: Bytes) -> Self {
        Self {
            connection,
            ahead,
            patience: Patience::new(),
            active: false,
        }
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let bytes = self.ahead.len().min(buf.remaining());
            buf.put_slice(&self.ahead.split_to(bytes));
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let read = self
            .connection
            .with_socket(|socket| Pin::new(socket).poll_read(cx, buf));
        self.connection.was_read(buf.filled().len() - before);
        let this = &mut *self;
        match read {
            Some(Poll::Pending) => {
                let active = std::mem::take(&mut this.active);
                let in_head = this.connection.is_in_head();
                // HTTP reads the end of the input, and closes.
                this.patience.poll_over(active, in_head, cx).map(Ok)
            }
            Some(read) => {
                this.active = true;
                read
            }
            None => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self
            .connection
            .with_socket(|socket| Pin::new(socket).poll_write(cx, buf));
        if let Some(Poll::Ready(Ok(bytes))) = written {
            self.connection.was_written(bytes);
            self.active = true;
            self.patience.answered();
        }
        written.unwrap_or(Poll::Ready(Ok(buf.len())))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The HTTP layer flushes when it has written all it had.
        self.connection.settle();
        let flushed = self
            .connection
            .with_socket(|socket| Pin::new(socket).poll_flush(cx));
        flushed.unwrap_or(Poll::Ready(Ok(())))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = self
            .connection
            .with_socket(|socket: &mut TcpStream| Pin::new(socket).poll_shutdown(cx));
        shut.unwrap_or(Poll::Ready(Ok(())))
    }
}
