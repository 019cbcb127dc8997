//! The distribution of delays: which share of deliveries was seen within which time.

use maud::{Markup, html};

use super::{
    axis::Axis,
    plot::{ACROSS, Frame, UPWARDS, path},
};
use crate::RunResult;
use poll_vs_sse_model::format::time_us;

/// `None` if nothing was delivered.
pub fn plot(outcomes: &[RunResult]) -> Option<Markup> {
    let buckets = || outcomes.iter().flat_map(|one| &one.delay_buckets);
    let low = buckets().map(|bucket| bucket.le_us).min()?;
    let high = buckets().map(|bucket| bucket.le_us).max()?;
    let x = Axis::log(low.max(1) as f64, high.max(1) as f64, ACROSS);
    let y = Axis::linear(100.0, 4, UPWARDS);
    let frame = Frame {
        of: "Share of deliveries seen within a time, for each transport",
        x: &x,
        y: &y,
        x_label: &tick,
        y_label: &|percent| format!("{percent:.0} %"),
    };
    Some(frame.around(&html! {
        @for outcome in outcomes {
            path.line data-transport=(outcome.transport) d=(path(steps(outcome, &x, &y))) {}
        }
    }))
}

/// A step at each bucket, up to all deliveries.
fn steps(outcome: &RunResult, x: &Axis, y: &Axis) -> impl Iterator<Item = (f64, f64)> {
    let all: u64 = outcome
        .delay_buckets
        .iter()
        .map(|bucket| bucket.count)
        .sum();
    let mut before = 0;
    let steps = outcome.delay_buckets.iter().flat_map(move |bucket| {
        let place = x.at(bucket.le_us as f64);
        let from = before;
        before += bucket.count;
        let share = |count: u64| y.at(count as f64 * 100.0 / all as f64);
        [(place, share(from)), (place, share(before))]
    });
    steps.collect::<Vec<_>>().into_iter()
}

/// A power of ten without a fraction.
fn tick(us: f64) -> String {
    time_us(us)
        .replace(".00 ", " ")
        .replace(".0 ", " ")
        .replace("1,000 ms", "1 s")
}
