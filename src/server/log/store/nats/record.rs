//! The stored form of a message: JSON with the content for readers, and metadata of its publish for servers. Pure
//! functions that convert between this form and a [`Message`].
//!
//! Everything that a reader gets follows from the stored bytes, and from the sequence and time that JetStream
//! assigned, so all servers of a group return the same message.

use std::borrow::Cow;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{cursor::LogId, draft::Draft, message::Message, room::Room};

/// The metadata that a server adds to a draft when it publishes it. All fields except `publish` may be missing in a
/// message from another program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishMetadata {
    /// The log that the message is for, because the stream may be replaced in the meantime.
    pub log: LogId,
    /// The unique name of this publish.
    pub publish: String,
    /// If JetStream stores the message later than this, by its clock, the message does not count, because its
    /// publisher was told that it failed. Microseconds since the Unix epoch, like all times here.
    pub deadline_us: i64,
    /// The newest `sent_at` its server had seen.
    pub min_sent_at_us: i64,
    pub past: PreviousMessage,
}

/// What a server knew of a room's history: after `newest`, the room had no message up to `known`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PreviousMessage {
    pub newest: u64,
    pub known: u64,
}

/// A message of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub message: Message,
    pub publish: Option<String>,
    /// `None` if it has no such data.
    pub past: Option<PreviousMessage>,
    /// Whether the message does not count, so that no reader ever gets it.
    pub is_expired: bool,
}

#[derive(Serialize, Deserialize)]
struct RecordJson<'a> {
    author: Cow<'a, str>,
    text: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    publish: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline_us: Option<i64>,
    // The field's name in existing streams.
    #[serde(default, rename = "floor_us")]
    min_sent_at_us: i64,
    #[serde(default)]
    newest: u64,
    #[serde(default)]
    known: u64,
}

/// The stored bytes for `draft`.
pub fn encode(draft: &Draft, metadata: &PublishMetadata) -> Bytes {
    let json = RecordJson {
        author: Cow::Borrowed(&draft.author),
        text: Cow::Borrowed(&draft.text),
        log: Some(Cow::Borrowed(metadata.log.as_str())),
        publish: Some(Cow::Borrowed(&metadata.publish)),
        deadline_us: Some(metadata.deadline_us),
        min_sent_at_us: metadata.min_sent_at_us,
        newest: metadata.past.newest,
        known: metadata.past.known,
    };
    serde_json::to_vec(&json)
        .expect("strings and integers always serialise")
        .into()
}

/// Decodes the bytes stored in `log` as message `id` of the room in `subject`, since `stored_at_us`. `None`: none of
/// our servers published it.
pub fn decode(
    log: LogId,
    subject: &str,
    id: u64,
    stored_at_us: i64,
    payload: &[u8],
) -> Option<Record> {
    let (_, room) = subject.rsplit_once('.')?;
    let room: Room = room.parse().ok()?;
    let json: RecordJson<'_> = serde_json::from_slice(payload).ok()?;
    let is_late = json.deadline_us.is_some_and(|by| stored_at_us > by);
    let is_astray = json.log.as_ref().is_some_and(|of| of != log.as_str());
    let sent_at = Timestamp::from_microsecond(stored_at_us.max(json.min_sent_at_us)).ok()?;
    let draft = match json.log {
        Some(_) => Draft {
            room,
            author: json.author.into_owned(),
            text: json.text.into_owned(),
        },
        // Our servers check author and text before they publish; another program may not.
        None => Draft::new(room, &json.author, &json.text).ok()?,
    };
    let past = PreviousMessage {
        newest: json.newest,
        known: json.known,
    };
    let is_sound = past.newest <= past.known && past.known < id;
    Some(Record {
        message: Message::new(log, id, draft, sent_at),
        publish: json.publish.map(Cow::into_owned),
        past: (json.log.is_some() && is_sound).then_some(past),
        is_expired: is_late || is_astray,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBJECT: &str = "chat.lobby";

    fn log(text: &str) -> LogId {
        text.parse().expect("a log id")
    }

    fn stored() -> Bytes {
        let draft = Draft {
            room: Room::default(),
            author: "mina".into(),
            text: "a\n\"b\"".into(),
        };
        let metadata = PublishMetadata {
            log: log("k3"),
            publish: "p1".into(),
            deadline_us: 2_000_000,
            min_sent_at_us: 1_000_000,
            past: PreviousMessage {
                newest: 3,
                known: 5,
            },
        };
        encode(&draft, &metadata)
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let record = decode(log("k3"), SUBJECT, 7, 1_500_000, &stored()).expect("a record");
        assert_eq!(record.message.cursor.id, 7);
        assert_eq!(record.message.text, "a\n\"b\"");
        assert_eq!(record.message.sent_at.as_microsecond(), 1_500_000);
        assert_eq!(record.publish.as_deref(), Some("p1"));
        let past = PreviousMessage {
            newest: 3,
            known: 5,
        };
        assert_eq!((record.past, record.is_expired), (Some(past), false));
    }

    #[test]
    fn what_was_stored_too_late_or_in_another_log_is_void() {
        let late = decode(log("k3"), SUBJECT, 7, 2_000_001, &stored()).expect("a record");
        let astray = decode(log("k4"), SUBJECT, 7, 1_500_000, &stored()).expect("a record");
        assert!(late.is_expired && astray.is_expired);
    }

    #[test]
    fn times_do_not_fall_when_the_clock_does() {
        let record = decode(log("k3"), SUBJECT, 7, 999_999, &stored()).expect("a record");
        assert_eq!(record.message.sent_at.as_microsecond(), 1_000_000);
    }

    #[test]
    fn messages_of_other_programs_need_an_author_and_a_text_as_clients_may_send_them() {
        let plain = br#"{"author": "mina", "text": "hello"}"#;
        let record = decode(log("k3"), SUBJECT, 1, 5, plain).expect("a record");
        assert_eq!((record.past, record.is_expired), (None, false));
        let padded = br#"{"author": " mina ", "text": " hello\n"}"#;
        let record = decode(log("k3"), SUBJECT, 1, 5, padded).expect("a record");
        assert_eq!(
            (&*record.message.author, &*record.message.text),
            ("mina", "hello")
        );
        for other in [
            &b"hello"[..],
            b"{}",
            b"\xff",
            br#"{"author": 1, "text": "x"}"#,
            br#"{"author": "mina", "text": "a\u0000b"}"#,
            br#"{"author": " ", "text": "x"}"#,
        ] {
            assert_eq!(decode(log("k3"), SUBJECT, 1, 5, other), None);
        }
        assert_eq!(decode(log("k3"), "chat.a b", 1, 5, plain), None);
    }
}
