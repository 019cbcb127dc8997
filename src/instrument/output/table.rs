//! The table at the end of a comparison: a row for each figure, a column for each transport.

use super::{cards::UNKNOWN, run_report::Report, table_rows::ROWS};
use crate::{Comparison, LoadScenario, Pacing, RunResult, Transport, Workload};
use poll_vs_sse_model::format::with_thousands;
use poll_vs_sse_model::text_table::{align, wrap};

/// The question of the comparison, in lines of `width`.
pub fn question_lines(document: &Report, width: Option<usize>) -> String {
    wrap(&question(document), "  ", width)
}

/// All figures.
pub fn table(document: &Report) -> String {
    align(&rows(document))
}

/// The heading, and a line for each figure; the name of one that is part of another is indented.
pub fn rows(document: &Report) -> Vec<Vec<String>> {
    let comparison = Comparison {
        runs: document.runs.clone(),
        transports: document.transports.clone(),
    };
    let mut lines = vec![heading(&document.transports)];
    for row in &ROWS {
        let is_known = |one: &RunResult| (row.cell)(one).is_some();
        if row.is_optional && !document.transports.iter().any(is_known) {
            continue;
        }
        lines.push(cells(row.name, &document.transports, |one| {
            match row.spread {
                Some((of, unit)) => of(one).map(unit),
                None => (row.cell)(one),
            }
        }));
        let Some((of, unit)) = row.spread else {
            continue;
        };
        let ranges = |one: &RunResult| {
            let (low, high) = comparison.range(one.transport, of)?;
            Some(format!("{} – {}", unit(low), unit(high)))
        };
        if document.transports.iter().any(|one| ranges(one).is_some()) {
            lines.push(cells(
                "    range over the runs",
                &document.transports,
                ranges,
            ));
        }
    }
    lines
}

/// The result of the audit, if every message arrived once and in order.
pub fn audit(document: &Report) -> Option<String> {
    let outcomes = &document.transports;
    let is_clean = |one: &RunResult| {
        one.deliveries == one.expected && [one.missed, one.duplicates, one.out_of_order] == [0; 3]
    };
    let expected: u64 = outcomes.iter().map(|one| one.expected).sum();
    (expected > 0 && outcomes.iter().all(is_clean)).then(|| {
        let count = with_thousands(expected);
        format!("All {count} of {count} expected deliveries came, none twice, none out of order.")
    })
}

fn heading(outcomes: &[RunResult]) -> Vec<String> {
    let names = outcomes.iter().map(|one| one.transport.to_string());
    std::iter::once(String::new()).chain(names).collect()
}

fn cells(
    name: &str,
    outcomes: &[RunResult],
    cell: impl Fn(&RunResult) -> Option<String>,
) -> Vec<String> {
    let known = outcomes.iter().map(cell);
    let texts = known.map(|text| text.unwrap_or_else(|| UNKNOWN.to_owned()));
    std::iter::once(name.to_owned()).chain(texts).collect()
}

/// The measured server.
pub fn server(document: &Report) -> String {
    let name = &document.target.name;
    match &document.versions.server {
        Some(server) => format!("{name} ({server})"),
        None => name.clone(),
    }
}

/// The target and the workload in words, in two lines.
fn question(document: &Report) -> String {
    let spoken = spoken(document).map_or(String::new(), |spoken| format!(", {spoken}"));
    format!(
        "{}, profile {}{spoken}: {}\non {}",
        server(document),
        document.target.profile,
        workload(&document.workload),
        document.machine
    )
}

/// The protocol that was used; `None` without a result.
pub fn spoken(document: &Report) -> Option<String> {
    let first = document.transports.first()?;
    let protocol = first.protocol.description();
    Some(match &first.tls {
        Some(version) => format!("{protocol} over {version}"),
        None => format!("{protocol} without TLS"),
    })
}

