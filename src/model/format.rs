//! Formats numbers for output: grouped by thousands, and with a unit that suits their size.

/// `1234567` as `1,234,567`.
pub fn with_thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three significant digits, grouped by thousands above that.
pub fn significant(value: f64) -> String {
    /// A number of this size has more digits than anyone reads.
    const HUGE: f64 = 1e15;
    let size = value.abs();
    if size >= HUGE {
        format!("{value:.2e}")
    } else if size >= 99.95 {
        let whole = with_thousands(size.round() as u64);
        if value < 0.0 {
            format!("-{whole}")
        } else {
            whole
        }
    } else if size == 0.0 {
        "0".to_owned()
    } else if size >= 9.995 {
        format!("{value:.1}")
    } else if size >= 0.9995 {
        format!("{value:.2}")
    } else {
        format!("{value:.3}")
    }
}

/// Two significant digits of a value far below one, for which [`significant`] would print zeros.
pub fn precise(value: f64) -> String {
    const SMALL: f64 = 0.0995;
    if value <= 0.0 || value >= SMALL {
        return significant(value);
    }
    let decimals = (1.0 - value.log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{value:.decimals$}")
}

/// `1 client`, `20,000 clients`: a count with its noun.
pub fn counted(count: f64, noun: &str) -> String {
    let s = if count == 1.0 { "" } else { "s" };
    format!("{} {noun}{s}", rate(count))
}

/// A count, or a count a second; without a fraction if it is whole.
pub fn rate(value: f64) -> String {
    if value.fract() == 0.0 && value < 1e15 {
        with_thousands(value as u64)
    } else {
        precise(value)
    }
}

/// A time given in microseconds.
pub fn time_us(us: f64) -> String {
    scaled(us, &[(1e6, "s"), (1e3, "ms"), (1.0, "µs")])
}

/// A size given in bytes.
pub fn size(bytes: f64) -> String {
    const KIB: f64 = 1024.0;
    let units = [
        (KIB * KIB * KIB, "GiB"),
        (KIB * KIB, "MiB"),
        (KIB, "KiB"),
        (1.0, "B"),
    ];
    scaled(bytes, &units)
}

/// Uses the largest unit that is not larger than the value, or else the last one.
fn scaled(value: f64, units: &[(f64, &str)]) -> String {
    let fitting = units.iter().find(|(one, _)| value.abs() >= *one);
    let Some((one, unit)) = fitting.or(units.last()) else {
        return precise(value);
    };
    format!("{} {unit}", precise(value / one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let with_thousands = [0, 12, 999, 1000, 1_234_567].map(with_thousands);
        assert_eq!(with_thousands, ["0", "12", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn three_digits_are_kept() {
        let significant = [
            0.0, 0.0123, 0.5, 1.234, 12.34, 99.96, 123.4, 12_345.6, -250.0,
        ]
        .map(significant);
        let expected = [
            "0", "0.012", "0.500", "1.23", "12.3", "100", "123", "12,346", "-250",
        ];
        assert_eq!(significant, expected);
        assert_eq!(rate(f64::MAX), "1.80e308");
    }

    #[test]
    fn small_values_are_not_printed_as_zero() {
        assert_eq!(
            [0.00012, 0.05, 0.5].map(precise),
            ["0.00012", "0.050", "0.500"]
        );
        assert_eq!([0.0, 0.00012, 3.0].map(rate), ["0", "0.00012", "3"]);
        assert_eq!(size(0.004), "0.0040 B");
    }

    #[test]
    fn a_single_thing_is_in_the_singular() {
        let texts = [0.5, 1.0, 2000.0].map(|count| counted(count, "core"));
        assert_eq!(texts, ["0.500 cores", "1 core", "2,000 cores"]);
    }

    #[test]
    fn units_suit_the_size() {
        assert_eq!(time_us(0.5), "0.500 µs");
        assert_eq!(time_us(412.0), "412 µs");
        assert_eq!(time_us(1_500.0), "1.50 ms");
        assert_eq!(time_us(2_000_000.0), "2.00 s");
        assert_eq!(size(512.0), "512 B");
        assert_eq!(size(1536.0), "1.50 KiB");
        assert_eq!(size(5.0 * 1024.0 * 1024.0), "5.00 MiB");
    }
}
