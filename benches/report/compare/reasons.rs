//! Explains the break-even by the measured cost of a poll and of a push.

use poll_vs_sse_instrument::Transport;

use super::super::number::{count, plain, three_digits};
use super::{Combination, Matrix, Run};

/// The number of clients of the pushes to show: a middle one.
const CLIENTS: usize = 1000;
/// Costs that differ by less than this share are reported as about the same.
const ABOUT: f64 = 0.1;
/// The number of messages in the example of an answer with many.
const MANY: f64 = 50.0;

pub fn text(matrix: &Matrix) -> String {
    let (poll, message) = (matrix.reach.poll.server_us, matrix.reach.message.server_us);
    let mut text = format!(
        "#### Why\n\nAn empty poll takes {} µs of the server's CPU, and each message in an answer {} µs. So a poll \
         that brings {MANY} messages costs {} times as much as an empty one.",
        three_digits(poll),
        three_digits(message),
        three_digits((poll + MANY * message) / poll)
    );
    if let Some(pushes) = pushes(matrix) {
        text += &format!(" {pushes}");
    }
    text
}

/// The cost of a push by message rate.
fn pushes(matrix: &Matrix) -> Option<String> {
    let rates = matrix.rates().into_iter();
    let costs = rates.filter_map(|rate| {
        let of = Combination::ours(Transport::Stream, CLIENTS, rate, None);
        Some((rate, matrix.spread(&of, each_us)?.median))
    });
    let costs: Vec<(f64, f64)> = costs.collect();
    let (first, last) = (costs.first()?, costs.last()?);
    let told: Vec<_> = costs
        .iter()
        .map(|(rate, us)| format!("{} at {}/s", three_digits(*us), plain(*rate)))
        .collect();
    let lead = if first.1 > last.1 * (1.0 + ABOUT) {
        "more expensive if messages are rare"
    } else if last.1 > first.1 * (1.0 + ABOUT) {
        "more expensive if messages are frequent"
    } else {
        "about the same at every message rate"
    };
    Some(format!(
        "A push to one of {} clients is {lead}. In µs of CPU a delivery: {}.",
        count(CLIENTS as u64),
        told.join(", ")
    ))
}

fn each_us(run: &Run) -> Option<f64> {
    let arrivals = run.outcome.arrivals;
    (arrivals > 0).then_some(run.outcome.server_cpu_s? * 1e6 / arrivals as f64)
}
