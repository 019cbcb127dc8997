//! The part of HTTP/1.1 that a reader needs: an answer's head, and its body out of the framing.

use anyhow::{Context as _, Result, bail, ensure};

/// Headers an answer may have.
const MAX_HEADERS: usize = 96;
/// Longer heads are refused.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// A body that is longer is of no use to anyone here.
const MAX_BODY_BYTES: u64 = 256 * 1024 * 1024;
/// A line that announces a chunk, extensions and all.
const MAX_CHUNK_LINE: usize = 4096;

/// An answer that is no success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server answered {0}")]
pub struct UnexpectedStatus(pub u16);

/// No answer within the time there was for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no answer in time")]
pub struct Timeout;

/// An answer in a form that the messages cannot be read from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the answer is compressed (Content-Encoding: {0}), and compare reads only uncompressed ones"
)]
pub struct CompressedAnswer(pub String);

/// The parts of an answer's head that are needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    /// Other than `identity`.
    pub encoding: Option<String>,
    /// Without parameters, in lower case.
    pub content_type: Option<String>,
    pub framing: Framing,
    /// Whether the connection is of no further use.
    pub closes: bool,
    /// Bytes of the head.
    pub length: usize,
}

/// How the end of a body is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

impl Head {
    /// The head at the start of `bytes`, once it is whole. Interim answers are not skipped: their
    /// status is below 200. `header` sees each header.
    pub fn parse(bytes: &[u8], mut header: impl FnMut(&str, &[u8])) -> Result<Option<Self>> {
        let mut slots = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut answer = httparse::Response::new(&mut slots);
        let parsed = answer.parse(bytes).context("the answer is not HTTP/1.1")?;
        let httparse::Status::Complete(length) = parsed else {
            ensure!(
                bytes.len() <= MAX_HEAD_BYTES,
                "the answer's head has no end"
            );
            return Ok(None);
        };
        let status = answer.code.context("the answer has no status")?;
        let mut closes = answer.version == Some(0);
        let mut announced = None;
        let mut chunked = false;
        let mut encoding = None;
        let mut content_type = None;
        for found in answer.headers.iter() {
            let value = found.value.trim_ascii();
            if found.name.eq_ignore_ascii_case("content-length") {
                announced = Some(length_of(value)?);
            } else if found.name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = value.eq_ignore_ascii_case(b"chunked");
                ensure!(
                    chunked,
                    "the answer has a transfer encoding other than chunked"
                );
            } else if found.name.eq_ignore_ascii_case("content-encoding") {
                let text = String::from_utf8_lossy(value).into_owned();
                encoding = (!text.eq_ignore_ascii_case("identity")).then_some(text);
            } else if found.name.eq_ignore_ascii_case("content-type") {
                let text = String::from_utf8_lossy(value).to_ascii_lowercase();
                let kind = text.split(';').next().unwrap_or_default();
                content_type = Some(kind.trim().to_owned());
            } else if found.name.eq_ignore_ascii_case("connection") {
                closes |= value.eq_ignore_ascii_case(b"close");
            }
            header(found.name, value);
        }
        let framing = match announced {
            _ if status < 200 || matches!(status, 204 | 304) => Framing::Length(0),
            _ if chunked => Framing::Chunked,
            Some(length) => Framing::Length(length),
            None => Framing::UntilClose,
        };
        Ok(Some(Self {
            status,
            encoding,
            content_type,
            framing,
            closes: closes || framing == Framing::UntilClose,
            length,
        }))
    }
}

impl Head {
    /// Refuses an answer whose body is compressed.
    pub fn ensure_uncompressed(&self) -> Result<(), CompressedAnswer> {
        match &self.encoding {
            Some(encoding) => Err(CompressedAnswer(encoding.clone())),
            None => Ok(()),
        }
    }
}

fn length_of(value: &[u8]) -> Result<u64> {
    let text = std::str::from_utf8(value).ok();
    let length = text
        .and_then(|text| text.parse().ok())
        .context("the answer's Content-Length is no number")?;
    ensure!(length <= MAX_BODY_BYTES, "the answer is too long");
    Ok(length)
}

