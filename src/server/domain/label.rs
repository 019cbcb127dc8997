//! The alphabet that rooms, client labels and fault keys share.

use std::sync::Arc;

const MAX_LABEL: usize = 64;

/// Whether `text` is 1 to `max` of `[A-Za-z0-9_-]`.
pub fn is_label(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// A label of at most 64 characters; see [`is_label`].
pub fn parse(text: &str) -> Result<Arc<str>, &'static str> {
    if is_label(text, MAX_LABEL) {
        Ok(text.into())
    } else {
        Err("must be 1 to 64 of the characters A-Z a-z 0-9 _ -")
    }
}
