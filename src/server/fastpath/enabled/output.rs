//! Bytes that are being written to a client: an answer, or a stream's next chunk.

use std::io::{self, IoSlice};

use bytes::Bytes;

use super::socket::ClientSocket;

/// A chunk up to this size is copied for its write. For a larger one, the kernel gathers the parts.
const COPIED_BYTES: usize = 4 * 1024;
/// How much of an answer is copied for one write; the rest stays shared until the socket has room.
const WRITE_BYTES: usize = poll_vs_sse_model::server_limits::WRITE_BYTES;
const LAST_CHUNK: Bytes = Bytes::from_static(b"0\r\n\r\n");
const CRLF: &[u8] = b"\r\n";

/// Whether everything was written, or the socket takes no more for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteProgress {
    Done,
    Blocked,
}

/// Writes `output` and the rest of a body. Bytes that were not written stay in both.
pub fn write_answer(
    socket: &mut ClientSocket,
    output: &mut Vec<u8>,
    rest: &mut impl Iterator<Item = Bytes>,
) -> io::Result<WriteProgress> {
    let mut written = 0;
    loop {
        if written == output.len() {
            output.clear();
            written = 0;
        }
        // Bytes that the client does not take are not copied.
        while output.len() < WRITE_BYTES
            && let Some(chunk) = rest.next()
        {
            output.extend_from_slice(&chunk);
        }
        if output.is_empty() {
            return Ok(WriteProgress::Done);
        }
        match socket.write(&output[written..])? {
            Some(bytes) => written += bytes,
            None => {
                output.drain(..written);
                return Ok(WriteProgress::Blocked);
            }
        }
    }
}

/// A piece of a stream, in its framing.
pub struct StreamOutput {
    size_line: SizeLine,
    bytes: Bytes,
    end: &'static [u8],
    written: usize,
}

/// A chunk's size in hexadecimal, with its line break.
struct SizeLine {
    text: [u8; 18],
    len: usize,
}

impl SizeLine {
    const NONE: Self = Self {
        text: [0; 18],
        len: 0,
    };

    fn new(size: usize) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let mut line = Self::NONE;
        // At most 16 digits of 64 bits, and the line break.
        let digits = size.max(1).ilog2() as usize / 4 + 1;
        for (place, digit) in line.text[..digits].iter_mut().rev().enumerate() {
            *digit = DIGITS[size >> (4 * place) & 0xF];
        }
        line.text[digits..digits + CRLF.len()].copy_from_slice(CRLF);
        line.len = digits + CRLF.len();
        line
    }
}

impl StreamOutput {
    /// A stream's head and its first bytes, of which `sent_ahead` were already sent. They are one piece, because each
    /// write wakes the client.
    pub fn head(mut head: Vec<u8>, first: &Bytes, sent_ahead: usize) -> Self {
        let SizeLine { text, len } = SizeLine::new(first.len());
        head.extend_from_slice(&text[..len]);
        head.extend_from_slice(first);
        head.extend_from_slice(CRLF);
        Self {
            written: sent_ahead,
            ..Self::plain(head.into())
        }
    }

    /// The end of a stream.
    pub fn end() -> Self {
        Self::plain(LAST_CHUNK)
    }

    fn plain(bytes: Bytes) -> Self {
        Self {
            size_line: SizeLine::NONE,
            bytes,
            end: b"",
            written: 0,
        }
    }

    pub fn chunk(bytes: Bytes) -> Self {
        Self {
            size_line: SizeLine::new(bytes.len()),
            bytes,
            end: CRLF,
            written: 0,
        }
    }

    /// Writes the remaining bytes. `scratch` is a buffer for the time of the call.
    pub fn write(
        &mut self,
        socket: &mut ClientSocket,
        scratch: &mut Vec<u8>,
    ) -> io::Result<WriteProgress> {
        let parts = [
            &self.size_line.text[..self.size_line.len],
            &self.bytes[..],
            self.end,
        ];
        let total: usize = parts.iter().map(|part| part.len()).sum();
        while self.written < total {
            let unwritten = remaining(parts, self.written);
            let bytes = if total - self.written <= COPIED_BYTES {
                scratch.clear();
                for part in unwritten {
                    scratch.extend_from_slice(part);
                }
                socket.write(scratch)?
            } else {
                socket.write_vectored(&unwritten.map(IoSlice::new))?
            };
            match bytes {
                Some(bytes) => self.written += bytes,
                None => return Ok(WriteProgress::Blocked),
            }
        }
        Ok(WriteProgress::Done)
    }
}

/// The rest of `parts` after `skipped` bytes.
fn remaining(parts: [&[u8]; 3], mut skipped: usize) -> [&[u8]; 3] {
    parts.map(|part| {
        let skip = skipped.min(part.len());
        skipped -= skip;
        &part[skip..]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_line_is_hexadecimal_as_the_http_layer_writes_it() {
        for (size, text) in [(13, "D\r\n"), (255, "FF\r\n"), (16 * 1024, "4000\r\n")] {
            let line = SizeLine::new(size);
            assert_eq!(&line.text[..line.len], text.as_bytes());
        }
        assert_eq!(SizeLine::new(usize::MAX).len, 18);
    }

    #[test]
    fn what_was_written_is_not_written_again() {
        let parts: [&[u8]; 3] = [b"D\r\n", b"0123456789abc", CRLF];
        assert_eq!(remaining(parts, 0).concat(), parts.concat());
        assert_eq!(remaining(parts, 5).concat(), b"23456789abc\r\n");
        assert_eq!(remaining(parts, 17).concat(), b"\n");
        assert!(remaining(parts, 18).concat().is_empty());
    }
}
