//! The ledger's totals as a table for people: what the server prints when it stops.

use std::fmt::Write as _;

use super::counters::{Account, CounterSnapshot};
use poll_vs_sse_model::format::with_thousands;

const HEADINGS: [&str; 8] = [
    "transport",
    "requests",
    "empty",
    "messages",
    "bytes in",
    "bytes out",
    "bytes/message",
    "connections",
];

/// One row per transport, numbers right-aligned and grouped by thousands.
pub fn summary_table(figures: &[(Account, CounterSnapshot)]) -> String {
    let rows: Vec<[String; 8]> = figures.iter().map(|(a, f)| row(*a, *f)).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].len());
        cells.chain([HEADINGS[column].len()]).max().unwrap_or(0)
    };
    let widths: [usize; 8] = std::array::from_fn(width);
    let mut text = String::new();
    for row in std::iter::once(HEADINGS.map(str::to_owned)).chain(rows) {
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            // Writing to a string cannot fail.
            let _ = match column {
                0 => write!(text, "{cell:<width$}"),
                _ => write!(text, "  {cell:>width$}"),
            };
        }
        text.push('\n');
    }
    text
}

fn row(account: Account, figures: CounterSnapshot) -> [String; 8] {
    let bytes = figures.wire_bytes_in + figures.wire_bytes_out;
    let per_message = bytes
        .checked_div(figures.messages)
        .map_or("-".to_owned(), with_thousands);
    [
        account.as_str().to_owned(),
        with_thousands(figures.requests),
        with_thousands(figures.empty),
        with_thousands(figures.messages),
        with_thousands(figures.wire_bytes_in),
        with_thousands(figures.wire_bytes_out),
        per_message,
        with_thousands(figures.connections),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_transport_is_a_row_of_aligned_columns() {
        let figures = CounterSnapshot {
            requests: 41,
            messages: 3,
            wire_bytes_out: 12_000,
            ..CounterSnapshot::default()
        };
        let text = summary_table(&[
            (Account::Poll, figures),
            (Account::Stream, CounterSnapshot::default()),
        ]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].contains("4,000"), "{text}");
        assert!(
            lines[2].contains(" - "),
            "no messages, no bytes per message: {text}"
        );
        assert!(
            lines.iter().all(|line| line.len() == lines[0].len()),
            "{text}"
        );
    }
}
