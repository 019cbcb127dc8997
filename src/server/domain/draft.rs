//! A message that is not in the log yet, parsed from the JSON of a client.

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use super::{json_fields::JsonFields, room::Room, text};

/// A message that is not in the log yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub room: Room,
    pub author: String,
    pub text: String,
}

/// The fields of a JSON object that may be a draft.
pub type DraftFields = JsonFields<Value>;

/// The invalid field of a draft, and the reason.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{detail}")]
pub struct InvalidDraft {
    pub field: String,
    pub detail: String,
}

impl InvalidDraft {
    fn new(field: &str, detail: impl fmt::Display) -> Self {
        Self {
            field: field.to_owned(),
            detail: format!("`{field}` {detail}"),
        }
    }
}

impl Draft {
    /// Parses a draft from the fields of a JSON object; refuses unknown and repeated ones.
    pub fn from_fields(mut fields: DraftFields) -> Result<Self, InvalidDraft> {
        let room = match take(&mut fields, "room")? {
            Some(room) => room.parse().map_err(|why| InvalidDraft::new("room", why))?,
            None => Room::default(),
        };
        let author = take_required(&mut fields, "author")?;
        let text = take_required(&mut fields, "text")?;
        if let Some(unknown) = fields.first_name() {
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

fn take(fields: &mut DraftFields, name: &str) -> Result<Option<String>, InvalidDraft> {
    match fields.take(name) {
        Ok(None) => Ok(None),
        Ok(Some(Value::String(text))) => Ok(Some(text)),
        Ok(Some(_)) => Err(InvalidDraft::new(name, "must be a string")),
        Err(why) => Err(InvalidDraft::new(name, why)),
    }
}

fn take_required(fields: &mut DraftFields, name: &str) -> Result<String, InvalidDraft> {
    take(fields, name)?.ok_or_else(|| InvalidDraft::new(name, "is missing"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(json: impl ToString) -> Result<Draft, InvalidDraft> {
        let fields = serde_json::from_str(&json.to_string());
        Draft::from_fields(fields.expect("an object"))
    }

    fn refused(json: impl ToString) -> (String, String) {
        let bad = parse(json).expect_err("refused");
        (bad.field, bad.detail)
    }

    #[test]
    fn a_draft_is_trimmed_and_falls_back_to_the_lobby() {
        let draft = parse(json!({"author": " mina ", "text": "\n hi\tall\n"}));
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
            assert_eq!(refused(&json).0, field, "{json}");
        }
        assert!(serde_json::from_str::<DraftFields>("[1]").is_err());
    }

    #[test]
    fn a_field_that_is_given_twice_is_refused() {
        let whole = r#""room": "den", "author": "x", "text": "x""#;
        for (extra, field) in [
            (r#""room": "den""#, "room"),
            (r#""author": 1"#, "author"),
            (r#""te\u0078t": "y""#, "text"),
        ] {
            let (name, detail) = refused(format!("{{{whole}, {extra}}}"));
            assert_eq!(name, field);
            assert!(detail.contains("twice"), "{detail}");
        }
    }

    #[test]
    fn lengths_count_unicode_characters() {
        let longest = json!({"author": "é".repeat(64), "text": "語".repeat(4096)});
        assert!(parse(longest).is_ok());
        let author = json!({"author": "é".repeat(65), "text": "x"});
        assert_eq!(refused(author).0, "author");
        let text = json!({"author": "x", "text": "語".repeat(4097)});
        assert!(refused(text).1.contains("at most 4096"));
    }
}
