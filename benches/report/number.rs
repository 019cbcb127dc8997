//! Formats figures for readers.

pub use poll_vs_sse_model::format::with_thousands as count;

/// Three significant digits, without an exponent: `0.0123`, `1.23`, `1,230`.
pub fn three_digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor() as i32;
    let digits = (2 - magnitude).clamp(0, 6) as usize;
    let scale = 10f64.powi((magnitude - 2).max(0));
    let rounded = (value / scale).round() * scale;
    match magnitude {
        3.. => count(rounded as u64),
        _ => format!("{value:.digits$}"),
    }
}

/// Microseconds as milliseconds with three digits.
pub fn milliseconds(us: f64) -> String {
    three_digits(us / 1000.0)
}

/// A number without trailing zeros: `0.1`, `5`.
pub fn plain(value: f64) -> String {
    format!("{value}")
}

/// Whether a target was met, in words.
pub fn target_verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "not met" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        assert_eq!(count(7), "7");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(three_digits(0.012_345), "0.0123");
        assert_eq!(three_digits(1.2345), "1.23");
        assert_eq!(three_digits(123.45), "123");
        assert_eq!(three_digits(123_456.0), "123,000");
        assert_eq!(milliseconds(1500.0), "1.50");
        assert_eq!(plain(0.25), "0.25");
        assert_eq!(plain(5.0), "5");
    }
}
