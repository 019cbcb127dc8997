//! A message that is not in the log yet, parsed from the JSON of a client.

use std::fmt;

use serde_json::{Map, Value};
use thiserror::Error;

use super::{room::Room, text};

/// A message that is not in the log yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub room: Room,
    pub author: String,
    pub text: String,
}

/// What is wrong with one field of a draft; `field` is `None` if the whole body is invalid.
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
    /// Parses a draft from a JSON value; refuses unknown fields.
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
        Self::new(room, &author, &text)
    }

    /// A draft of these, trimmed, if author and text are what they may be.
    pub fn new(room: Room, author: &str, text: &str) -> Result<Self, InvalidDraft> {
        Ok(Self {
            room,
            author: text::validate_author(author)
                .map_err(|why| InvalidDraft::new("author", why))?,
            text: text::validate_message(text).map_err(|why| InvalidDraft::new("text", why))?,
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
}
