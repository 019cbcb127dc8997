//! Formats text for output: in columns, and in lines that fit a terminal.

use std::fmt::Write as _;

const GAP: &str = "  ";
/// The narrowest and the widest line, regardless of the terminal. Longer lines would be hard to read.
const WIDTHS: (usize, usize) = (40, 100);

/// Aligns the first column to the left, and the others to the right.
pub fn align(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = lines.iter().map(|line| line[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            // Writing to a string cannot fail.
            let _ = match column {
                0 => write!(text, "{cell:<width$}"),
                _ => write!(text, "{GAP}{cell:>width$}"),
            };
        }
        text.push('\n');
    }
    text
}

/// The line width for text on `terminal`. `None` if it is not a terminal, where the reader breaks the lines.
pub fn width(terminal: &console::Term) -> Option<usize> {
    let (_, columns) = terminal.size();
    terminal
        .is_term()
        .then(|| usize::from(columns).clamp(WIDTHS.0, WIDTHS.1))
}

/// `text` in lines of at most `width` characters; lines after the first begin with `indent`.
pub fn wrap(text: &str, indent: &str, width: Option<usize>) -> String {
    let Some(width) = width else {
        return text.to_owned();
    };
    let options = textwrap::Options::new(width)
        .subsequent_indent(indent)
        .break_words(false)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::fill(text, options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_between_words_and_only_on_a_terminal() {
        let text = "one two http://a.long/word four";
        let lines = wrap(text, "  ", Some(8));
        assert_eq!(lines, "one two\n  http://a.long/word\n  four");
        assert_eq!(wrap(text, "  ", None), text);
    }
}
