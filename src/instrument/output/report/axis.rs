//! The ticks of an axis, and the position of a value on it.

/// A linear or logarithmic axis.
#[derive(Debug, Clone)]
pub struct Axis {
    low: f64,
    high: f64,
    is_log: bool,
    /// Pixels of `low` and of `high`.
    from: f64,
    to: f64,
    pub ticks: Vec<f64>,
}

impl Axis {
    /// An axis from 0 to `high` or a little above, with about `count` ticks at round numbers.
    pub fn linear(high: f64, count: usize, (from, to): (f64, f64)) -> Self {
        let high = if high > 0.0 { high } else { 1.0 };
        let step = round(high / count.max(1) as f64);
        let steps = (high / step - 1e-9).ceil().max(1.0);
        Self {
            low: 0.0,
            high: step * steps,
            is_log: false,
            from,
            to,
            ticks: (0..=steps as u32).map(|n| f64::from(n) * step).collect(),
        }
    }

    /// An axis from 0 to exactly `high`, with about `count` ticks at round numbers.
    pub fn exact(high: f64, count: usize, (from, to): (f64, f64)) -> Self {
        let high = if high > 0.0 { high } else { 1.0 };
        let step = round(high / count.max(1) as f64);
        Self {
            low: 0.0,
            high,
            is_log: false,
            from,
            to,
            ticks: (0..=(high / step) as u32)
                .map(|n| f64::from(n) * step)
                .collect(),
        }
    }

    /// A logarithmic axis between powers of ten around `low` and `high`, which must be above 0.
    pub fn log(low: f64, high: f64, (from, to): (f64, f64)) -> Self {
        let first = low.log10().floor();
        let last = high.log10().ceil().max(first + 1.0);
        let decades = (last - first).round() as i32;
        Self {
            low: 10f64.powf(first),
            high: 10f64.powf(last),
            is_log: true,
            from,
            to,
            ticks: (0..=decades)
                .map(|n| 10f64.powf(first + f64::from(n)))
                .collect(),
        }
    }

    /// Pixels.
    pub fn at(&self, value: f64) -> f64 {
        let share = if self.is_log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }
}

/// The next round number.
fn round(rough: f64) -> f64 {
    let ten = 10f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0].map(|times| times * ten);
    let fitting = steps.into_iter().find(|step| *step >= rough * 0.999);
    fitting.unwrap_or(10.0 * ten)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_ticks_are_round_and_reach_the_highest_value() {
        let axis = Axis::linear(1234.0, 4, (0.0, 100.0));
        assert_eq!(axis.ticks, [0.0, 500.0, 1000.0, 1500.0]);
        assert_eq!((axis.at(0.0), axis.at(1500.0)), (0.0, 100.0));
        assert_eq!(
            Axis::linear(0.0, 4, (0.0, 1.0)).ticks.first(),
            Some(&0.0),
            "an axis without values still has a range"
        );
        assert_eq!(
            Axis::exact(12.0, 5, (0.0, 1.0)).ticks,
            [0.0, 2.5, 5.0, 7.5, 10.0]
        );
        assert_eq!(Axis::linear(10.0, 5, (0.0, 1.0)).ticks.last(), Some(&10.0));
    }

    #[test]
    fn logarithmic_ticks_are_powers_of_ten_around_the_values() {
        let axis = Axis::log(350.0, 20_000.0, (0.0, 300.0));
        let ticks: Vec<u64> = axis.ticks.iter().map(|tick| tick.round() as u64).collect();
        assert_eq!(ticks, [100, 1000, 10_000, 100_000]);
        assert!((axis.at(1000.0) - 100.0).abs() < 1e-6);
        assert_eq!(axis.at(1.0), 0.0, "a value below the axis is at its edge");
        assert_eq!(Axis::log(1000.0, 1000.0, (0.0, 1.0)).ticks.len(), 2);
    }
}
