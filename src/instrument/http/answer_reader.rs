//! Parses one HTTP/1.1 answer from a socket's bytes, however reads divide them: its head, and its body without
//! framing.
//!
//! [`super::connection`] needs a task for each connection. Benches serve thousands of sockets in one loop, which must
//! cost little compared with what it measures, and the audit sends requests that no library would send. Both read
//! answers with this parser.

use anyhow::{Context, Result, bail, ensure};
use memchr::memmem;

/// A longer head is refused.
const MAX_HEAD_BYTES: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;
const HEAD_END: &[u8] = b"\r\n\r\n";

/// The part of an answer that comes next.
#[derive(Debug, Default, Clone, Copy)]
enum ReadState {
    #[default]
    Head,
    /// A chunk's size: its value so far, or `None` without a digit yet.
    Size(Option<usize>),
    /// The rest of the line of a chunk's size.
    SizeEnd(usize),
    /// The remaining bytes of a chunk, or of a body with `Content-Length`.
    Data {
        length: usize,
        is_chunk: bool,
    },
    /// The line end after a chunk.
    ChunkEnd,
    /// The line end after the last chunk, which has no bytes.
    LastEnd,
    /// A body that lasts until the connection ends.
    UntilClose,
    Nothing,
}

/// The data of a head.
#[derive(Debug, Clone, Copy)]
pub struct AnswerHead {
    pub status: u16,
    /// Whether the connection ends after this answer.
    pub closes: bool,
}

/// The parser of one HTTP/1.1 answer.
#[derive(Debug, Default)]
pub struct AnswerReader {
    state: ReadState,
    received: Vec<u8>,
    head: Option<AnswerHead>,
}

impl AnswerReader {
    /// The head, once it is complete.
    pub fn head(&self) -> Option<AnswerHead> {
        self.head
    }

    pub fn is_complete(&self) -> bool {
        matches!(self.state, ReadState::Nothing)
    }

    /// Whether the answer is complete if the connection ends now.
    pub fn may_end(&self) -> bool {
        matches!(self.state, ReadState::UntilClose | ReadState::Nothing)
    }

    /// Whether a chunk is complete to its last wire byte, and no other has begun.
    pub fn is_between_chunks(&self) -> bool {
        matches!(self.state, ReadState::Size(None) | ReadState::UntilClose)
    }

    /// Takes bytes that were read, calls `on_body` with each piece of the body, and returns how many bytes belong to
    /// this answer.
    pub fn feed(&mut self, bytes: &[u8], mut on_body: impl FnMut(&[u8])) -> Result<usize> {
        let mut left = bytes;
        while let Some((&first, rest)) = left.split_first() {
            self.state = match self.state {
                ReadState::Head => {
                    left = self.take_head(left)?;
                    continue;
                }
                ReadState::Nothing => break,
                ReadState::UntilClose => {
                    on_body(left);
                    return Ok(bytes.len());
                }
                ReadState::Data { length, is_chunk } => {
                    let (data, rest) = left.split_at(left.len().min(length));
                    left = rest;
                    on_body(data);
                    match length - data.len() {
                        0 if is_chunk => ReadState::ChunkEnd,
                        0 => ReadState::Nothing,
                        length => ReadState::Data { length, is_chunk },
                    }
                }
                ReadState::Size(size) => {
                    left = rest;
                    match (char::from(first).to_digit(16), size) {
                        (Some(digit), size) => {
                            let size = size.unwrap_or(0).checked_mul(16);
                            let size = size.context("a chunk larger than there is memory")?;
                            ReadState::Size(Some(size + digit as usize))
                        }
                        (None, Some(size)) => ReadState::SizeEnd(size),
                        (None, None) => bail!("a chunk without a size"),
                    }
                }
                state => {
                    left = rest;
                    match state {
                        _ if first != b'\n' => state,
                        ReadState::SizeEnd(0) => ReadState::LastEnd,
                        ReadState::SizeEnd(length) => ReadState::Data {
                            length,
                            is_chunk: true,
                        },
                        ReadState::LastEnd => ReadState::Nothing,
                        _ => ReadState::Size(None),
                    }
                }
            };
        }
        Ok(bytes.len() - left.len())
    }

