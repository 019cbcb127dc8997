//! A reader of `GET /stream` on a raw socket.

use std::io;

use serde_json::Value;

use super::{
    raw_connection::{RawConnection, find, request},
    response::{Framing, Head},
};

/// A stream, and the part of it that was read.
pub struct Events {
    pub connection: RawConnection,
    pub head: Head,
    framing: Framing,
    /// The body so far, without its framing and without the frames that were taken.
    pub text: Vec<u8>,
    pub ended: bool,
}

impl Events {
    /// Requests the stream at `target`. The answer must be a stream.
    pub fn open(connection: RawConnection, target: &str, headers: &[(&str, &str)]) -> Self {
        Self::ask(connection, &request("GET", target, headers, b""))
    }

    pub fn ask(mut connection: RawConnection, request: &[u8]) -> Self {
        connection.send(request);
        Self::from_response(connection)
    }

    /// The stream whose head is the next to be received.
    pub fn from_response(connection: RawConnection) -> Self {
        Self::try_from_response(connection).expect("a stream")
    }

    /// The same, for a request that may be refused.
    pub fn try_from_response(mut connection: RawConnection) -> io::Result<Self> {
        let head = connection.head()?;
        if head.status != 200 {
            return Err(io::Error::other(format!("{head:?}")));
        }
        let framing = head.framing("GET");
        let mut text = Vec::new();
        let ended = connection.take_body(framing, &mut text);
        Ok(Self {
            connection,
            head,
            framing,
            text,
            ended,
        })
    }

    /// Reads once, if the stream has not ended.
    pub fn read_more(&mut self) -> io::Result<()> {
        let n = self.connection.read_more()?;
        let complete = self.connection.take_body(self.framing, &mut self.text);
        self.ended = complete || n == 0;
        Ok(())
    }

    /// The next frame with the empty line that ends it; `None` if the stream has ended.
    pub fn next(&mut self) -> Option<String> {
        loop {
            let frame = self.next_whole();
            if frame.is_some() || self.ended {
                return frame;
            }
            self.read_more().expect("a frame");
        }
    }

    /// The next frame that was read already.
    pub fn next_whole(&mut self) -> Option<String> {
        let end = find(&self.text, b"\n\n")?;
        let frame = self.text.drain(..end + 2).collect();
        Some(String::from_utf8(frame).expect("UTF-8"))
    }

    pub fn frame(&mut self) -> String {
        self.next().expect("a frame, not the end")
    }

    /// The next message. Skips the preamble and keep-alives, and fails on a reset.
    pub fn message(&mut self) -> Value {
        loop {
            let frame = self.frame();
            match message_of(&frame) {
                Some(message) => return message,
                None => assert!(!frame.starts_with("event:"), "no message: {frame}"),
            }
        }
    }

    pub fn messages(&mut self, n: usize) -> Vec<Value> {
        (0..n).map(|_| self.message()).collect()
    }
}

/// The message in a frame, if it has one. Its `id:` must be the message's cursor.
pub fn message_of(frame: &str) -> Option<Value> {
    let (id, data) = frame.strip_prefix("id: ")?.split_once("\ndata: ")?;
    let json: Value = serde_json::from_str(data.strip_suffix("\n\n")?).expect("JSON");
    assert_eq!(json["cursor"], id, "{frame}");
    Some(json)
}
