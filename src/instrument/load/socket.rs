//! A client's connection, which records every byte in both directions.

use std::{cell::RefCell, io, net::SocketAddr, time::Duration};

use socket2::SockRef;
use tokio::net::TcpStream;

use super::connect::connect;
use crate::recording::recorder::ClientRecorder;

/// Size of a read. The buffer is shared by all clients of a thread, so that a waiting client needs none.
const READ_BYTES: usize = 64 * 1024;

/// How long a reset is waited for: a round trip, however long the way.
const PROBES: u32 = 10;
const LOOK: Duration = Duration::from_millis(25);

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// See the module.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
}

impl Socket {
    pub async fn open(addr: SocketAddr, recorder: &mut ClientRecorder) -> io::Result<Self> {
        let stream = connect(addr).await?;
        stream.set_nodelay(true)?;
        // Ten thousand that end together would leave as many ports waiting for a minute each.
        SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
        recorder.connected();
        Ok(Self { stream })
    }

    pub async fn send(&self, mut bytes: &[u8], recorder: &mut ClientRecorder) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.stream.try_write(bytes) {
                Ok(count) => {
                    recorder.sent(count);
                    bytes = &bytes[count..];
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stream.writable().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether what was sent found a connection that the other side had closed already: its system then
    /// answers with a reset. Without a reset, the end of the stream was its answer. Called after such an end.
    pub async fn was_stale(&self) -> bool {
        for _ in 0..PROBES {
            if matches!(self.stream.take_error(), Ok(Some(_))) {
                return true;
            }
            tokio::time::sleep(LOOK).await;
        }
        false
    }

    /// Waits for bytes and appends them to `to`. 0: the server has closed.
    pub async fn receive(
        &self,
        to: &mut Vec<u8>,
        recorder: &mut ClientRecorder,
    ) -> io::Result<usize> {
        loop {
            self.stream.readable().await?;
            let read = BUFFER.with_borrow_mut(|buffer| {
                let count = self.stream.try_read(buffer)?;
                to.extend_from_slice(&buffer[..count]);
                Ok(count)
            });
            match read {
                Ok(count) => {
                    recorder.received(count);
                    return Ok(count);
                }
                Err(error) if io::Error::kind(&error) == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}
