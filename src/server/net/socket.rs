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

/// Bytes that the kernel takes for a reader beyond what is on its way; without a bound it takes
/// megabytes for one that has stopped reading. On Linux.
const NOTSENT_LOWAT_BYTES: u32 = 128 * 1024;

/// A socket, closed with a reset if its connection asks for that.
pub struct Socket {
    tcp: TcpStream,
    connection: ConnectionHandle,
}

impl Socket {
    pub fn new(tcp: TcpStream, connection: ConnectionHandle) -> Self {
        Self { tcp, connection }
    }
}

/// Whether a client's socket has the options of the listener that it came from. Set there, they cost a connection no
/// system call.
const INHERITS_OPTIONS: bool = cfg!(target_os = "linux");

/// Sets what the sockets of its clients need on a socket that is about to listen. A peer that acknowledges nothing for
/// `stall_timeout` is taken to be gone.
pub fn configure_listener(listener: &socket2::Socket, stall_timeout: Duration) {
    if INHERITS_OPTIONS {
        set_options(listener, stall_timeout);
    }
}

/// Sets the same on a client's socket that has not inherited it.
pub fn configure(tcp: &TcpStream, stall_timeout: Duration) {
    if !INHERITS_OPTIONS {
        set_options(&SockRef::from(tcp), stall_timeout);
    }
}

fn set_options(socket: &socket2::Socket, stall_timeout: Duration) {
    // A socket on which an option cannot be set still works, if less well.
    let _ = socket.set_tcp_nodelay(true);
    // A peer that vanished silently is detected by probes if nothing is sent ...
    let probes = TcpKeepalive::new()
        .with_time(stall_timeout / 2)
        .with_interval((stall_timeout / 6).max(Duration::from_secs(1)));
    let _ = socket.set_tcp_keepalive(&probes);
    #[cfg(target_os = "linux")]
    {
        // ... and by what it does not acknowledge; a reader that takes nothing is cut the same way.
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
            // If that cannot be set, it is closed more politely.
            let _ = SockRef::from(&self.tcp).set_linger(Some(Duration::ZERO));
        }
    }
}