/// The workload in words.
pub fn workload(workload: &Workload) -> String {
    let plural = |count: f64, one: &str| {
        let s = if count == 1.0 { "" } else { "s" };
        format!("{} {one}{s}", number(count))
    };
    let mut text = format!(
        "{}, {} a second of {} bytes, ",
        plural(workload.clients as f64, "client"),
        plural(workload.rate, "message"),
        with_thousands(workload.size as u64)
    );
    if workload.transports.contains(&Transport::Poll) {
        let pace = match workload.pace {
            Pacing::FixedTimes => "a poll every",
            Pacing::AfterAnswer => "a poll after each answer and",
        };
        text += &format!("{pace} {}", humantime::format_duration(workload.interval));
        text += match workload.new_connections {
            true => " on a new connection, ",
            false => ", ",
        };
    }
    if workload.transports.contains(&Transport::LongPoll) {
        let wait = humantime::format_duration(workload.wait);
        text += &format!("long-polls that wait {wait}, ");
    }
    text += &format!("{}, ", heads(workload));
    text += &format!("{:.0} s a run", workload.measured().as_secs_f64());
    if workload.rooms > 1 {
        text += &format!(", {} rooms", with_thousands(workload.rooms as u64));
    }
    if workload.stalled > 0 {
        let stalled = plural(workload.stalled as f64, "client");
        text += &format!(", {stalled} more that stopped reading");
    }
    if workload.vanish > 0 {
        let vanished = plural(workload.vanish as f64, "client");
        text += &format!(", {vanished} more that vanished without closing their connections");
    }
    if workload.scenario == LoadScenario::Herd {
        text += ", all of which came at once";
    }
    if workload.scenario == LoadScenario::Restart {
        text += ", the server restarted after a third of it";
    }
    if workload.repeat > 1 {
        text += &format!(", {} runs each", workload.repeat);
    }
    text
}

/// The request heads that the byte figures include.
pub fn heads(workload: &Workload) -> String {
    let head = workload.head.description();
    match workload.cookie_bytes {
        0 => format!("{head} without a cookie"),
        bytes => format!(
            "{head} with a cookie of {} bytes",
            with_thousands(bytes as u64)
        ),
    }
}

/// The number, without a fraction if it is whole.
fn number(value: f64) -> String {
    if value.fract() == 0.0 {
        with_thousands(value as u64)
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_fixtures::{document, outcome};

    #[test]
    fn each_transport_is_a_column_and_numbers_are_aligned() {
        let both = vec![outcome(Transport::Poll), outcome(Transport::Stream)];
        let text = table(&document(both));
        let lines: Vec<&str> = text.lines().collect();
        // Without TLS there are no handshakes, and no client vanished.
        let never = ROWS
            .iter()
            .filter(|row| row.is_optional && (row.cell)(&outcome(Transport::Poll)).is_none());
        assert_eq!(lines.len(), ROWS.len() - never.count() + 1);
        let width = lines[0].chars().count();
        assert!(
            lines.iter().all(|line| line.chars().count() == width),
            "{text}"
        );
        assert!(lines[0].ends_with("  stream"), "{text}");
        assert!(text.contains("400"), "wire bytes per delivery: {text}");
        assert!(text.contains("10.0 µs"), "CPU per delivery: {text}");
    }

    #[test]
    fn the_spread_of_several_runs_is_shown() {
        let mut other = outcome(Transport::Stream);
        other.server_cpu_s = Some(0.06);
        let text = table(&document(vec![outcome(Transport::Stream), other]));
        assert!(text.contains("10.0 µs – 20.0 µs"), "{text}");
        assert!(text.contains("15.0 µs"), "{text}");
    }

    #[test]
    fn only_a_clean_audit_is_mentioned() {
        let both = vec![outcome(Transport::Poll), outcome(Transport::Stream)];
        let text = audit(&document(both));
        let words = "All 6,000 of 6,000 expected deliveries came, none twice, none out of order.";
        assert_eq!(text.as_deref(), Some(words));
        let mut twice = outcome(Transport::Poll);
        twice.duplicates = 1;
        assert_eq!(audit(&document(vec![twice])), None);
    }

    #[test]
    fn an_unknown_figure_is_a_dash() {
        let mut foreign = outcome(Transport::Stream);
        foreign.server_cpu_s = None;
        let text = table(&document(vec![foreign]));
        let row = text.lines().find(|line| line.starts_with("server CPU"));
        assert!(row.is_some_and(|row| row.ends_with(" -")), "{text}");
    }

    #[test]
    fn the_question_is_described_in_words() {
        let asked = Workload {
            rate: 0.5,
            clients: 1,
            repeat: 3,
            ..Workload::default()
        };
        assert_eq!(
            workload(&asked),
            "1 client, 0.5 messages a second of 100 bytes, a poll every 2s, long-polls that wait 25s, bare heads without a \
             cookie, 30 s a run, 3 runs each"
        );
        let polls = Workload {
            transports: vec![Transport::Poll],
            new_connections: true,
            ..asked
        };
        assert_eq!(
            workload(&polls),
            "1 client, 0.5 messages a second of 100 bytes, a poll every 2s on a new connection, bare heads without a \
             cookie, 30 s a run, 3 runs each"
        );
    }
}
