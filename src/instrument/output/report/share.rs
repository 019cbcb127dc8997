//! A share of the clients over time: those that are served, or those whose connections the server still holds.

use maud::{Markup, html};

use super::{
    axis::Axis,
    plot::{ACROSS, Frame, UPWARDS, path},
};
use crate::{RunResult, Steps, Transport};
use poll_vs_sse_model::format::time_us;

/// The curve of one transport.
pub struct Curve<'a> {
    transport: Transport,
    steps: &'a Steps,
    /// The number of all clients concerned.
    clients: u64,
    /// How long the clients were watched, in seconds.
    until_s: f64,
    /// Whether the share falls from all to none, or rises.
    is_falling: bool,
}

/// The share of vanished clients that the server still held; `None` if that is unknown.
pub fn vanished_curve(outcome: &RunResult) -> Option<Curve<'_>> {
    let vanished = outcome.vanished.as_ref()?;
    vanished.unseen.is_none().then_some(Curve {
        transport: outcome.transport,
        steps: &vanished.released,
        clients: vanished.clients,
        until_s: vanished.watched_s,
        is_falling: true,
    })
}

/// The share of clients that were served, if that was recorded.
pub fn served_curve(outcome: &RunResult) -> Option<Curve<'_>> {
    let until_s = outcome.served.last_s()?;
    let unserved = outcome.restart.map_or(0, |restart| restart.unserved);
    Some(Curve {
        transport: outcome.transport,
        steps: &outcome.served,
        clients: outcome.served.clients() + unserved,
        until_s,
        is_falling: false,
    })
}

/// `None` without a curve. `name` describes the plot for screen readers.
pub fn plot(name: &str, curves: &[Curve<'_>]) -> Option<Markup> {
    let last = curves.iter().map(|curve| curve.until_s).reduce(f64::max)?;
    let x = Axis::exact(last, 5, ACROSS);
    let y = Axis::linear(100.0, 4, UPWARDS);
    let frame = Frame {
        of: name,
        x: &x,
        y: &y,
        x_label: &tick,
        y_label: &|percent| format!("{percent:.0} %"),
    };
    Some(frame.around(&html! {
        @for curve in curves {
            path.line data-transport=(curve.transport)
                d=(path(curve.points(last).map(|(second, share)| (x.at(second), y.at(share))))) {}
        }
    }))
}

impl Curve<'_> {
    /// The points of the step line, in seconds and percent, up to `last`.
    fn points(&self, last: f64) -> impl Iterator<Item = (f64, f64)> {
        let mut happened = 0;
        let share = |happened: u64| {
            let share = 100.0 * happened as f64 / self.clients.max(1) as f64;
            if self.is_falling {
                100.0 - share
            } else {
                share
            }
        };
        let mut points = vec![(0.0, share(0))];
        for step in &self.steps.0 {
            points.push((step.after_s, share(happened)));
            happened += step.clients;
            points.push((step.after_s, share(happened)));
        }
        points.push((last, share(happened)));
        points.into_iter()
    }
}

/// A time without superfluous digits.
fn tick(seconds: f64) -> String {
    if seconds == 0.0 {
        return "0".to_owned();
    }
    time_us(seconds * 1e6)
        .replace(".00 ", " ")
        .replace(".0 ", " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_falls_step_by_step_and_stays() {
        let steps = Steps::from_times([1.0, 3.0]);
        let curve = Curve {
            transport: Transport::Stream,
            steps: &steps,
            clients: 4,
            until_s: 10.0,
            is_falling: true,
        };
        let points: Vec<_> = curve.points(10.0).collect();
        let wanted = [
            (0.0, 100.0),
            (1.0, 100.0),
            (1.0, 75.0),
            (3.0, 75.0),
            (3.0, 50.0),
            (10.0, 50.0),
        ];
        assert_eq!(points, wanted);
    }
}
