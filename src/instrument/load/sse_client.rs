//! A client of an event stream.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail, ensure};
use memchr::memmem;
use tokio::time::timeout;

use super::{
    PATIENCE, PAUSE,
    http::{Body, Head, Timeout, UnexpectedStatus},
    socket::Socket,
};
use crate::{recording::recorder::ClientRecorder, target::requests::StreamRequest};

const EVENT_STREAM: &str = "text/event-stream";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// An answer to a stream's request that an `EventSource` would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer is {0} instead of text/event-stream")]
pub struct NotAnEventStream(pub String);

/// An event that is longer is refused, so that a body without an end takes bounded memory.
const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;

/// See the module.
pub struct SseClient<'a> {
    addr: SocketAddr,
    stream_request: &'a StreamRequest,
    recorder: ClientRecorder,
    stream: Option<(Socket, Body)>,
    raw: Vec<u8>,
    /// What has arrived of an event that is not complete yet.
    events: Vec<u8>,
    /// Whether nothing of this stream was read yet: a byte order mark may follow.
    is_at_start: bool,
    /// The last event's id, to go on from after a break.
    last_id: Option<String>,
}

impl<'a> SseClient<'a> {
    pub fn new(
        addr: SocketAddr,
        stream_request: &'a StreamRequest,
        recorder: ClientRecorder,
    ) -> Self {
        Self {
            addr,
            stream_request,
            recorder,
            stream: None,
            raw: Vec::new(),
            events: Vec::new(),
            is_at_start: true,
            last_id: None,
        }
    }

    /// Connects and waits for the answer's head.
    pub async fn open(&mut self) -> Result<()> {
        let opened = timeout(PATIENCE, self.try_open()).await;
        opened.map_err(|_| Timeout)?
    }

    async fn try_open(&mut self) -> Result<()> {
        let socket = Socket::open(self.addr, &mut self.recorder)
            .await
            .with_context(|| format!("cannot connect to {}", self.addr))?;
        self.raw.clear();
        self.events.clear();
        self.recorder.request();
        let request = self.stream_request.request(self.last_id.as_deref());
        socket.send(&request, &mut self.recorder).await?;
        loop {
            let came = socket.receive(&mut self.raw, &mut self.recorder).await?;
            ensure!(
                came > 0,
                "the server closed the connection without an answer"
            );
            while let Some(head) = Head::parse(&self.raw, |_, _| {})? {
                self.raw.drain(..head.length);
                if head.status >= 200 {
                    self.recorder.answered();
                    ensure!(head.status == 200, UnexpectedStatus(head.status));
                    head.ensure_uncompressed()?;
                    if let Some(kind) = &head.content_type
                        && kind != EVENT_STREAM
                    {
                        bail!(NotAnEventStream(kind.clone()));
                    }
                    self.is_at_start = true;
                    self.stream = Some((socket, Body::new(head.framing)));
                    return Ok(());
                }
            }
        }
    }

    /// Reads until `enough` says so.
    pub async fn read_until(&mut self, enough: impl Fn(&ClientRecorder) -> bool) -> Result<()> {
        while !enough(&self.recorder) {
            self.take()?;
            if !enough(&self.recorder) {
                self.receive().await?;
            }
        }
        Ok(())
    }

    /// Reads without end; a stream that breaks is opened again after its last event.
    pub async fn run(&mut self) -> Result<()> {
        loop {
            if let Err(error) = self.read().await {
                self.stream = None;
                self.recorder.failed(|| format!("{error:#}"));
                tokio::time::sleep(PAUSE).await;
                if let Err(error) = self.open().await {
                    self.recorder.failed(|| format!("{error:#}"));
                }
            }
        }
    }

    async fn read(&mut self) -> Result<()> {
        loop {
            self.take()?;
            self.receive().await?;
        }
    }

    /// Takes the events that are whole.
    fn take(&mut self) -> Result<()> {
        let Some((_, body)) = &mut self.stream else {
            bail!("the stream is not open");
        };
        body.take(&mut self.raw, &mut self.events)?;
        if self.is_at_start && self.events.len() >= BYTE_ORDER_MARK.len() {
            self.is_at_start = false;
            if self.events.starts_with(BYTE_ORDER_MARK) {
                self.events.drain(..BYTE_ORDER_MARK.len());
            }
        }
        let whole = end_of_events(&self.events);
        if whole > 0 {
            let content = &self.events[..whole];
            self.recorder.take(content);
            remember_id(content, &mut self.last_id);
            self.events.drain(..whole);
        }
        ensure!(self.events.len() <= MAX_EVENT_BYTES, "an event has no end");
        ensure!(!body.is_done(), "the server ended the stream");
        Ok(())
    }

    async fn receive(&mut self) -> Result<()> {
        let Some((socket, _)) = &self.stream else {
            bail!("the stream is not open");
        };
        let came = socket.receive(&mut self.raw, &mut self.recorder).await?;
        ensure!(came > 0, "the server closed the stream");
        Ok(())
    }
}

/// How many bytes of `text` are complete events. An event ends with an empty line; lines end with LF, CR or
/// CRLF.
fn end_of_events(text: &[u8]) -> usize {
    let ends = [&b"\n\n"[..], b"\r\r", b"\n\r"].map(|blank| {
        let end = memmem::rfind(text, blank).map_or(0, |at| at + blank.len());
        // The CR of a CRLF.
        let is_split = blank.ends_with(b"\r") && end > 0 && text.get(end) == Some(&b'\n');
        end + usize::from(is_split)
    });
    ends.into_iter().max().unwrap_or(0)
}

/// Keeps the last id among `events`.
fn remember_id(events: &[u8], last_id: &mut Option<String>) {
    let mut end = events.len();
    while let Some(at) = memmem::rfind(&events[..end], b"id:") {
        if at == 0 || matches!(events[at - 1], b'\n' | b'\r') {
            let value = &events[at + 3..];
            let line = value.split(|byte| matches!(byte, b'\r' | b'\n')).next();
            let text = String::from_utf8_lossy(line.unwrap_or_default());
            let kept = last_id.get_or_insert_default();
            kept.clear();
            kept.push_str(text.strip_prefix(' ').unwrap_or(&text));
            return;
        }
        end = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_events_are_taken() {
        assert_eq!(end_of_events(b"data: a"), 0);
        assert_eq!(end_of_events(b"data: a\n\ndata: b\n"), 9);
        assert_eq!(end_of_events(b"data: a\r\n\r\ndata"), 11);
        assert_eq!(end_of_events(b"data: a\r\rdata: b\r"), 9);
        assert_eq!(end_of_events(b"data: a\n\r\ndata"), 10);
        assert_eq!(end_of_events(b"data: a\r\n"), 0);
    }

    #[test]
    fn the_last_id_is_remembered() {
        let mut id = None;
        remember_id(b"data: no id: here\n\n", &mut id);
        assert_eq!(id, None);
        remember_id(
            b"id: k-1\ndata: a\n\nid:k-2\r\ndata: valid: yes\n\n",
            &mut id,
        );
        assert_eq!(id.as_deref(), Some("k-2"));
        remember_id(b"data: a\rid:  k-3\r\r", &mut id);
        assert_eq!(
            id.as_deref(),
            Some(" k-3"),
            "one space belongs to the field"
        );
    }
}
