//! A client's TCP connection, which counts every byte in both directions.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

#[cfg(target_os = "linux")]
use socket2::SockFilter;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::{connect::connect, meter::ByteCounter};
use crate::machine::held_connections::ConnectionEnds;

/// The number of probes for a reset, and the pause between them; together longer than a round trip.
const PROBES: u32 = 10;
const PROBE_DELAY: Duration = Duration::from_millis(25);

/// A client's TCP connection, with its byte counts.
#[derive(Debug)]
pub struct Socket {
    stream: Arc<TcpStream>,
    passed: ByteCounter,
}

impl Socket {
    pub async fn open(addr: SocketAddr) -> io::Result<Self> {
        let stream = connect(addr).await?;
        stream.set_nodelay(true)?;
        // Without this, ten thousand connections that end together would each leave a port in TIME_WAIT for a minute.
        SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
        Ok(Self {
            stream: Arc::new(stream),
            passed: ByteCounter::default(),
        })
    }

    /// A handle to the socket for use while a protocol owns it.
    pub fn watch(&self) -> SocketWatch {
        SocketWatch {
            stream: self.stream.clone(),
            passed: self.passed.clone(),
        }
    }

    /// Repeats an operation until it does not block.
    fn poll_with<T>(
        &self,
        cx: &mut Context<'_>,
        poll_ready: fn(&TcpStream, &mut Context<'_>) -> Poll<io::Result<()>>,
        mut operation: impl FnMut(&TcpStream) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            ready!(poll_ready(&self.stream, cx))?;
            match operation(&self.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }
}

/// A handle to a socket that a protocol owns.
#[derive(Debug)]
pub struct SocketWatch {
    stream: Arc<TcpStream>,
    pub passed: ByteCounter,
}

impl SocketWatch {
    /// Drops whatever arrives from now on, before TCP sees it: nothing is acknowledged, and nothing is reset. The
    /// filter needs no privilege.
    #[cfg(target_os = "linux")]
    pub fn vanish(&self) -> io::Result<ConnectionEnds> {
        /// A filter with one instruction: keep 0 bytes of the packet.
        const DROP_ALL: [SockFilter; 1] = [SockFilter::new(0x06, 0, 0, 0)];
        let ends = ConnectionEnds::new(self.stream.peer_addr()?, self.stream.local_addr()?);
        SockRef::from(&*self.stream).attach_filter(&DROP_ALL)?;
        Ok(ends)
    }

    #[cfg(not(target_os = "linux"))]
    pub fn vanish(&self) -> io::Result<ConnectionEnds> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Whether the other side had closed the connection before the request arrived; its system then answers with a
    /// reset. Without a reset, the end of the stream was the answer. Called after such an end.
    pub async fn was_stale(&self) -> bool {
        for _ in 0..PROBES {
            if matches!(self.stream.take_error(), Ok(Some(_))) {
                return true;
            }
            tokio::time::sleep(PROBE_DELAY).await;
        }
        false
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.poll_with(cx, TcpStream::poll_read_ready, |stream| {
            stream.try_read(buffer.initialize_unfilled())
        });
        let count = ready!(read)?;
        buffer.advance(count);
        self.passed.received(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.poll_with(cx, TcpStream::poll_write_ready, |stream| {
            stream.try_write(bytes)
        });
        let count = ready!(written)?;
        self.passed.sent(count);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.poll_with(cx, TcpStream::poll_write_ready, |stream| {
            stream.try_write_vectored(parts)
        });
        let count = ready!(written)?;
        self.passed.sent(count);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Dropping the socket closes it.
        Poll::Ready(Ok(()))
    }
}
