//! The model compared with the matrix of `cargo bench --bench compare`, in `docs/model.md`: runs that the model was not
//! fitted to.

use poll_vs_sse_model::{
    Model, Transport,
    format::{significant, with_thousands},
};

use super::bench_load::scenario;
use super::report::compare::{Combination, Matrix, Run};

/// A transport's cores at a combination's load, by the model.
fn computed(model: &Model, size: f64, of: &Combination) -> f64 {
    let interval_s = of.interval_s.unwrap_or(1.0);
    let scenario = scenario(of.clients as f64, of.rate, size, interval_s);
    model.cost(of.transport, &scenario).cpu.total()
}

/// Polling's CPU as a multiple of SSE's, measured and computed. `None` if it was not measured.
fn ratios(
    model: &Model,
    matrix: &Matrix,
    poll: &Combination,
    stream: &Combination,
) -> Option<(f64, f64)> {
    let measured = matrix.ratio(poll, stream, Run::cpu)?.median;
    let [poll, stream] = [poll, stream].map(|of| computed(model, matrix.size_bytes as f64, of));
    Some((measured, poll / stream))
}

/// The ratio of polling's CPU to that of SSE in each cell, measured and computed.
pub fn table(model: &Model, matrix: &Matrix) -> String {
    let intervals = matrix.intervals();
    let heads = intervals.iter().map(|s| format!("every {s} s | the model"));
    let heads: Vec<String> = heads.collect();
    let mut text = format!(
        "| clients | messages/s | {} |\n|---|---|{}\n",
        heads.join(" | "),
        "---|---|".repeat(intervals.len())
    );
    let (mut factors, mut agree) = (Vec::new(), 0);
    for clients in matrix.clients() {
        for rate in matrix.rates() {
            let of =
                |transport, interval_s| Combination::ours(transport, clients, rate, interval_s);
            let stream = of(Transport::Stream, None);
            let cells = intervals.iter().map(|interval_s| {
                let poll = of(Transport::Poll, Some(*interval_s));
                ratios(model, matrix, &poll, &stream)
            });
            let cells: Vec<_> = cells.collect();
            for (measured, computed) in cells.iter().flatten() {
                factors.push((computed / measured).max(measured / computed));
                agree += usize::from((*measured < 1.0) == (*computed < 1.0));
            }
            let cells = cells.iter().map(|cell| match cell {
                Some((measured, computed)) => {
                    format!("{} | {}", significant(*measured), significant(*computed))
                }
                None => "– | –".to_owned(),
            });
            let cells: Vec<String> = cells.collect();
            text += &format!(
                "| {} | {} | {} |\n",
                with_thousands(clients as u64),
                significant(rate),
                cells.join(" | ")
            );
        }
    }
    factors.sort_by(f64::total_cmp);
    let middle = factors.get(factors.len() / 2).copied().unwrap_or(1.0);
    let worst = factors.last().copied().unwrap_or(1.0);
    format!(
        "In {agree} of {} cells both say the same of which is cheaper. Half of the ratios are off by a factor of less \
         than {}, the worst by {}.\n\n{text}",
        factors.len(),
        significant(middle),
        significant(worst),
    )
}
