//! A message of the log, and its JSON form.

use std::fmt;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{
    cursor::{Cursor, LogId},
    draft::Draft,
    room::Room,
};

/// A message of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub cursor: Cursor,
    pub room: Room,
    pub author: String,
    pub text: String,
    pub sent_at: Timestamp,
}

impl Message {
    pub fn new(log: LogId, id: u64, draft: Draft, sent_at: Timestamp) -> Self {
        let Draft { room, author, text } = draft;
        Self {
            cursor: Cursor { log, id },
            room,
            author,
            text,
            sent_at,
        }
    }

    /// The one JSON form of a message, the same in every answer.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::new();
        self.write_json(&mut json);
        json
    }

    /// Appends [`Self::to_json`] to `buffer`.
    pub fn write_json(&self, buffer: &mut Vec<u8>) {
        #[derive(Serialize)]
        struct MessageJson<'a> {
            id: u64,
            #[serde(serialize_with = "as_display")]
            cursor: Cursor,
            room: &'a str,
            author: &'a str,
            text: &'a str,
            #[serde(serialize_with = "as_display")]
            sent_at: Microseconds,
        }
        let json = MessageJson {
            id: self.cursor.id,
            cursor: self.cursor,
            room: self.room.as_str(),
            author: &self.author,
            text: &self.text,
            sent_at: Microseconds(self.sent_at),
        };
        serde_json::to_writer(buffer, &json).expect("strings and integers always serialise");
    }
}

/// A time with six digits after the second, also if they are zeros.
struct Microseconds(Timestamp);

impl fmt::Display for Microseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.0)
    }
}

fn as_display<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_form_has_the_contracts_fields_in_order() {
        let draft = Draft {
            room: Room::default(),
            author: "mina".into(),
            text: "a\"b".into(),
        };
        let sent_at = Timestamp::from_microsecond(1_700_000_000_000_001).expect("in range");
        let log = "k3x9qa".parse().expect("a log id");
        let json = Message::new(log, 17, draft, sent_at).to_json();
        assert_eq!(
            String::from_utf8(json).expect("UTF-8"),
            r#"{"id":17,"cursor":"k3x9qa-17","room":"lobby","author":"mina","text":"a\"b","sent_at":"2023-11-14T22:13:20.000001Z"}"#
        );
    }
}
