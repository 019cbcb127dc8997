//! A client's socket as a reactor has it: not blocking, its bytes counted, and with what the system
//! last said of it.

use std::{
    io::{self, ErrorKind, IoSlice, Read as _, Write as _},
    net::{Shutdown, TcpStream},
};

use mio::event::Event;

use crate::ledger::connection_meter::ConnectionMeter;

pub struct ClientSocket {
    tcp: TcpStream,
    pub meter: ConnectionMeter,
    /// There may be something to be read.
    is_readable: bool,
    /// There may be room to write.
    is_writable: bool,
    /// The end of the input has come, maybe after bytes that are still to be read.
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
    /// `tcp` does not block.
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

    /// Notes what the system says of the socket.
    pub fn on_event(&mut self, event: &Event) {
        // Both sides are closed, of which the server's never is: the client has reset the connection.
        self.is_reset |= event.is_write_closed() || event.is_error();
        self.has_input_ended |= event.is_read_closed() || self.is_reset;
        self.is_readable |= event.is_readable() || self.has_input_ended;
        self.is_writable |= event.is_writable() || self.is_reset;
    }

    /// Whether the client has reset the connection, as the system of one that is gone does when it is
    /// sent something.
    pub fn is_reset(&self) -> bool {
        self.is_reset
    }

    pub fn read(&mut self, buf: &mut [u8]) -> ReadOutcome {
        while self.is_readable {
            match self.tcp.read(buf) {
                Ok(0) => return ReadOutcome::Ended,
                Ok(bytes) => {
                    // A short read has emptied the socket, and the system will say if more comes;
                    // but not if an end has come with it.
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

    /// Writes what there is room for. `None`: the system will say when there is some.
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

    /// Tells the client that nothing more comes.
    pub fn shutdown(&self) {
        // If it is gone, there is nobody to be told.
        let _ = self.tcp.shutdown(Shutdown::Write);
    }
}
