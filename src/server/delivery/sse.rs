//! Messages and events as Server-Sent Events frames: pure functions from values to bytes.
//!
//! Format: <https://html.spec.whatwg.org/multipage/server-sent-events.html>. JSON holds no line
//! breaks, so one `data:` line is enough.

use std::io::Write as _;

use bytes::Bytes;

use crate::{
    domain::message::Message,
    log::{Reset, entry::EncodedMessage},
};

/// How long an `EventSource` waits before it reconnects, sent first on every stream.
pub const RETRY: Bytes = Bytes::from_static(b"retry: 1000\n\n");

/// Another time to wait, for this client alone: a number of milliseconds.
pub fn retry(ms: u64) -> Bytes {
    format!("retry: {ms}\n\n").into()
}

/// A comment: keeps middleboxes and clients from taking an idle stream for a dead one.
pub const KEEP_ALIVE: Bytes =
    Bytes::from_static(poll_vs_sse_model::server_limits::KEEP_ALIVE_COMMENT.as_bytes());

/// The same for a reader that wants to see it: an `EventSource` tells its script of events only.
pub const HEARTBEAT: Bytes = Bytes::from_static(b"event: keep-alive\ndata:\n\n");

/// The first bytes of a stream with heartbeats. The first heartbeat shows at once that nothing holds the stream back.
pub const PREAMBLE_WITH_HEARTBEAT: Bytes =
    Bytes::from_static(b"retry: 1000\n\nevent: keep-alive\ndata:\n\n");

/// The bytes of a frame apart from the message's own strings, without escapes: two cursors and the JSON around them.
const FIXED_FRAME_BYTES: usize = 176;

/// A message's frame, with its JSON object inside.
pub fn encode(message: &Message) -> EncodedMessage {
    let strings = message.room.as_str().len() + message.author.len() + message.text.len();
    let mut frame = Vec::with_capacity(FIXED_FRAME_BYTES + strings);
    write!(frame, "id: {}\ndata: ", message.cursor).expect("memory takes every byte");
    let json_start = frame.len();
    message.write_json(&mut frame);
    let json_len = frame.len() - json_start;
    frame.extend_from_slice(b"\n\n");
    EncodedMessage {
        frame: frame.into(),
        json_start: json_start as u32,
        json_len: json_len as u32,
    }
}

/// Means nothing to a reader. It is sent to learn whether a client is still there that has ended its
/// side of the connection.
pub const EMPTY_COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// Tells a reader that messages after its cursor are missing.
pub fn reset(reason: Reset) -> Bytes {
    format!(
        "event: reset\ndata: {{\"reason\": \"{}\"}}\n\n",
        reason.as_str()
    )
    .into()
}

/// Tells who is in a room; `json` holds no line breaks. Without an `id`: it is no place in the log.
pub fn presence(json: &str) -> Bytes {
    format!("event: presence\ndata: {json}\n\n").into()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::{draft::Draft, room::Room};

    #[test]
    fn a_message_is_one_frame_with_its_cursor_as_the_id() {
        let draft = Draft {
            room: Room::default(),
            author: "mina".into(),
            text: "a\nb".into(),
        };
        let sent_at = Timestamp::from_microsecond(1).expect("in range");
        let message = Message::new("k3".parse().expect("a log id"), 7, draft, sent_at);
        let encoded = encode(&message);
        let json = String::from_utf8(message.to_json()).expect("UTF-8");
        assert_eq!(encoded.frame, format!("id: k3-7\ndata: {json}\n\n"));
        let start = encoded.json_start as usize;
        assert_eq!(
            encoded.frame[start..start + encoded.json_len as usize],
            *json.as_bytes()
        );
        assert!(!json.contains('\n'), "a line break would end the data line");
    }

    #[test]
    fn a_reset_is_an_event_of_its_own() {
        assert_eq!(
            reset(Reset::Expired),
            "event: reset\ndata: {\"reason\": \"expired\"}\n\n"
        );
        assert_eq!(
            reset(Reset::Unknown),
            "event: reset\ndata: {\"reason\": \"unknown\"}\n\n"
        );
    }
}
