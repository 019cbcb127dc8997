//! The model compared with the matrix of `cargo bench --bench compare`, in `docs/model.md`: runs that the model was not
//! fitted to.

use poll_vs_sse_model::{
    MatrixErrors, Model, Transport,
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

/// How far the model is off in the cells of the matrix.
pub fn errors(model: &Model, matrix: &Matrix) -> MatrixErrors {
    let mut factors = Vec::new();
    let mut light_load: f64 = 0.0;
    for clients in matrix.clients() {
        for rate in matrix.rates() {
            let of =
                |transport, interval_s| Combination::ours(transport, clients, rate, interval_s);
            let stream = of(Transport::Stream, None);
            for interval_s in matrix.intervals() {
                let poll = of(Transport::Poll, Some(interval_s));
                let Some((measured, ratio)) = ratios(model, matrix, &poll, &stream) else {
                    continue;
                };
                let factor = (ratio / measured).max(measured / ratio);
                factors.push(factor);
                if factor > MatrixErrors::FAR {
                    light_load = light_load.max(computed(model, matrix.size_bytes as f64, &poll));
                }
            }
        }
    }
    factors.sort_by(f64::total_cmp);
    MatrixErrors {
        ratio_median: factors.get(factors.len() / 2).copied().unwrap_or(1.0),
        ratio_worst: factors.last().copied().unwrap_or(1.0),
        // To a whole percent, so that plans for these cells are surely below it.
        light_load: (light_load * 100.0).ceil() / 100.0,
    }
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
    let (mut count, mut agree) = (0, 0);
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
                count += 1;
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
    let errors = errors(model, matrix);
    format!(
        "In {agree} of {} cells both say the same of which is cheaper. Half of the ratios are off by a factor of less \
         than {}, the worst by {}. All ratios that are off by more than {} times are of polls that keep a core busy for \
         {} % of the time or less, by the model; `plan` marks such a load as beyond what the model knows.\n\n{text}",
        count,
        significant(errors.ratio_median),
        significant(errors.ratio_worst),
        MatrixErrors::FAR,
        significant(errors.light_load * 100.0),
    )
}
