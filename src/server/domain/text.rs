//! What authors and texts may be made of.

const MAX_AUTHOR: usize = 64;
const MAX_TEXT: usize = 4096;

/// A message's text, trimmed; else why it is refused.
pub(super) fn validate_message(text: &str) -> Result<String, String> {
    validate_text(text, MAX_TEXT, |c| c.is_control() && c != '\n' && c != '\t')
}

pub(super) fn validate_author(text: &str) -> Result<String, String> {
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
