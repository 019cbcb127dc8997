//! The characters that authors and texts may have.
//!
//! Both must have a visible character. An author must also not look like another author. So invisible characters are
//! refused in an author, except where they change how their neighbours are drawn: in emoji, and in scripts that need
//! joiners. The Unicode properties come from ICU's data.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{
        CanonicalCombiningClass, DefaultIgnorableCodePoint, Emoji, ExtendedPictographic,
        GeneralCategory, Ideographic, JoiningType, WhiteSpace,
    },
};

const MAX_AUTHOR: usize = 64;
const MAX_TEXT: usize = 4096;

/// Characters of the category symbol that are invisible: the blank Braille pattern and a musical null notehead.
const BLANK_SYMBOLS: [char; 2] = ['\u{2800}', '\u{1D159}'];
const ZERO_WIDTH_NON_JOINER: char = '\u{200C}';
const ZERO_WIDTH_JOINER: char = '\u{200D}';
const ENCLOSING_KEYCAP: char = '\u{20E3}';
/// The base of the flags that are spelled with tag characters.
const BLACK_FLAG: char = '\u{1F3F4}';

/// A message's text, trimmed. The error says why it is refused.
pub(super) fn validate_message(text: &str) -> Result<String, String> {
    let text = validate_length(text, MAX_TEXT)?;
    refuse_control_characters(text, |c| c == '\n' || c == '\t')?;
    Ok(text.to_owned())
}

/// An author's name, trimmed and in Unicode's composed form. The error says why it is refused.
pub(super) fn validate_author(text: &str) -> Result<String, String> {
    // Composed and decomposed letters look the same. Some characters have no composed form and become several.
    let text: Cow<'_, str> = ComposingNormalizerBorrowed::new_nfc().normalize(text);
    let text = validate_length(&text, MAX_AUTHOR)?;
    refuse_control_characters(text, |_| false)?;
    if text.is_ascii() {
        return Ok(text.to_owned());
    }
    let characters: Vec<char> = text.chars().collect();
    for (at, &c) in characters.iter().enumerate() {
        if is_invisible(c) && !changes_neighbours(&characters, at) {
            return Err(format!(
                "must not contain the invisible character U+{:04X}",
                u32::from(c)
            ));
        }
    }
    Ok(text.to_owned())
}

/// `text` trimmed, if it then has 1 to `max` characters and at least one is visible.
fn validate_length(text: &str, max: usize) -> Result<&str, String> {
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
    // A separate check reports control characters.
    let shows = |c: char| c.is_control() || !(is_invisible(c) || is_white_space(c));
    if !text.chars().any(shows) {
        return Err("must contain a visible character".to_owned());
    }
    Ok(text)
}

fn refuse_control_characters(text: &str, allowed: fn(char) -> bool) -> Result<(), String> {
    match text.chars().find(|&c| c.is_control() && !allowed(c)) {
        None => Ok(()),
        Some(c) => Err(format!(
            "must not contain the control character U+{:04X}",
            u32::from(c)
        )),
    }
}

/// Whether `c` is invisible and not an ordinary space.
fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        return false;
    }
    let separates_lines = matches!(
        category(c),
        GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator
    );
    // Bidirectional controls are of category format.
    separates_lines
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || category(c) == GeneralCategory::Format && !is_drawn_format(c)
        || BLANK_SYMBOLS.contains(&c)
}

/// Signs that enclose or precede digits, in Arabic and other scripts, are drawn.
fn is_drawn_format(c: char) -> bool {
    matches!(c, '\u{0600}'..='\u{0605}' | '\u{06DD}' | '\u{070F}' | '\u{0890}'..='\u{0891}' | '\u{08E2}' | '\u{110BD}' | '\u{110CD}')
}

/// Whether the invisible character at `at` changes how its neighbours are drawn.
fn changes_neighbours(characters: &[char], at: usize) -> bool {
    let before = &characters[..at];
    let after = &characters[at + 1..];
    let Some(&previous) = before.last() else {
        return false;
    };
    match characters[at] {
        // Emoji style; after a digit only as part of a keycap.
        '\u{FE0F}' | '\u{FE0E}' => {
            CodePointSetData::new::<Emoji>().contains(previous)
                && (!previous.is_ascii() || after.first() == Some(&ENCLOSING_KEYCAP))
        }
        // Variants of ideographs, as Japanese names need them.
        '\u{FE00}'..='\u{FE0D}' | '\u{E0100}'..='\u{E01EF}' => {
            CodePointSetData::new::<Ideographic>().contains(previous)
        }
        '\u{E0020}'..='\u{E007F}' => is_in_flag(before),
        ZERO_WIDTH_JOINER => is_in_emoji(before, after) || is_in_conjunct(before, after),
        ZERO_WIDTH_NON_JOINER => is_in_conjunct(before, after) || is_between_joining(before, after),
        _ => false,
    }
}

fn is_in_flag(before: &[char]) -> bool {
    let is_tag = |c: &&char| matches!(**c, '\u{E0020}'..='\u{E007E}');
    before.iter().rev().find(|c| !is_tag(c)) == Some(&BLACK_FLAG)
}

