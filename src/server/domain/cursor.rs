//! A cursor: a position in one log ("everything after this message"), and its text form.
//!
//! The text form names the log, so that a cursor of another log is recognised instead of being read as a number that
//! happens to fit. `log` decides what then happens (`reset`).

use std::{fmt, str::FromStr};

use thiserror::Error;

/// Length of the identities that [`LogId::random`] makes.
const NEW_ID_LEN: usize = 8;
/// The longest identity that is accepted.
const MAX_ID_LEN: usize = 20;
const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Which log a cursor belongs to: 1 to 20 ASCII letters and digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogId {
    len: u8,
    bytes: [u8; MAX_ID_LEN],
}

impl LogId {
    /// A new identity. Two logs share one by chance once in about 10^12 pairs.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut raw = [0; NEW_ID_LEN];
        getrandom::fill(&mut raw)?;
        let mut bytes = [0; MAX_ID_LEN];
        for (to, from) in bytes.iter_mut().zip(raw) {
            *to = ALPHABET[usize::from(from) % ALPHABET.len()];
        }
        Ok(Self {
            len: NEW_ID_LEN as u8,
            bytes,
        })
    }

    /// The identity for `number`, in base 36.
    pub fn from_u64(mut number: u64) -> Self {
        // 36^13 is above 2^64.
        const DIGITS: usize = 13;
        let mut bytes = [0; MAX_ID_LEN];
        for to in bytes[..DIGITS].iter_mut().rev() {
            *to = ALPHABET[(number % 36) as usize];
            number /= 36;
        }
        Self {
            len: DIGITS as u8,
            bytes,
        }
    }

    pub fn as_str(&self) -> &str {
        // Only ASCII letters and digits are ever stored, so this never falls back.
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or("")
    }
}

impl FromStr for LogId {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, ParseCursorError> {
        let fits = (1..=MAX_ID_LEN).contains(&text.len());
        if !fits || !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(ParseCursorError);
        }
        let mut bytes = [0; MAX_ID_LEN];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self {
            len: text.len() as u8,
            bytes,
        })
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogId({self})")
    }
}

/// Separates the turn from the rest of a cursor.
const TURN_SEPARATOR: u8 = b'~';

/// Everything after message `id` of log `log`. The text form is `<log>-<id>`, sometimes followed by a turn, which
/// makes another text for the same position: see `delivery::poll_cache`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub log: LogId,
    pub id: u64,
}

/// The text is not a cursor.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("is not a cursor; take one from an earlier answer as it is")]
pub struct ParseCursorError;

impl FromStr for Cursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, ParseCursorError> {
        Self::parse_with_turn(text).map(|(cursor, _)| cursor)
    }
}

impl Cursor {
    /// Parses a cursor, and the turn in its text; 0 if there is none.
    pub fn parse_with_turn(text: &str) -> Result<(Self, u64), ParseCursorError> {
        let (place, turn) = match text.split_once(char::from(TURN_SEPARATOR)) {
            Some((place, turn)) => (place, parse_turn(turn)?),
            None => (text, 0),
        };
        let (log, id) = place.split_once('-').ok_or(ParseCursorError)?;
        // `u64::from_str` would take a leading `+`.
        if !id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ParseCursorError);
        }
        let cursor = Self {
            log: log.parse()?,
            id: id.parse().map_err(|_| ParseCursorError)?,
        };
        Ok((cursor, turn))
    }

    /// Appends the text of this cursor to `buffer`.
    pub fn write_text(&self, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(self.log.as_str().as_bytes());
        buffer.push(b'-');
        write_integer(self.id, buffer);
    }

    /// Appends the text of this cursor to `buffer`, with the turn if there is one.
    pub fn write_text_with_turn(&self, turn: Option<u64>, buffer: &mut Vec<u8>) {
        self.write_text(buffer);
        if let Some(turn) = turn {
            buffer.push(TURN_SEPARATOR);
            write_integer(turn, buffer);
        }
    }
}

/// Appends the digits of `number` to `buffer`.
pub(super) fn write_integer(number: u64, buffer: &mut Vec<u8>) {
    buffer.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn parse_turn(turn: &str) -> Result<u64, ParseCursorError> {
    let is_plain = turn.bytes().all(|b| b.is_ascii_digit());
    let turn = turn.parse().ok().filter(|_| is_plain);
    turn.ok_or(ParseCursorError)
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.log.as_str())?;
        f.write_str("-")?;
        f.write_str(itoa::Buffer::new().format(self.id))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_form_names_the_log_and_the_id() {
        let cursor: Cursor = "k3x9qa-17".parse().expect("a cursor");
        assert_eq!((cursor.log.as_str(), cursor.id), ("k3x9qa", 17));
        assert_eq!(cursor.to_string(), "k3x9qa-17");
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in [
            "", "-", "k3x9qa", "k3x9qa-", "-17", "k3-+1", "k3--1", "k 3-1", "é-1",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(ParseCursorError), "{text:?}");
        }
        assert!(
            format!("k3-{}0", u64::MAX).parse::<Cursor>().is_err(),
            "overflows"
        );
        assert!(
            format!("{}-1", "a".repeat(21)).parse::<Cursor>().is_err(),
            "log too long"
        );
    }

    proptest! {
        #[test]
        fn every_cursor_survives_its_text_form(id: u64) {
            let cursor = Cursor { log: LogId::random().expect("entropy"), id };
            prop_assert_eq!(cursor.to_string().parse::<Cursor>(), Ok(cursor));
        }

        #[test]
        fn a_turn_is_no_other_place(id: u64, turn: u64) {
            let cursor = Cursor { log: LogId::random().expect("entropy"), id };
            let mut text = Vec::new();
            cursor.write_text_with_turn(Some(turn), &mut text);
            let text = String::from_utf8(text).expect("text");
            prop_assert_eq!(Cursor::parse_with_turn(&text), Ok((cursor, turn)));
            prop_assert_eq!(text.parse::<Cursor>(), Ok(cursor));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = text.parse::<Cursor>();
        }
    }
}