    /// Takes the bytes of the head, and returns the rest.
    fn take_head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8]> {
        let before = self.received.len();
        self.received.extend_from_slice(bytes);
        let searched = before.saturating_sub(HEAD_END.len() - 1);
        let Some(at) = memmem::find(&self.received[searched..], HEAD_END) else {
            ensure!(self.received.len() < MAX_HEAD_BYTES, "an endless head");
            return Ok(&[]);
        };
        let end = searched + at + HEAD_END.len();
        let (head, state) = parse(&self.received[..end])?;
        self.received = Vec::new();
        self.head = Some(head);
        self.state = state;
        Ok(&bytes[end - before..])
    }
}

fn parse(text: &[u8]) -> Result<(AnswerHead, ReadState)> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(text);
    let described = || format!("no HTTP answer: {}", String::from_utf8_lossy(text));
    parsed.with_context(described)?;
    let status = response.code.with_context(described)?;
    let value_of = |wanted: &str| {
        let mut headers = response.headers.iter();
        let found = headers.find(|header| header.name.eq_ignore_ascii_case(wanted));
        found.map(|header| header.value.trim_ascii())
    };
    let is = |value: Option<&[u8]>, wanted: &str| {
        value.is_some_and(|value| value.eq_ignore_ascii_case(wanted.as_bytes()))
    };
    let head = AnswerHead {
        status,
        closes: is(value_of("connection"), "close"),
    };
    let coding = value_of("transfer-encoding");
    let state = match value_of("content-length") {
        _ if matches!(status, 204 | 304) => ReadState::Nothing,
        _ if is(coding, "chunked") => ReadState::Size(None),
        Some(length) if coding.is_none() => {
            match std::str::from_utf8(length)?
                .parse()
                .context("Content-Length")?
            {
                0 => ReadState::Nothing,
                length => ReadState::Data {
                    length,
                    is_chunk: false,
                },
            }
        }
        _ => ReadState::UntilClose,
    };
    Ok((head, state))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body, and the bytes that the answer took, if it came in pieces of this size.
    fn read(text: &[u8], size: usize) -> (AnswerReader, String, usize) {
        let mut reader = AnswerReader::default();
        let (mut body, mut taken) = (Vec::new(), 0);
        for piece in text.chunks(size) {
            let count = reader.feed(piece, |part| body.extend_from_slice(part));
            taken += count.expect("an answer");
            if reader.is_complete() {
                break;
            }
        }
        (reader, String::from_utf8(body).expect("text"), taken)
    }

    #[test]
    fn an_answer_is_the_same_for_every_size_of_reads() {
        let answers = [
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        ];
        for answer in answers {
            let followed = format!("{answer}HTTP/1.1 304 Not Modified\r\n\r\n");
            for size in 1..followed.len() {
                let (reader, body, taken) = read(followed.as_bytes(), size);
                assert!(reader.is_complete());
                assert_eq!((&body[..], taken), ("hello", answer.len()), "{size}");
            }
        }
    }

    #[test]
    fn the_head_says_where_the_body_ends() {
        let (reader, body, _) = read(b"HTTP/1.1 200 OK\r\nConnection: Close\r\n\r\nhel", 7);
        assert!(reader.head().is_some_and(|head| head.closes));
        assert_eq!(body, "hel");
        assert!(!reader.is_complete() && reader.may_end());
        for empty in [
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        ] {
            assert!(read(empty.as_bytes(), 1000).0.is_complete(), "{empty}");
        }
    }

    #[test]
    fn invalid_answers_are_refused() {
        for wrong in [
            "nonsense\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        ] {
            let mut reader = AnswerReader::default();
            assert!(reader.feed(wrong.as_bytes(), |_| {}).is_err(), "{wrong}");
        }
    }
}