/// Between two emoji, of which the first may have a style or a skin colour.
fn is_in_emoji(before: &[char], after: &[char]) -> bool {
    let is_modifier = |c: &&char| matches!(**c, '\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}');
    let is_emoji = |c: &char| CodePointSetData::new::<ExtendedPictographic>().contains(*c);
    before
        .iter()
        .rev()
        .find(|c| !is_modifier(c))
        .is_some_and(is_emoji)
        && after.first().is_some_and(is_emoji)
}

/// Beside a virama, as in RFC 5892, A.1 and A.2.
fn is_in_conjunct(before: &[char], after: &[char]) -> bool {
    let classes = CodePointMapData::<CanonicalCombiningClass>::new();
    let is_virama =
        |c: Option<&char>| c.is_some_and(|&c| classes.get(c) == CanonicalCombiningClass::Virama);
    is_virama(before.last()) || is_virama(after.first())
}

/// Between letters that would join, as in RFC 5892, A.1.
fn is_between_joining(before: &[char], after: &[char]) -> bool {
    let types = CodePointMapData::<JoiningType>::new();
    let joining = |c: Option<&char>| c.map(|&c| types.get(c));
    let is_transparent = |c: &&char| types.get(**c) == JoiningType::Transparent;
    let previous = joining(before.iter().rev().find(|c| !is_transparent(c)));
    let next = joining(after.iter().find(|c| !is_transparent(c)));
    matches!(
        previous,
        Some(JoiningType::DualJoining | JoiningType::LeftJoining)
    ) && matches!(
        next,
        Some(JoiningType::DualJoining | JoiningType::RightJoining)
    )
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

fn is_white_space(c: char) -> bool {
    CodePointSetData::new::<WhiteSpace>().contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_shows_as_nothing_is_refused() {
        for blank in [
            "\u{3164}",
            "\u{200B}",
            "\u{2800}",
            "\u{202E}",
            "\u{115F}\u{1160}",
            "\u{FEFF}",
            "\u{00AD}\u{2060}",
            "\u{1D159}",
            "\u{200D}\u{FE0F}",
            "\u{E0041}",
            "\u{2800} \u{2800}",
            "\u{180E}",
        ] {
            for result in [validate_author(blank), validate_message(blank)] {
                let why = result.expect_err("shows as nothing");
                assert!(why.contains("visible"), "{blank:?}: {why}");
            }
        }
    }

    #[test]
    fn an_author_is_counted_as_it_is_stored() {
        // Two letters for each, as they have no composed form.
        let expanding = "\u{0958}";
        assert!(validate_author(&expanding.repeat(33)).is_err());
        let stored = validate_author(&expanding.repeat(32)).expect("64 characters");
        assert_eq!(stored.chars().count(), 64);
        assert_eq!(validate_author(&stored), Ok(stored.clone()));
        assert!(validate_author(&"e\u{0301}".repeat(64)).is_ok());
    }

    #[test]
    fn an_author_that_looks_like_another_is_refused() {
        for look_alike in [
            "mina\u{200B}",
            "\u{200D}mina",
            "mi\u{200C}na",
            "mina\u{FE0F}",
            "mina1\u{FE0F}",
            "mi\u{00AD}na",
            "mina\u{2800}",
            "\u{202E}anim",
            "\u{2066}mina\u{2069}",
            "mina\u{200E}",
            "mina\u{E0041}",
            "mina\u{2028}kim",
            "mina\u{3164}",
            "mina\u{034F}",
        ] {
            assert!(validate_author(look_alike).is_err(), "{look_alike:?}");
        }
    }

    #[test]
    fn names_that_need_invisible_characters_are_taken() {
        for name in [
            "\u{1F469}\u{200D}\u{1F469}\u{200D}\u{1F467}",
            "\u{1F469}\u{1F3FD}\u{200D}\u{1F680}",
            "\u{2764}\u{FE0F}\u{200D}\u{1F525}",
            "1\u{FE0F}\u{20E3}",
            "\u{1F3F4}\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}",
            "\u{0645}\u{06CC}\u{200C}\u{0646}\u{0627}",
            "\u{0DC1}\u{0DCA}\u{200D}\u{0DBB}\u{0DD3}",
            "\u{845B}\u{E0100}\u{57CE}",
            "민아",
            "Zoë van der Berg",
            "Ὀδυσσεύς",
            "אבא",
        ] {
            assert_eq!(validate_author(name).as_deref(), Ok(name), "{name:?}");
        }
    }

    #[test]
    fn composed_and_decomposed_names_are_one() {
        assert_eq!(validate_author("Zoe\u{0308}").as_deref(), Ok("Zo\u{00EB}"));
    }

    #[test]
    fn a_message_may_hold_invisible_characters_beside_visible_ones() {
        let text = "a\u{200B}b \u{202B}c\u{202C}";
        assert_eq!(validate_message(text).as_deref(), Ok(text));
    }
}
