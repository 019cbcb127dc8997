//! Short lines for people at a terminal: what a request or a transport cost, within 80 columns. Programs read the
//! lines of `access_log`, which name every field.

use jiff::Timestamp;
use poll_vs_sse_model::format::{time_us, with_thousands};

use super::{
    access_log_entry::{AccessLogEntry, RequestPhase},
    counters::{Account, CounterSnapshot},
};
use crate::domain::{client_label::ClientLabel, room_set::RoomSet};

const COLUMNS: usize = 80;

/// One request, in columns; its rooms and its client are last, and cut off at the end of the line.
pub fn request(at: Timestamp, entry: &AccessLogEntry) -> String {
    let state = match entry.phase {
        RequestPhase::Answered => entry.status.to_string(),
        RequestPhase::Opened => "opened".to_owned(),
        RequestPhase::Closed => "closed".to_owned(),
    };
    let rooms = entry.rooms.as_ref().map(RoomSet::to_string);
    let client = entry.client.as_ref().map(ClientLabel::as_str);
    line(format!(
        "{} {:<9} {state:<6} {:>4} msg {:>7} in {:>7} out {:>7} {} {}",
        time(at),
        entry.account.as_str(),
        with_thousands(entry.messages),
        with_thousands(entry.wire_bytes_in),
        with_thousands(entry.wire_bytes_out),
        time_us(entry.duration.as_secs_f64() * 1e6),
        rooms.as_deref().unwrap_or("-"),
        client.unwrap_or("-"),
    ))
}

/// The requests, messages and bytes of a transport in the last `seconds`.
pub fn summary(at: Timestamp, seconds: u64, account: Account, figures: &CounterSnapshot) -> String {
    line(format!(
        "{} {:<9} {seconds} s: {} requests, {} empty, {} msg, {} B in, {} B out",
        time(at),
        account.as_str(),
        with_thousands(figures.requests),
        with_thousands(figures.empty),
        with_thousands(figures.messages),
        with_thousands(figures.wire_bytes_in),
        with_thousands(figures.wire_bytes_out),
    ))
}

/// The time of day in UTC, as in the other formats.
fn time(at: Timestamp) -> impl std::fmt::Display {
    at.strftime("%H:%M:%S%.3f")
}

fn line(text: String) -> String {
    if text.chars().count() <= COLUMNS {
        return text + "\n";
    }
    let kept: String = text.chars().take(COLUMNS - 1).collect();
    kept + "…\n"
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn entry(phase: RequestPhase, account: Account) -> AccessLogEntry {
        AccessLogEntry {
            phase,
            account,
            rooms: None,
            client: None,
            status: 200,
            messages: 1,
            wire_bytes_in: 92,
            wire_bytes_out: 333,
            duration: Duration::from_micros(1_439),
        }
    }

    #[test]
    fn a_request_is_one_line_of_a_terminal_whatever_is_in_it() {
        let mut large = entry(RequestPhase::Closed, Account::LongPoll);
        large.messages = 1_000;
        large.wire_bytes_in = 123_456_789;
        large.wire_bytes_out = u64::MAX;
        large.duration = Duration::from_secs(86_400);
        large.client = Some("c".repeat(64).parse().expect("a label"));
        for entry in [entry(RequestPhase::Answered, Account::Poll), large] {
            let line = request(Timestamp::UNIX_EPOCH, &entry);
            let text = line.strip_suffix('\n').expect("a line");
            assert!(
                !text.contains('\n') && text.chars().count() <= COLUMNS,
                "{text}"
            );
        }
    }

    #[test]
    fn it_says_what_the_request_cost() {
        let mut poll = entry(RequestPhase::Answered, Account::Poll);
        poll.client = Some("me".parse().expect("a label"));
        let line = request(Timestamp::UNIX_EPOCH, &poll);
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        assert_eq!(words[..4], ["poll", "200", "1", "msg"], "{line}");
        assert!(
            line.contains(" 92 in ") && line.contains(" 333 out "),
            "{line}"
        );
        assert!(line.contains(" 1.44 ms - me\n"), "{line}");
    }
}
