//! The growth of the server's memory with clients that stopped reading.

use maud::{Markup, html};

use super::{
    axis::Axis,
    plot::{ACROSS, Frame, UPWARDS, path, plain},
};
use crate::{MemorySample, RunResult};

const MIB: f64 = 1024.0 * 1024.0;

/// `None` if the memory could not be read.
pub fn plot(outcomes: &[RunResult]) -> Option<Markup> {
    let samples = || outcomes.iter().flat_map(|one| &one.stalled_memory);
    let last = samples().map(|sample| sample.after_s).reduce(f64::max)?;
    let highest = outcomes
        .iter()
        .flat_map(|one| growth(&one.stalled_memory))
        .map(|(_, mib)| mib)
        .reduce(f64::max)?;
    let x = Axis::exact(last, 5, ACROSS);
    let y = Axis::linear(highest, 4, UPWARDS);
    let frame = Frame {
        of: "Growth of the server's memory in MiB, for each transport",
        x: &x,
        y: &y,
        x_label: &|second| format!("{} s", plain(second)),
        y_label: &plain,
    };
    Some(frame.around(&html! {
        @for outcome in outcomes {
            path.line data-transport=(outcome.transport)
                d=(path(growth(&outcome.stalled_memory).map(|(second, mib)| (x.at(second), y.at(mib))))) {}
        }
    }))
}

/// Seconds, and MiB beyond the first sample; a sample below the first one counts as no growth.
fn growth(samples: &[MemorySample]) -> impl Iterator<Item = (f64, f64)> {
    let first = samples.first().map_or(0, |sample| sample.bytes);
    samples.iter().map(move |sample| {
        let grown = sample.bytes.saturating_sub(first);
        (sample.after_s, grown as f64 / MIB)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_counts_from_the_first_sample_and_is_never_negative() {
        let sample = |after_s, mib: u64| MemorySample {
            after_s,
            bytes: mib * 1024 * 1024,
        };
        let samples = [sample(0.0, 20), sample(0.5, 26), sample(1.0, 19)];
        let points: Vec<_> = growth(&samples).collect();
        assert_eq!(points, [(0.0, 0.0), (0.5, 6.0), (1.0, 0.0)]);
    }
}
