//! The length of the runs, and the number of messages and repetitions behind each figure.

use poll_vs_sse_instrument::Transport;

use super::super::number::{plain, three_digits};
use super::{Combination, Matrix, OURS, Run};

/// A table by message rate and way. The number of clients changes only the number of runs.
pub fn text(matrix: &Matrix) -> String {
    let of = |transport, interval| Combination::ours(transport, 0, 0.0, interval).way();
    let polls = matrix.intervals().into_iter();
    let mut ways = vec![of(Transport::Stream, None), of(Transport::LongPoll, None)];
    ways.extend(polls.map(|interval| of(Transport::Poll, Some(interval))));
    let mut text = format!(
        "#### Length of a run\n\nThe measured seconds, the messages published in them, and the runs of each \
         combination. They do not include the warm-up before and the arrival of the last messages after.\n\n\
         | messages/s | {} |\n|---|{}",
        ways.join(" | "),
        "---|".repeat(ways.len())
    );
    for rate in matrix.rates() {
        let cells = ways.iter().map(|way| {
            let runs = ours(matrix).filter(|run| run.of.rate == rate && run.of.way() == *way);
            cell(matrix, &runs.collect::<Vec<_>>())
        });
        let cells: Vec<_> = cells.collect();
        text += &format!("\n| {} | {} |", plain(rate), cells.join(" | "));
    }
    text
}

fn ours(matrix: &Matrix) -> impl Iterator<Item = &Run> {
    matrix.runs.iter().filter(|run| run.of.subject == OURS)
}

/// `6.00 s · 6 messages · 2 runs`.
fn cell(matrix: &Matrix, runs: &[&Run]) -> String {
    let Some(first) = runs.first() else {
        return "–".to_owned();
    };
    let repeats = runs.iter().map(|run| matrix.runs_of(&run.of).count());
    let least = repeats.clone().min().unwrap_or(0);
    let most = repeats.max().unwrap_or(0);
    let plural = |count: u64, one: &str| {
        let s = if count == 1 { "" } else { "s" };
        format!("{count} {one}{s}")
    };
    let repeats = match least == most {
        true => plural(most as u64, "run"),
        false => format!("{least} to {most} runs"),
    };
    format!(
        "{} s · {} · {repeats}",
        three_digits(first.outcome.duration_s),
        plural(first.outcome.published, "message")
    )
}
