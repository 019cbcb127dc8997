//! A bar of several parts for each transport.

use maud::{Markup, html};

use super::{axis::Axis, plot::pixels};
use crate::{Report, RunResult};

const WIDTH: f64 = 460.0;
/// Pixels of a bar with its name above it.
const ROW: f64 = 58.0;
const BAR: f64 = 20.0;
const NAME: f64 = 22.0;
/// The length of the longest bar.
const LONGEST: f64 = 452.0;

/// `of` returns a transport's parts, from the left. Returns `None` if the parts of a transport are unknown. If there
/// were several runs, a thin line shows their range.
pub fn plot(
    name: &str,
    document: &Report,
    of: impl Fn(&RunResult) -> Option<Vec<f64>>,
    unit: fn(f64) -> String,
) -> Option<Markup> {
    let outcomes = document.transports.iter();
    let all: Vec<(&RunResult, Vec<f64>)> = outcomes
        .map(|outcome| Some((outcome, of(outcome)?)))
        .collect::<Option<_>>()?;
    let spread = |outcome: &RunResult| -> Option<(f64, f64)> {
        let own = document.runs.iter();
        let own = own.filter(|run| run.transport == outcome.transport);
        let sums: Vec<f64> = own.filter_map(|run| Some(of(run)?.iter().sum())).collect();
        let least = sums.iter().copied().reduce(f64::min)?;
        let most = sums.iter().copied().reduce(f64::max)?;
        (sums.len() > 1).then_some((least, most))
    };
    let sums = all.iter().map(|(_, parts)| parts.iter().sum::<f64>());
    let most = all.iter().filter_map(|(one, _)| Some(spread(one)?.1));
    let highest = sums.chain(most).reduce(f64::max)?;
    let axis = Axis::exact(highest, 1, (0.0, LONGEST));
    let height = ROW * all.len() as f64;
    Some(html! {
        svg.plot viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label=(name) {
            @for ((outcome, parts), row) in all.iter().zip(0u32..) {
                @let top = f64::from(row) * ROW;
                @let sum: f64 = parts.iter().sum();
                g data-transport=(outcome.transport) {
                    text.name x="0" y=(top + NAME - 7.0) { (outcome.transport) }
                    text.value x=(LONGEST) y=(top + NAME - 7.0) text-anchor="end" { (unit(sum)) }
                    @for (from, to, at) in spans(parts) {
                        rect.bar.pale[at + 1 < parts.len()]
                            x=(pixels(axis.at(from))) y=(top + NAME) height=(BAR)
                            width=(pixels((axis.at(to) - axis.at(from)).max(0.5))) {}
                    }
                    @if let Some((least, most)) = spread(outcome) {
                        @let (from, to) = (pixels(axis.at(least)), pixels(axis.at(most)));
                        @let (above, middle) = (top + NAME + 4.0, top + NAME + BAR / 2.0);
                        path.spread d=(format!("M{from} {above}v12M{from} {middle}H{to}M{to} {above}v12")) {}
                    }
                }
            }
        }
    })
}

/// The beginning and the end of each part, with its number.
fn spans(parts: &[f64]) -> Vec<(f64, f64, usize)> {
    let mut end = 0.0;
    let spans = parts.iter().enumerate().map(|(at, part)| {
        let from = end;
        end += part;
        (from, end, at)
    });
    spans.collect()
}
