//! From socket bytes to whole SSE events: HTTP/1.1 head, chunk framing, blank-line boundaries.
//! Incremental, since a read may end anywhere.

use anyhow::{Result, bail, ensure};

/// A head longer than this is no head of ours.
const LONGEST_HEAD: usize = 16 * 1024;

enum State {
    Head(Vec<u8>),
    /// Inside a chunk's size line; the digits so far.
    Size(usize),
    /// Past the digits, up to the line feed.
    SizeEnd(usize),
    /// Bytes of the chunk still to come.
    Data(usize),
    /// The line end after a chunk.
    DataEnd,
    /// A body without chunks runs on until the connection ends.
    Raw,
}

/// One stream being received.
pub struct Decoder {
    state: State,
    /// The event that is not complete yet.
    event: Vec<u8>,
}

impl Decoder {
    pub fn new() -> Self {
        Self {
            state: State::Head(Vec::new()),
            event: Vec::new(),
        }
    }

    /// One whose head was read elsewhere, and whose body has no framing of its own.
    pub fn of_body() -> Self {
        Self {
            state: State::Raw,
            event: Vec::new(),
        }
    }

    /// Whether the head has come and was a 200.
    pub fn is_open(&self) -> bool {
        !matches!(self.state, State::Head(_))
    }

    /// Whether a delivery has been taken to its last wire byte.
    pub fn is_at_rest(&self) -> bool {
        self.event.is_empty() && matches!(self.state, State::Size(0) | State::Raw)
    }

    /// Takes what was read and calls `on_event` with each event that it completes, comments
    /// included.
    pub fn feed(&mut self, mut bytes: &[u8], mut on_event: impl FnMut(&[u8])) -> Result<()> {
        while let Some((&first, rest)) = bytes.split_first() {
            match &mut self.state {
                State::Head(head) => {
                    head.push(first);
                    bytes = rest;
                    if head.ends_with(b"\r\n\r\n") {
                        self.state = body_of(head)?;
                    } else {
                        ensure!(head.len() < LONGEST_HEAD, "an endless head");
                    }
                }
                State::Size(size) => {
                    bytes = rest;
                    self.state = match (first as char).to_digit(16) {
                        Some(digit) => State::Size(*size * 16 + digit as usize),
                        None if *size == 0 => bail!("the server ended a stream"),
                        None => State::SizeEnd(*size),
                    };
                }
                State::SizeEnd(size) => {
                    bytes = rest;
                    if first == b'\n' {
                        self.state = State::Data(*size);
                    }
                }
                State::Data(left) => {
                    let (data, rest) = bytes.split_at(bytes.len().min(*left));
                    *left -= data.len();
                    if *left == 0 {
                        self.state = State::DataEnd;
                    }
                    bytes = rest;
                    self.take(data, &mut on_event);
                }
                State::DataEnd => {
                    bytes = rest;
                    if first == b'\n' {
                        self.state = State::Size(0);
                    }
                }
                State::Raw => {
                    self.take(bytes, &mut on_event);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, data: &[u8], on_event: &mut impl FnMut(&[u8])) {
        let mut searched = self.event.len().saturating_sub(1);
        self.event.extend_from_slice(data);
        let mut begin = 0;
        while let Some(at) = self.event[searched..]
            .windows(2)
            .position(|pair| pair == b"\n\n")
        {
            let end = searched + at + 2;
            on_event(&self.event[begin..end]);
            begin = end;
            searched = end;
        }
        self.event.drain(..begin);
    }
}

fn body_of(head: &[u8]) -> Result<State> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    ensure!(
        head.starts_with("http/1.1 200"),
        "a stream was refused: {head}"
    );
    Ok(if head.contains("transfer-encoding: chunked") {
        State::Size(0)
    } else {
        State::Raw
    })
}
