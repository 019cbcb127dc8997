//! The message of the fan-out: the request that publishes it on each kind of server, and the wire bytes of one
//! delivery, learned from the real server so that the baseline server sends the same.

use anyhow::{Context, Result, ensure};

use super::http::{self, Connection};
use super::servers::RunningServer;
use super::sse::Decoder;

/// The stream that the fan-out's subscribers open.
pub const STREAM: &str = "/stream?room=bench&last=0";
/// The part of each text after the tag. Together they have about a hundred bytes, like a line of chat.
const FILLER: &str =
    "the quick brown fox jumps over the lazy dog while five boxing wizards watch it all and jot it";

/// A template of the publish request of a kind of server. The message's number is filled in.
pub enum PublishTemplate {
    /// This project's `POST /messages`.
    Message,
    /// A `POST` of the bytes to pass on: whole frames for the baseline server, message data for nchan.
    Bytes {
        path: &'static str,
        content_type: &'static str,
        bytes: Vec<u8>,
        /// The offset of the text's tag in them.
        tag_at: usize,
    },
}

impl PublishTemplate {
    /// Publishes these bytes at `path`, each time with another tag.
    pub fn bytes(path: &'static str, bytes: Vec<u8>) -> Result<Self> {
        Self::typed(path, "application/octet-stream", bytes)
    }

    /// The same, as JSON.
    pub fn json(path: &'static str, bytes: Vec<u8>) -> Result<Self> {
        Self::typed(path, "application/json", bytes)
    }

    fn typed(path: &'static str, content_type: &'static str, bytes: Vec<u8>) -> Result<Self> {
        let filler = find(&bytes, FILLER.as_bytes()).context("the frame lacks the text")?;
        let tag_at = filler
            .checked_sub(tag(0).len() + 1)
            .context("the frame lacks the tag")?;
        Ok(Self::Bytes {
            path,
            content_type,
            bytes,
            tag_at,
        })
    }

    /// The request that publishes the message `number`.
    pub fn request(&self, number: u64) -> Vec<u8> {
        match self {
            Self::Message => {
                let text = text(number);
                let body = format!(r#"{{"room":"bench","author":"mina","text":"{text}"}}"#);
                http::post("/messages", "application/json", body.as_bytes())
            }
            Self::Bytes {
                path,
                content_type,
                bytes,
                tag_at,
            } => {
                let tag = tag(number);
                let mut body = bytes.clone();
                body[*tag_at..*tag_at + tag.len()].copy_from_slice(tag.as_bytes());
                http::post(path, content_type, &body)
            }
        }
    }
}

/// Identifies a message in its text. All tags have the same length.
pub fn tag(number: u64) -> String {
    format!("m{number:07}")
}

/// A message's text.
pub fn text(number: u64) -> String {
    format!("{} {FILLER}", tag(number))
}

/// Publishes until ids have as many digits as after the next `messages` messages, so that all frames have the same
/// length.
pub fn raise_ids(ours: &RunningServer, messages: u64) -> Result<()> {
    let mut first = 1000;
    while first * 9 < messages {
        first *= 10;
    }
    let mut publisher = Connection::open(ours.address)?;
    let body = br#"{"room":"elsewhere","author":"mina","text":"one more"}"#;
    let request = http::post("/messages", "application/json", body);
    for _ in 0..=first {
        let answer = publisher.ask(&request)?;
        ensure!(answer.status == 201, "publish: status {}", answer.status);
        let message: serde_json::Value = serde_json::from_slice(&answer.body)?;
        let id = message["id"].as_u64().context("a message without an id")?;
        if id >= first {
            break;
        }
    }
    Ok(())
}

/// The wire bytes of one delivery, read by a single subscriber after the start of its stream.
pub fn learn_frame(ours: &RunningServer) -> Result<Vec<u8>> {
    let mut publisher = Connection::open(ours.address)?;
    let mut subscriber = Connection::open(ours.address)?;
    let mut stream = Decoder::new();
    subscriber.send(&http::get_stream(STREAM))?;
    while !stream.is_open() {
        stream.feed(&subscriber.read_some()?, |_| {})?;
    }
    let mut wire = Vec::new();
    // The first message may arrive together with the stream's start; the second arrives alone.
    for number in 0..2 {
        let answer = publisher.ask(&PublishTemplate::Message.request(number))?;
        ensure!(answer.status == 201, "publish: status {}", answer.status);
        let tag = tag(number);
        wire.clear();
        let mut has_it = false;
        while !(has_it && stream.is_at_rest()) {
            let bytes = subscriber.read_some()?;
            wire.extend_from_slice(&bytes);
            stream.feed(&bytes, |event| {
                has_it |= find(event, tag.as_bytes()).is_some();
            })?;
        }
    }
    Ok(wire)
}

/// An example frame, for self-checks that have no server to learn it from.
pub fn sample() -> Vec<u8> {
    let tag = tag(0);
    let message = format!(
        r#"{{"id":1000,"cursor":"k3x9qa-1000","room":"bench","author":"mina",{}}}"#,
        format_args!(r#""text":"{tag} {FILLER}","sent_at":"2026-01-01T00:00:00.000000Z""#),
    );
    format!("id: k3x9qa-1000\ndata: {message}\n\n").into_bytes()
}

/// The message data inside a frame.
pub fn data_in(frame: &[u8]) -> Result<Vec<u8>> {
    let data = frame
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(b"data: "));
    Ok(data.context("a frame without data")?.to_vec())
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
