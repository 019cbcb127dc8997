//! The matrix as tables: one row for each number of clients and message rate, one column for each transport. Ratios
//! compare figures of the same round; a cell has their median and range over the rounds.

use poll_vs_sse_instrument::Transport;
use poll_vs_sse_model::RequestHead;

use super::super::number::{count, milliseconds, plain, three_digits};
use super::{Combination, FLOOR, Matrix, NCHAN, Run};

/// The measured combinations, the skipped ones, and the runs to read with care.
pub fn scope(matrix: &Matrix) -> String {
    let reach = &matrix.reach;
    let total = matrix.runs.len();
    let deliveries: u64 = matrix.runs.iter().map(|run| run.outcome.deliveries).sum();
    let mut text = format!(
        "{} runs of {} combinations delivered {} messages. Every message was audited: none was missed, repeated or \
         out of order. Texts have {} bytes; requests have {}. On this machine, the more expensive of the two sides \
         needs {} µs of CPU for a push, {} µs for an empty poll, and {} µs for each further message in an answer. \
         Combinations that would take more than {} % of a processor were left out{}.",
        count(total as u64),
        count(combinations(matrix)),
        count(deliveries),
        matrix.size_bytes,
        match matrix.head {
            RequestHead::Bare => "bare heads",
            _ => "the heads that Chromium sends",
        },
        three_digits(reach.push.dearer()),
        three_digits(reach.poll.dearer()),
        three_digits(reach.message.dearer()),
        (reach.most * 100.0).round(),
        match matrix.skipped.len() {
            0 => String::new(),
            _ => "; the list below has all that were left out".to_owned(),
        }
    );
    let held_up = matrix.runs.iter().filter(|run| run.is_held_up());
    let behind = matrix.runs.iter().filter(|run| run.is_behind());
    text += &format!(
        " † marks runs in which the load generator was near its limit or late (more than 85 % of its core, one in a \
         hundred timers more than 10 ms late, or a message sent more than 20 ms late): {} runs. ‡ marks runs in \
         which deliveries fell behind the messages that were due: {} runs. If a figure was measured more than once, \
         its range follows in brackets.",
        held_up.count(),
        behind.count()
    );
    if !matrix.skipped.is_empty() {
        text += "\n\nLeft out:\n";
        for reason in reasons(matrix) {
            let of_reason = matrix.skipped.iter().filter(|one| one.why == reason);
            let names: Vec<_> = of_reason.map(|one| named(&one.of)).collect();
            text += &format!("\n- {reason}: {}", names.join("; "));
        }
    }
    text
}

/// The reasons for skipping combinations, without duplicates, in the order of their first use.
fn reasons(matrix: &Matrix) -> Vec<&str> {
    let mut all: Vec<&str> = Vec::new();
    for one in &matrix.skipped {
        if !all.contains(&one.why.as_str()) {
            all.push(&one.why);
        }
    }
    all
}

fn combinations(matrix: &Matrix) -> u64 {
    let first = matrix.runs.iter().filter(|run| run.outcome.round == 1);
    first.count() as u64
}

fn named(of: &Combination) -> String {
    format!(
        "{} clients, {}/s, {} of {}",
        count(of.clients as u64),
        plain(of.rate),
        of.way(),
        of.subject
    )
}

/// Server CPU relative to that of the stream.
pub fn cpu(matrix: &Matrix) -> String {
    let title = "#### Server CPU\n\nFor SSE: the share of one core, and µs a delivery. For the others: multiples of \
                 SSE's CPU, at the same load in the same round. If SSE was not measured at a load, the others have \
                 their own figures.";
    let alone = |of: &Combination| {
        let share = matrix.spread(of, Run::cpu)?.median * 100.0;
        let each = matrix.spread(of, |run| {
            Some(run.outcome.server_cpu_s? * 1e6 / run.outcome.arrivals.max(1) as f64)
        })?;
        Some(format!(
            "{} % · {} µs",
            three_digits(share),
            three_digits(each.median)
        ))
    };
    by_load(matrix, title, Marks::All, alone, Run::cpu)
}

