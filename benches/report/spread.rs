//! The median of some values, and their range.

use serde::{Deserialize, Serialize};

/// Median and extremes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
    /// The number of values. 0 in older files, which did not record it; it was more than one.
    #[serde(default)]
    pub count: usize,
}

/// The spread of some values; `None` if there are none.
pub fn spread(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(*sorted.get(middle.checked_sub(1)?)?, sorted[middle])
    };
    Some(Spread {
        median,
        min: *sorted.first()?,
        max: *sorted.last()?,
        count: sorted.len(),
    })
}

impl Spread {
    /// `1.10 (1.05–1.20)`; only the value if there is a single one.
    pub fn ratio(&self) -> String {
        let digits = match self.median {
            ..10.0 => 2,
            ..100.0 => 1,
            _ => 0,
        };
        let Self {
            median, min, max, ..
        } = self;
        if self.count == 1 {
            return format!("{median:.digits$}");
        }
        format!("{median:.digits$} ({min:.digits$}–{max:.digits$})")
    }
}

/// A ratio for a table's cell; a dash if there is none.
pub fn ratio(spread: Option<Spread>) -> String {
    spread.map_or("–".to_owned(), |it| it.ratio())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_even_number_is_between_two() {
        let spread = spread([4.0, 1.0, 3.0, 2.0]).expect("values");
        assert_eq!((spread.median, spread.min, spread.max), (2.5, 1.0, 4.0));
        assert_eq!(spread.ratio(), "2.50 (1.00–4.00)");
    }

    #[test]
    fn a_single_value_has_no_range() {
        assert_eq!(super::spread([4.0]).expect("one").ratio(), "4.00");
    }
}
