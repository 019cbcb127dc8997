//! Requests over the measured time.

use maud::{Markup, html};

use super::{
    axis::Axis,
    plot::{ACROSS, Frame, UPWARDS, path, pixels, plain},
};
use crate::{Report, RunResult};

/// More points than this cannot be distinguished.
const MAX_POINTS: usize = 240;

/// `None` if nothing was measured.
pub fn plot(document: &Report) -> Option<Markup> {
    let all: Vec<(&RunResult, Vec<(f64, f64)>)> = document
        .transports
        .iter()
        .map(|outcome| (outcome, rates(document, outcome)))
        .collect();
    let points = || all.iter().flat_map(|(_, points)| points);
    let last = document
        .transports
        .iter()
        .map(|one| one.timeline.len())
        .max()? as f64;
    let highest = points().map(|(_, rate)| *rate).reduce(f64::max)?;
    let x = Axis::exact(last, 5, ACROSS);
    let y = Axis::linear(highest, 4, UPWARDS);
    let frame = Frame {
        of: "Requests a second over the measured time, for each transport",
        x: &x,
        y: &y,
        x_label: &|second| format!("{} s", plain(second)),
        y_label: &plain,
    };
    Some(frame.around(&html! {
        @for (outcome, points) in &all {
            // A line needs two points.
            @if let [(second, rate)] = points[..] {
                circle.point data-transport=(outcome.transport)
                    cx=(pixels(x.at(second))) cy=(pixels(y.at(rate))) r="4" {}
            }
            path.line data-transport=(outcome.transport)
                d=(path(points.iter().map(|(second, rate)| (x.at(*second), y.at(*rate))))) {}
        }
    }))
}

/// Seconds and the requests a second around each, of one run or the mean of several.
fn rates(document: &Report, outcome: &RunResult) -> Vec<(f64, f64)> {
    let own = document
        .runs
        .iter()
        .filter(|run| run.transport == outcome.transport);
    let durations: Vec<f64> = own.map(|run| run.duration_s).collect();
    let timeline = &outcome.timeline;
    let width = timeline.len().div_ceil(MAX_POINTS).max(1);
    let groups = timeline.chunks(width).zip(0..);
    let rates = groups.filter_map(|(group, number)| {
        let begin = (number * width) as f64;
        let end = begin + group.len() as f64;
        // The last second of a run may be incomplete, and too short for a rate.
        let seconds: f64 = durations
            .iter()
            .map(|duration| (duration.min(end) - begin).max(0.0))
            .sum();
        let enough = seconds > 0.25 * (group.len() * durations.len()) as f64;
        let requests: u64 = group.iter().map(|second| second.requests).sum();
        enough.then(|| ((begin + end) / 2.0, requests as f64 / seconds))
    });
    rates.collect()
}
