//! The text of a message, by which a reader recognises the message in any format of answer.

use memchr::memmem::Finder;

/// The digits of a sequence number. Their number is fixed, so that every message has the same size.
const DIGITS: usize = 10;
/// The most characters of a text, which is the limit of our own server.
const MAX_CHARACTERS: usize = 4096;
/// Fillers of one to four bytes a character.
const FILLERS: [char; 4] = ['x', 'é', '…', '😀'];

/// The beginning of the text of every message of one run.
#[derive(Debug, Clone)]
pub struct MessageTag {
    prefix: String,
    finder: Finder<'static>,
}

impl MessageTag {
    /// `run` distinguishes this run's messages from those of all others.
    pub fn new(run: &str) -> Self {
        let prefix = format!("pvs-{run}-");
        let finder = Finder::new(prefix.as_bytes()).into_owned();
        Self { prefix, finder }
    }

    /// Bytes of a text that every marker fits into.
    pub const MIN_SIZE: usize = 32;
    /// Bytes of the longest text: four for each character, less room for the tag.
    pub const MAX_SIZE: usize = (MAX_CHARACTERS - 96) * 4;

    /// The text of message `sequence`, with `size` bytes if the tag leaves room for that.
    pub fn text(&self, sequence: u64, size: usize) -> String {
        let mut text = format!("{}{sequence:0DIGITS$}.", self.prefix);
        let fill = size.saturating_sub(text.len());
        let width = fill.div_ceil(MAX_CHARACTERS - text.len()).clamp(1, 4);
        let filler = FILLERS[width - 1];
        text.extend(std::iter::repeat_n(filler, fill / width));
        text.extend(std::iter::repeat_n('x', fill % width));
        text
    }

    /// Calls `found` with the number of each message in `bytes`, in their order.
    pub fn each(&self, bytes: &[u8], mut found: impl FnMut(u64)) {
        for at in self.finder.find_iter(bytes) {
            let digits = &bytes[at + self.prefix.len()..];
            if let Some(sequence) = number(digits) {
                found(sequence);
            }
        }
    }
}

/// The number at the start of `bytes`, if it is complete.
fn number(bytes: &[u8]) -> Option<u64> {
    let (digits, rest) = bytes.split_at_checked(DIGITS)?;
    if rest.first() != Some(&b'.') {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(tag: &MessageTag, bytes: &[u8]) -> Vec<u64> {
        let mut all = Vec::new();
        tag.each(bytes, |sequence| all.push(sequence));
        all
    }

    #[test]
    fn a_text_has_its_size_and_never_too_many_characters() {
        let tag = MessageTag::new("abcdefgh");
        for size in [
            MessageTag::MIN_SIZE,
            100,
            4096,
            4097,
            5200,
            9001,
            MessageTag::MAX_SIZE,
        ] {
            let text = tag.text(123, size);
            assert_eq!(text.len(), size);
            assert!(text.chars().count() <= MAX_CHARACTERS, "{size}");
            assert_eq!(found(&tag, text.as_bytes()), [123]);
        }
        assert!(tag.text(0, 1).len() <= MessageTag::MIN_SIZE);
    }

    #[test]
    fn messages_are_found_in_any_surrounding_text() {
        let tag = MessageTag::new("abcdefgh");
        let (one, two) = (tag.text(1, 40), tag.text(20, 40));
        let body = format!("[{{\"text\":\"{one}\"}},{{\"text\":\"{two}\"}}]");
        assert_eq!(found(&tag, body.as_bytes()), [1, 20]);
        let other = MessageTag::new("hgfedcba").text(3, 40);
        assert!(found(&tag, other.as_bytes()).is_empty());
        assert!(found(&tag, &one.as_bytes()[..20]).is_empty(), "cut short");
    }
}
