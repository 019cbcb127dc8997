//! What is said: rooms, drafts and messages. Parsed once at the door, trusted afterwards.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::domain::cursor::{Cursor, LogId};

const MAX_LABEL: usize = 64;
const MAX_AUTHOR: usize = 64;
const MAX_TEXT: usize = 4096;

/// The room that is meant where none is named.
pub const DEFAULT_ROOM: &str = "lobby";

/// A room's name: 1 to 64 of `[A-Za-z0-9_-]`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Room(Arc<str>);

impl Room {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Room {
    fn default() -> Self {
        Self(DEFAULT_ROOM.into())
    }
}

impl FromStr for Room {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        label(text).map(Self)
    }
}

/// Who says something: 1 to 64 Unicode characters, no control characters. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author(Arc<str>);

impl Author {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Author {
    type Err = String;

    /// Takes a name, trimmed.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(validate_author(text)?.into()))
    }
}

impl Borrow<str> for Room {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `text` is 1 to `max` of `[A-Za-z0-9_-]`, the alphabet of rooms and client labels.
pub fn is_label(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// A label that a client gives, see [`is_label`].
pub fn label(text: &str) -> Result<Arc<str>, &'static str> {
    if is_label(text, MAX_LABEL) {
        Ok(text.into())
    } else {
        Err("must be 1 to 64 of the characters A-Z a-z 0-9 _ -")
    }
}

/// A message that is not in the log yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub room: Room,
    pub author: String,
    pub text: String,
}

/// What is wrong with one field of a draft; `field` is `None` where the whole is at fault.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{detail}")]
pub struct InvalidDraft {
    pub field: Option<String>,
    pub detail: String,
}

impl InvalidDraft {
    fn new(field: &str, detail: impl fmt::Display) -> Self {
        Self {
            field: Some(field.to_owned()),
            detail: format!("`{field}` {detail}"),
        }
    }
}

impl Draft {
    /// Takes a draft out of a JSON value; unknown fields are refused.
    pub fn from_json(json: Value) -> Result<Self, InvalidDraft> {
        let Value::Object(mut fields) = json else {
            let detail = "the body must be a JSON object with `author` and `text`".to_owned();
            return Err(InvalidDraft {
                field: None,
                detail,
            });
        };
        let room = match string_field(&mut fields, "room")? {
            Some(room) => room.parse().map_err(|why| InvalidDraft::new("room", why))?,
            None => Room::default(),
        };
        let author = required(&mut fields, "author")?;
        let text = required(&mut fields, "text")?;
        if let Some(unknown) = fields.keys().next() {
            return Err(InvalidDraft::new(unknown, "is not a field of a message"));
        }
        let text = validate_text(&text, MAX_TEXT, |c| {
            c.is_control() && c != '\n' && c != '\t'
        });
        Ok(Self {
            room,
            author: validate_author(&author).map_err(|why| InvalidDraft::new("author", why))?,
            text: text.map_err(|why| InvalidDraft::new("text", why))?,
        })
    }
}

fn string_field(
    fields: &mut Map<String, Value>,
    field: &str,
) -> Result<Option<String>, InvalidDraft> {
    match fields.remove(field) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(InvalidDraft::new(field, "must be a string")),
    }
}

fn required(fields: &mut Map<String, Value>, field: &str) -> Result<String, InvalidDraft> {
    string_field(fields, field)?.ok_or_else(|| InvalidDraft::new(field, "is missing"))
}

fn validate_author(text: &str) -> Result<String, String> {
    validate_text(text, MAX_AUTHOR, |c| c.is_control())
}

/// `text` trimmed, if it then has 1 to `max` Unicode characters and no forbidden one; else why not.
fn validate_text(text: &str, max: usize, forbidden: fn(char) -> bool) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("must not be empty".to_owned());
    }
    let length = text.chars().count();
    if length > max {
        return Err(format!(
            "must have at most {max} characters, and has {length}"
        ));
    }
    if let Some(c) = text.chars().find(|&c| forbidden(c)) {
        return Err(format!(
            "must not contain the control character U+{:04X}",
            u32::from(c)
        ));
    }
    Ok(text.to_owned())
}

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
        #[derive(Serialize)]
        struct Json<'a> {
            id: u64,
            cursor: String,
            room: &'a str,
            author: &'a str,
            text: &'a str,
            sent_at: String,
        }
        let json = Json {
            id: self.cursor.id,
            cursor: self.cursor.to_string(),
            room: self.room.as_str(),
            author: &self.author,
            text: &self.text,
            sent_at: format!("{:.6}", self.sent_at),
        };
        serde_json::to_vec(&json).expect("strings and integers always serialise")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(json: Value) -> (Option<String>, String) {
        let bad = Draft::from_json(json).expect_err("refused");
        (bad.field, bad.detail)
    }

    #[test]
    fn a_draft_is_trimmed_and_falls_back_to_the_lobby() {
        let draft = Draft::from_json(json!({"author": " mina ", "text": "\n hi\tall\n"}));
        let expected = Draft {
            room: Room::default(),
            author: "mina".into(),
            text: "hi\tall".into(),
        };
        assert_eq!(draft, Ok(expected));
    }

    #[test]
    fn each_field_is_checked_by_name() {
        let cases = [
            (json!({"text": "x"}), "author"),
            (json!({"author": "x"}), "text"),
            (json!({"author": 1, "text": "x"}), "author"),
            (json!({"author": "x", "text": null}), "text"),
            (json!({"author": "x", "text": "x", "room": "a b"}), "room"),
            (json!({"author": "x", "text": "x", "room": ""}), "room"),
            (json!({"author": "x", "text": "x", "extra": 1}), "extra"),
            (json!({"author": "a\nb", "text": "x"}), "author"),
            (json!({"author": "x", "text": "a\u{0}b"}), "text"),
            (json!({"author": "x", "text": "a\u{85}b"}), "text"),
            (json!({"author": "x", "text": "   "}), "text"),
        ];
        for (json, field) in cases {
            assert_eq!(refused(json.clone()).0.as_deref(), Some(field), "{json}");
        }
        assert_eq!(refused(json!([1])).0, None);
    }

    #[test]
    fn lengths_count_unicode_characters() {
        let longest = json!({"author": "é".repeat(64), "text": "語".repeat(4096)});
        assert!(Draft::from_json(longest).is_ok());
        let author = json!({"author": "é".repeat(65), "text": "x"});
        assert_eq!(refused(author).0.as_deref(), Some("author"));
        let text = json!({"author": "x", "text": "語".repeat(4097)});
        assert!(refused(text).1.contains("at most 4096"));
    }

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
