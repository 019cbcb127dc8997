//! The distribution of delays: the share of deliveries, or of rooms, that had at most a given delay.

use maud::{Markup, html};

use super::{
    axis::Axis,
    plot::{ACROSS, Frame, UPWARDS, path},
};
use crate::{Bucket, RunResult, Transport};
use poll_vs_sse_model::format::time_us;

/// The distribution of one transport.
type Distribution<'a> = (Transport, &'a [Bucket]);

/// The distribution for deliveries; `None` if nothing was delivered.
pub fn of_deliveries(outcomes: &[RunResult]) -> Option<Markup> {
    let each = outcomes
        .iter()
        .map(|one| (one.transport, &*one.delay_buckets));
    plot(
        "Share of deliveries seen within a time, for each transport",
        &each.collect::<Vec<_>>(),
    )
}

/// The distribution of the rooms' mean delays; `None` if nothing was delivered.
pub fn of_rooms(outcomes: &[RunResult]) -> Option<Markup> {
    let each = outcomes.iter().filter_map(|one| {
        let rooms = one.rooms.as_ref()?;
        Some((one.transport, &*rooms.mean_delay_buckets))
    });
    plot(
        "Share of rooms whose messages took at most a time on average, for each transport",
        &each.collect::<Vec<_>>(),
    )
}

fn plot(name: &str, all: &[Distribution<'_>]) -> Option<Markup> {
    let buckets = || all.iter().flat_map(|(_, buckets)| *buckets);
    let low = buckets().map(|bucket| bucket.le_us).min()?;
    let high = buckets().map(|bucket| bucket.le_us).max()?;
    let x = Axis::log(low.max(1) as f64, high.max(1) as f64, ACROSS);
    let y = Axis::linear(100.0, 4, UPWARDS);
    let frame = Frame {
        of: name,
        x: &x,
        y: &y,
        x_label: &tick,
        y_label: &|percent| format!("{percent:.0} %"),
    };
    Some(frame.around(&html! {
        @for (transport, buckets) in all {
            path.line data-transport=(transport) d=(path(steps(buckets, &x, &y))) {}
        }
    }))
}

/// The points of a step line, with a step at each bucket.
fn steps(buckets: &[Bucket], x: &Axis, y: &Axis) -> impl Iterator<Item = (f64, f64)> {
    let all: u64 = buckets.iter().map(|bucket| bucket.count).sum();
    let mut before = 0;
    let steps = buckets.iter().flat_map(move |bucket| {
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