/// Wire bytes relative to those of the stream.
pub fn wire(matrix: &Matrix) -> String {
    let title = "#### Wire bytes\n\nBytes in both directions, with the heads that Chromium sends. For SSE: bytes a \
                 delivery. For the others: multiples of SSE's bytes. If SSE was not measured at a load, the others \
                 have their own figures.";
    bytes(matrix, title, |run| Some(run.wire()))
}

/// The same without the headers that a browser adds to a request.
pub fn wire_with_bare_heads(matrix: &Matrix) -> String {
    let title = "#### Wire bytes with bare heads\n\nThe same without the headers that a browser adds. They have the \
                 same length in each request, and this table subtracts them.";
    bytes(matrix, title, |run| Some(run.wire_with_bare_heads()))
}

fn bytes(matrix: &Matrix, title: &str, a_second: fn(&Run) -> Option<f64>) -> String {
    let alone = |of: &Combination| {
        let each = matrix.spread(of, |run| {
            let bytes = a_second(run)? * run.outcome.duration_s;
            Some(bytes / run.outcome.arrivals.max(1) as f64)
        })?;
        Some(format!("{} B", three_digits(each.median)))
    };
    by_load(matrix, title, Marks::Behind, alone, a_second)
}

/// Delays in milliseconds. A ratio would be meaningless, because a poll's delay depends on its interval.
pub fn delay(matrix: &Matrix) -> String {
    let title = "#### Delay\n\nMilliseconds from the time a message was due to be sent until a client had read \
                 it: p50 / p99, medians over the rounds.";
    let cell = |of: &Combination| {
        let quantile = |at: fn(&Run) -> Option<f64>| matrix.spread(of, at);
        let p50 = quantile(|run| Some(run.outcome.delay_us?.p50 as f64))?.median;
        let p99 = quantile(|run| Some(run.outcome.delay_us?.p99 as f64))?.median;
        Some(format!("{} / {}", milliseconds(p50), milliseconds(p99)))
    };
    table(matrix, title, Marks::All, cell, |of, _| cell(of))
}

/// The stream's figure, and those of the others as multiples of it. Without a figure for the stream, the others' own
/// figures.
fn by_load(
    matrix: &Matrix,
    title: &str,
    marks: Marks,
    alone: impl Fn(&Combination) -> Option<String>,
    figure: fn(&Run) -> Option<f64>,
) -> String {
    let other = |of: &Combination, stream: &Combination| match matrix.runs_of(stream).next() {
        Some(_) => Some(matrix.ratio(of, stream, figure)?.ratio()),
        None => alone(of),
    };
    table(matrix, title, marks, &alone, other)
}

/// One row for each load.
fn table(
    matrix: &Matrix,
    title: &str,
    marks: Marks,
    stream: impl Fn(&Combination) -> Option<String>,
    other: impl Fn(&Combination, &Combination) -> Option<String>,
) -> String {
    let mut head = vec![
        "clients".to_owned(),
        "messages/s".to_owned(),
        "SSE".to_owned(),
    ];
    head.push("long-poll".to_owned());
    let intervals = matrix.intervals();
    head.extend(
        intervals
            .iter()
            .map(|interval| format!("poll, {interval} s")),
    );
    let mut text = format!("{title}\n\n| {} |\n|", head.join(" | "));
    text += &"---|".repeat(head.len());
    for clients in matrix.clients() {
        for rate in matrix.rates() {
            let of = |transport, interval| Combination::ours(transport, clients, rate, interval);
            let base = of(Transport::Stream, None);
            let mut row = vec![count(clients as u64), plain(rate)];
            row.push(marked(matrix, &base, marks, stream(&base)));
            let long_poll = of(Transport::LongPoll, None);
            let polls = intervals.iter().map(|s| of(Transport::Poll, Some(*s)));
            for one in std::iter::once(long_poll).chain(polls) {
                row.push(marked(matrix, &one, marks, other(&one, &base)));
            }
            text += &format!("\n| {} |", row.join(" | "));
        }
    }
    text
}

