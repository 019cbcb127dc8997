//! A message of the log, and its JSON form.

use jiff::{Timestamp, fmt::temporal::DateTimePrinter};

use super::{
    cursor::{Cursor, LogId, write_integer},
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
        self.view().write_json(&mut json);
        json
    }

    pub fn view(&self) -> MessageView<'_> {
        MessageView {
            cursor: self.cursor,
            room: &self.room,
            author: &self.author,
            text: &self.text,
            sent_at: self.sent_at,
        }
    }
}

/// A message whose strings belong to someone else, such as a row of a store.
#[derive(Debug, Clone, Copy)]
pub struct MessageView<'a> {
    pub cursor: Cursor,
    pub room: &'a Room,
    pub author: &'a str,
    pub text: &'a str,
    pub sent_at: Timestamp,
}

impl MessageView<'_> {
    /// Appends [`Message::to_json`] to `buffer`. The fields are written one by one, because a reader that catches up
    /// has millions of messages encoded: through a derived serializer and `Display` it took twice as long.
    pub fn write_json(&self, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(br#"{"id":"#);
        write_integer(self.cursor.id, buffer);
        buffer.extend_from_slice(br#","cursor":""#);
        self.cursor.write_text(buffer);
        buffer.extend_from_slice(br#"","room":"#);
        write_string(self.room.as_str(), buffer);
        buffer.extend_from_slice(br#","author":"#);
        write_string(self.author, buffer);
        buffer.extend_from_slice(br#","text":"#);
        write_string(self.text, buffer);
        buffer.extend_from_slice(br#","sent_at":""#);
        SENT_AT
            .print_timestamp(&self.sent_at, &mut *buffer)
            .expect("memory takes every byte");
        buffer.extend_from_slice(br#""}"#);
    }
}

/// Six digits after the second, also if they are zeros.
const SENT_AT: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

fn write_string(text: &str, buffer: &mut Vec<u8>) {
    serde_json::to_writer(buffer, text).expect("strings always serialise");
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
