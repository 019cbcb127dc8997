//! A client's socket in a reactor: non-blocking, with counted bytes, and with the last events of the system.

use std::{
    io::{self, ErrorKind, IoSlice, Read as _, Write as _},
    net::{Shutdown, TcpStream},
};

use mio::event::Event;

use crate::ledger::connection_meter::ConnectionMeter;

pub struct ClientSocket {
    tcp: TcpStream,
    pub meter: ConnectionMeter,
    /// Whether there may be bytes to read.
    is_readable: bool,
    /// Whether there may be room to write.
    is_writable: bool,
    /// Whether the end of the input has come, possibly after bytes that are not read yet.
    has_input_ended: bool,
    is_reset: bool,
}

/// The result of a read.
pub enum ReadOutcome {
    Bytes(usize),
    Blocked,
    /// The client has ended its side.
    Ended,
    /// The connection is broken.
    Failed,
}

impl ClientSocket {
    /// `tcp` must be non-blocking.
    pub fn new(tcp: TcpStream, meter: ConnectionMeter) -> Self {
        Self {
            tcp,
            meter,
            is_readable: true,
            is_writable: true,
            has_input_ended: false,
            is_reset: false,
        }
    }

    pub fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    pub fn into_parts(self) -> (TcpStream, ConnectionMeter) {
        (self.tcp, self.meter)
    }

    /// Records the system's events for the socket.
    pub fn on_event(&mut self, event: &Event) {
        // Both sides are closed. The server never closes its side, so the client has reset the connection.
        self.is_reset |= event.is_write_closed() || event.is_error();
        self.has_input_ended |= event.is_read_closed() || self.is_reset;
        self.is_readable |= event.is_readable() || self.has_input_ended;
        self.is_writable |= event.is_writable() || self.is_reset;
    }

    /// Whether the client has reset the connection, as its system does when something arrives after the client has
    /// gone.
    pub fn is_reset(&self) -> bool {
        self.is_reset
    }

    pub fn read(&mut self, buf: &mut [u8]) -> ReadOutcome {
        while self.is_readable {
            match self.tcp.read(buf) {
                Ok(0) => return ReadOutcome::Ended,
                Ok(bytes) => {
                    // A short read has emptied the socket, and the system reports when more bytes come; but it does
                    // not if the end has come with these bytes.
                    self.is_readable = bytes == buf.len() || self.has_input_ended;
                    self.meter.record_read(bytes);
                    return ReadOutcome::Bytes(bytes);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.is_readable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return ReadOutcome::Failed,
            }
        }
        ReadOutcome::Blocked
    }

    /// Writes as much as there is room for. `None`: there is no room, and the system will report when there is.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        self.write_with(|mut tcp| tcp.write(bytes))
    }

    pub fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
        self.write_with(|mut tcp| tcp.write_vectored(parts))
    }

    fn write_with(
        &mut self,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> io::Result<Option<usize>> {
        while self.is_writable {
            match write(&self.tcp) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(bytes) => {
                    self.meter.record_written(bytes);
                    return Ok(Some(bytes));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.is_writable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Closes the sending side.
    pub fn shutdown(&self) {
        // An error means that the client is gone already.
        let _ = self.tcp.shutdown(Shutdown::Write);
    }
}