/// Takes a body out of what surrounds it, piece by piece.
#[derive(Debug)]
pub struct Body {
    state: BodyState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyState {
    /// This many more bytes, then the end.
    Plain(u64),
    UntilClose,
    /// A chunk's size comes next.
    Size,
    /// This many more bytes of a chunk.
    Chunk(u64),
    /// The line break after a chunk.
    ChunkEnd,
    /// Lines up to an empty one.
    Trailer,
    Done,
}

impl Body {
    pub fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Length(0) => BodyState::Done,
            Framing::Length(length) => BodyState::Plain(length),
            Framing::Chunked => BodyState::Size,
            Framing::UntilClose => BodyState::UntilClose,
        };
        Self { state }
    }

    pub fn is_done(&self) -> bool {
        self.state == BodyState::Done
    }

    /// Whether the connection's end is a proper end of it.
    pub fn may_end(&self) -> bool {
        matches!(self.state, BodyState::Done | BodyState::UntilClose)
    }

    /// Moves what is body from `raw` to `body`. What stays in `raw` needs more after it, or is the
    /// next answer's.
    pub fn take(&mut self, raw: &mut Vec<u8>, body: &mut Vec<u8>) -> Result<()> {
        let mut used = 0;
        loop {
            let rest = &raw[used..];
            match self.state {
                BodyState::Done => break,
                BodyState::UntilClose => {
                    body.extend_from_slice(rest);
                    used = raw.len();
                    break;
                }
                BodyState::Plain(lacking) | BodyState::Chunk(lacking) => {
                    let count = rest.len().min(usize::try_from(lacking)?);
                    body.extend_from_slice(&rest[..count]);
                    used += count;
                    let lacking = lacking - count as u64;
                    let is_chunk = matches!(self.state, BodyState::Chunk(_));
                    self.state = match (lacking, is_chunk) {
                        (0, true) => BodyState::ChunkEnd,
                        (0, false) => BodyState::Done,
                        (_, true) => BodyState::Chunk(lacking),
                        (_, false) => BodyState::Plain(lacking),
                    };
                    if lacking > 0 {
                        break;
                    }
                }
                BodyState::ChunkEnd => {
                    let Some(end) = rest.get(..2) else { break };
                    ensure!(end == b"\r\n", "a chunk is not as long as it said");
                    used += 2;
                    self.state = BodyState::Size;
                }
                BodyState::Size | BodyState::Trailer => {
                    let Some(end) = memchr::memmem::find(rest, b"\r\n") else {
                        ensure!(rest.len() <= MAX_CHUNK_LINE, "a chunk's size has no end");
                        break;
                    };
                    self.state = match self.state {
                        BodyState::Trailer if end == 0 => BodyState::Done,
                        BodyState::Trailer => BodyState::Trailer,
                        _ => match chunk_size(&rest[..end])? {
                            0 => BodyState::Trailer,
                            size => BodyState::Chunk(size),
                        },
                    };
                    used += end + 2;
                }
            }
        }
        raw.drain(..used);
        Ok(())
    }
}

fn chunk_size(line: &[u8]) -> Result<u64> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let digits = std::str::from_utf8(digits).unwrap_or_default().trim();
    match u64::from_str_radix(digits, 16) {
        Ok(size) if size <= MAX_BODY_BYTES => Ok(size),
        _ => bail!("a chunk's size is no number"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        Head::parse(text.as_bytes(), |_, _| {})
            .expect("HTTP")
            .expect("whole")
    }

    #[test]
    fn the_end_of_a_body_is_told_in_three_ways_and_by_the_status() {
        let framing = |text: &str| head(text).framing;
        let with = |status: &str, headers: &str| format!("HTTP/1.1 {status} x\r\n{headers}\r\n");
        assert_eq!(
            framing(&with("200", "Content-Length: 12\r\n")),
            Framing::Length(12)
        );
        assert_eq!(
            framing(&with("200", "transfer-encoding: chunked\r\n")),
            Framing::Chunked
        );
        assert_eq!(framing(&with("200", "")), Framing::UntilClose);
        assert_eq!(
            framing(&with("304", "Content-Length: 12\r\n")),
            Framing::Length(0)
        );
        assert!(head(&with("200", "Connection: close\r\nContent-Length: 0\r\n")).closes);
        assert!(!head(&with("204", "")).closes);
    }

    #[test]
    fn a_head_is_none_until_it_is_whole() {
        let whole = b"HTTP/1.1 200 OK\r\nETag: \"x\"\r\n\r\nbody";
        assert!(
            Head::parse(&whole[..20], |_, _| {})
                .expect("HTTP")
                .is_none()
        );
        let mut seen = Vec::new();
        let head = Head::parse(whole, |name, value| {
            seen.push((name.to_owned(), value.to_vec()))
        });
        assert_eq!(head.expect("HTTP").expect("whole").length, whole.len() - 4);
        assert_eq!(seen, [("ETag".to_owned(), b"\"x\"".to_vec())]);
        assert!(Head::parse(b"SSH-2.0-OpenSSH\r\n", |_, _| {}).is_err());
    }

    #[test]
    fn a_chunked_body_comes_out_the_same_however_it_is_cut() {
        let raw = b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: t\r\n\r\nHTTP/1.1";
        for cut in 1..raw.len() {
            let mut chunked = Body::new(Framing::Chunked);
            let (mut waiting, mut body) = (Vec::new(), Vec::new());
            for part in raw.chunks(cut) {
                waiting.extend_from_slice(part);
                chunked.take(&mut waiting, &mut body).expect("well-formed");
            }
            assert_eq!(body, b"hello world");
            assert!(chunked.is_done());
            assert_eq!(waiting, b"HTTP/1.1", "the next answer is left alone");
        }
    }

    #[test]
    fn nonsense_is_an_error() {
        for raw in ["x\r\n", "2\r\nabc\r\n", "ffffffffffffffff\r\n"] {
            let mut body = Body::new(Framing::Chunked);
            let result = body.take(&mut raw.as_bytes().to_vec(), &mut Vec::new());
            assert!(result.is_err(), "{raw:?}");
        }
    }
}
