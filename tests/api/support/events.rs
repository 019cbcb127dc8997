//! A reader of `GET /stream` on a raw socket.

use std::io;

use serde_json::Value;

use super::{
    raw_connection::{RawConnection, find, request},
    response::{Framing, Head},
};

/// A stream, and what was read of it.
pub struct Events {
    pub connection: RawConnection,
    pub head: Head,
    framing: Framing,
    /// The body so far, without its framing; frames that were taken are gone.
    pub text: Vec<u8>,
    pub ended: bool,
}

impl Events {
    /// Asks for the stream at `target`; the answer must be a stream.
    pub fn open(connection: RawConnection, target: &str, headers: &[(&str, &str)]) -> Self {
        Self::ask(connection, &request("GET", target, headers, b""))
    }

    pub fn ask(mut connection: RawConnection, request: &[u8]) -> Self {
        connection.send(request);
        Self::from_response(connection)
    }

    /// The stream whose head comes next.
    pub fn from_response(connection: RawConnection) -> Self {
        Self::try_from_response(connection).expect("a stream")
    }

    /// The same, where it may also be refused.
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

    /// The next frame with the empty line that ends it; `None` where the stream ended.
    pub fn next(&mut self) -> Option<String> {
        loop {
            let frame = self.next_whole();
            if frame.is_some() || self.ended {
                return frame;
            }
            self.read_more().expect("a frame");
        }
    }

    /// The next frame of what was read already.
    pub fn next_whole(&mut self) -> Option<String> {
        let end = find(&self.text, b"\n\n")?;
        let frame = self.text.drain(..end + 2).collect();
        Some(String::from_utf8(frame).expect("UTF-8"))
    }

    pub fn frame(&mut self) -> String {
        self.next().expect("a frame, not the end")
    }

    /// The next message; the greeting and keep-alives are passed over, a reset is not.
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

/// The message in a frame that is one, whose `id:` must be its cursor.
pub fn message_of(frame: &str) -> Option<Value> {
    let (id, data) = frame.strip_prefix("id: ")?.split_once("\ndata: ")?;
    let json: Value = serde_json::from_str(data.strip_suffix("\n\n")?).expect("JSON");
    assert_eq!(json["cursor"], id, "{frame}");
    Some(json)
}
