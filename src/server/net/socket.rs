//! A client's TCP socket: its options, and how it is closed.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::{connection::ConnectionHandle, half_closed::Peer};

/// The most bytes that the kernel holds for a reader beyond those in flight. Without a limit, it holds megabytes for
/// a reader that has stopped reading. On Linux.
const NOTSENT_LOWAT_BYTES: u32 = 128 * 1024;

/// A socket, which is closed with a reset if its connection was aborted.
pub struct Socket {
    tcp: TcpStream,
    connection: ConnectionHandle,
}

impl Socket {
    pub fn new(tcp: TcpStream, connection: ConnectionHandle) -> Self {
        Self { tcp, connection }
    }
}

/// Whether a client's socket inherits the options of its listener. Options that are set on the listener cost a
/// connection no system call.
const INHERITS_OPTIONS: bool = cfg!(target_os = "linux");

/// Sets what the sockets of its clients need on a socket that is about to listen. A peer that acknowledges nothing for
/// `stall_timeout` is taken to be gone.
pub fn configure_listener(listener: &socket2::Socket, stall_timeout: Duration) {
    if INHERITS_OPTIONS {
        set_options(listener, stall_timeout);
    }
}

/// Sets the same options on a client's socket, unless it has inherited them.
pub fn configure(tcp: &TcpStream, stall_timeout: Duration) {
    if !INHERITS_OPTIONS {
        set_options(&SockRef::from(tcp), stall_timeout);
    }
}

fn set_options(socket: &socket2::Socket, stall_timeout: Duration) {
    // If an option cannot be set, the socket still works, but less well.
    let _ = socket.set_tcp_nodelay(true);
    // If nothing is sent, probes detect a peer that has vanished ...
    let probes = TcpKeepalive::new()
        .with_time(stall_timeout / 2)
        .with_interval((stall_timeout / 6).max(Duration::from_secs(1)));
    let _ = socket.set_tcp_keepalive(&probes);
    #[cfg(target_os = "linux")]
    {
        // ... and otherwise the missing acknowledgements do; they also disconnect a reader that reads nothing.
        let _ = socket.set_tcp_user_timeout(Some(stall_timeout));
        let _ = socket.set_tcp_notsent_lowat(NOTSENT_LOWAT_BYTES);
    }
}

impl Peer for Socket {
    fn has_reset(&self) -> bool {
        !matches!(SockRef::from(&self.tcp).take_error(), Ok(None))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.connection.is_reset_on_close() {
            // If the option cannot be set, the connection closes without a reset.
            let _ = SockRef::from(&self.tcp).set_linger(Some(Duration::ZERO));
        }
    }
}
