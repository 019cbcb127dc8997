//! The parts that all plots with two axes share: frame, gridlines and labels.

use maud::{Markup, html};

use super::axis::Axis;
use poll_vs_sse_model::format::significant;

pub const WIDTH: f64 = 460.0;
pub const HEIGHT: f64 = 240.0;
/// The area of the data, pixels: left to right, and bottom to top.
pub const ACROSS: (f64, f64) = (52.0, 448.0);
pub const UPWARDS: (f64, f64) = (206.0, 12.0);

/// One plot. `of` describes it for screen readers.
pub struct Frame<'a> {
    pub of: &'a str,
    pub x: &'a Axis,
    pub y: &'a Axis,
    pub x_label: &'a dyn Fn(f64) -> String,
    pub y_label: &'a dyn Fn(f64) -> String,
}

impl Frame<'_> {
    pub fn around(&self, data: &Markup) -> Markup {
        let (left, right) = ACROSS;
        let (bottom, _) = UPWARDS;
        html! {
            svg.plot viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(self.of) {
                g.grid {
                    @for tick in &self.y.ticks {
                        @let y = pixels(self.y.at(*tick));
                        path d=(format!("M{left} {y}H{right}")) {}
                        text x=(left - 8.0) y=(y) dy="0.32em" text-anchor="end" { ((self.y_label)(*tick)) }
                    }
                    @for tick in &self.x.ticks {
                        @let x = pixels(self.x.at(*tick));
                        path d=(format!("M{x} {bottom}v4")) {}
                        text x=(x) y=(bottom + 20.0) text-anchor="middle" { ((self.x_label)(*tick)) }
                    }
                }
                path.base d=(format!("M{left} {bottom}H{right}")) {}
                (data)
            }
        }
    }
}

/// Rounds to the precision that can be seen.
pub fn pixels(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// A tick's value, without a fraction if it is a whole number.
pub fn plain(value: f64) -> String {
    let text = significant(value);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A path through `points`.
pub fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (x, y) in points {
        path += if path.is_empty() { "M" } else { "L" };
        path += &format!("{} {}", pixels(x), pixels(y));
    }
    path
}
