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
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::Connection;

/// The HTTP layer's end of a [`Connection`].
pub struct Metered(pub Connection);

impl AsyncRead for Metered {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = self
            .0
            .with_socket(|socket| Pin::new(socket).poll_read(cx, buf));
        self.0.was_read(buf.filled().len() - before);
        read.unwrap_or(Poll::Ready(Ok(())))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self
            .0
            .with_socket(|socket| Pin::new(socket).poll_write(cx, buf));
        if let Some(Poll::Ready(Ok(bytes))) = written {
            self.0.was_written(bytes);
        }
        written.unwrap_or(Poll::Ready(Ok(buf.len())))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The HTTP layer flushes when it has written all it had.
        self.0.settle();
        let flushed = self.0.with_socket(|socket| Pin::new(socket).poll_flush(cx));
        flushed.unwrap_or(Poll::Ready(Ok(())))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = self
            .0
            .with_socket(|socket: &mut TcpStream| Pin::new(socket).poll_shutdown(cx));
        shut.unwrap_or(Poll::Ready(Ok(())))
    }
}
