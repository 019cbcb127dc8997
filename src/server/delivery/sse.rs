//! Messages and events as Server-Sent Events frames: pure functions from values to bytes.
//!
//! Format: <https://html.spec.whatwg.org/multipage/server-sent-events.html>. JSON holds no line
//! breaks, so one `data:` line is enough.

use std::ops::Range;

use bytes::Bytes;

use crate::{domain::message::MessageView, log::Reset};

/// How long an `EventSource` waits before it reconnects, sent first on every stream.
pub const RETRY: Bytes = Bytes::from_static(b"retry: 1000\n\n");

/// Sets how long this client waits before it reconnects, in milliseconds.
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

/// Appends a message's frame to `buffer`, and returns where its JSON object is.
pub fn encode(message: &MessageView<'_>, buffer: &mut Vec<u8>) -> Range<usize> {
    let strings = message.room.as_str().len() + message.author.len() + message.text.len();
    buffer.reserve(FIXED_FRAME_BYTES + strings);
    buffer.extend_from_slice(b"id: ");
    message.cursor.write_text(buffer);
    buffer.extend_from_slice(b"\ndata: ");
    let start = buffer.len();
    message.write_json(buffer);
    let json = start..buffer.len();
    buffer.extend_from_slice(b"\n\n");
    json
}

/// Readers ignore it. It shows whether a client that has half-closed its connection is still there.
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
    use crate::domain::{draft::Draft, message::Message, room::Room};

    #[test]
    fn a_message_is_one_frame_with_its_cursor_as_the_id() {
        let draft = Draft {
            room: Room::default(),
            author: "mina".into(),
            text: "a\nb".into(),
        };
        let sent_at = Timestamp::from_microsecond(1).expect("in range");
        let message = Message::new("k3".parse().expect("a log id"), 7, draft, sent_at);
        let mut frame = Vec::new();
        let object = encode(&message.view(), &mut frame);
        let json = String::from_utf8(message.to_json()).expect("UTF-8");
        assert_eq!(
            String::from_utf8_lossy(&frame),
            format!("id: k3-7\ndata: {json}\n\n")
        );
        assert_eq!(frame[object], *json.as_bytes());
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
