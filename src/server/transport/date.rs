//! The `Date` of an answer that is written past HTTP.

use std::{
    cell::RefCell,
    time::{SystemTime, UNIX_EPOCH},
};

use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};

thread_local! {
    /// The second it was last asked in, and what it was.
    static LAST: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
}

/// Does `act` with the header line for now, with its line break. Made once a second.
pub fn with_date<T>(act: impl FnOnce(&str) -> T) -> T {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    // Before the epoch there is no date to tell, and the line is left out.
    let second = now.map_or(0, |now| now.as_secs());
    LAST.with_borrow_mut(|(last, line)| {
        if *last != second {
            *last = second;
            *line = date(second).unwrap_or_default();
        }
        act(line)
    })
}

fn date(second: u64) -> Option<String> {
    let at = Timestamp::from_second(second.try_into().ok()?).ok()?;
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&at);
    Some(format!("date: {}\r\n", date.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_the_form_of_http() {
        let line = date(784_111_777);
        assert_eq!(
            line.as_deref(),
            Some("date: Sun, 06 Nov 1994 08:49:37 GMT\r\n")
        );
        with_date(|line| assert!(line.ends_with(" GMT\r\n"), "{line}"));
    }
}