/// Which marks a table has. A table of bytes needs no marks for lateness.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Marks {
    All,
    Behind,
}

/// A cell with the marks for its runs.
fn marked(matrix: &Matrix, of: &Combination, marks: Marks, cell: Option<String>) -> String {
    let Some(mut cell) = cell else {
        return "–".to_owned();
    };
    if marks == Marks::All && matrix.runs_of(of).any(Run::is_held_up) {
        cell += " †";
    }
    if matrix.runs_of(of).any(Run::is_behind) {
        cell += " ‡";
    }
    cell
}

/// Memory of the server for each client, for loads with enough clients for a meaningful figure.
pub fn memory(matrix: &Matrix) -> String {
    const ENOUGH: usize = 1000;
    const RATE: f64 = 1.0;
    let intervals = matrix.intervals();
    let ways: Vec<_> = [(Transport::Stream, None), (Transport::LongPoll, None)]
        .into_iter()
        .chain(
            intervals
                .last()
                .map(|interval| (Transport::Poll, Some(*interval))),
        )
        .collect();
    let names = ways
        .iter()
        .map(|(transport, interval)| Combination::ours(*transport, 0, RATE, *interval).way());
    let names: Vec<_> = names.collect();
    let mut text = format!(
        "#### Memory\n\nKiB of the server's process for each client, at {RATE} message a second: the growth of \
         its proportional set size from before the clients connected to the end of the run. It includes the \
         messages that the server keeps.\n\n| clients | {} |\n|---|{}",
        names.join(" | "),
        "---|".repeat(ways.len())
    );
    for clients in matrix.clients().into_iter().filter(|n| *n >= ENOUGH) {
        let cells = ways.iter().map(|(transport, interval)| {
            let of = Combination::ours(*transport, clients, RATE, *interval);
            let each = matrix.spread(&of, Run::memory);
            each.map_or("–".to_owned(), |each| three_digits(each.median / 1024.0))
        });
        let cells: Vec<_> = cells.collect();
        text += &format!("\n| {} | {} |", count(clients as u64), cells.join(" | "));
    }
    text
}

/// Our server and nchan compared with the bare loop and with each other.
pub fn others(matrix: &Matrix) -> String {
    let mut rows = Vec::new();
    let mut loads: Vec<&Combination> = Vec::new();
    let others = [FLOOR, NCHAN];
    for run in matrix
        .runs
        .iter()
        .filter(|run| others.contains(&run.of.subject.as_str()))
    {
        let is_known = loads.iter().any(|load| load.on("") == run.of.on(""));
        if !is_known {
            loads.push(&run.of);
        }
    }
    for load in loads {
        let ours = load.on(super::OURS);
        let to = |subject: &str| {
            let ratio = matrix.ratio(&ours, &load.on(subject), Run::cpu);
            ratio.map_or("–".to_owned(), |ratio| ratio.ratio())
        };
        rows.push(format!(
            "| {} | {} | {} | {} | {} |",
            count(load.clients as u64),
            plain(load.rate),
            load.way(),
            to(FLOOR),
            to(NCHAN)
        ));
    }
    if rows.is_empty() {
        return "#### Other servers\n\nNo other server was measured in this run.".to_owned();
    }
    format!(
        "#### Compared with the bare write loop and nchan\n\nThe CPU of our server divided by that of the other, at the \
         same load in the same round. The bare loop makes one `write(2)` per subscriber and does nothing else. \
         nchan gets the message as JSON of the same length as ours, and answers a poll with one message at a time. \
         If several messages are due at once, our server joins them into one write and the bare loop does not, so \
         the ratio may be below 1.\n\n| clients | messages/s | by | over the bare loop | over nchan |\n|---|---|---|---|---|\n{}",
        rows.join("\n")
    )
}
