//! Values of flags as people write them.

use std::time::Duration;

const KIB: f64 = 1024.0;
const KB: f64 = 1000.0;

/// `250ms`, `2s`, `1m 30s`.
pub fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text.trim())
        .map_err(|_| "expected a duration such as `250ms`, `2s` or `1m 30s`".to_owned())
}

/// `1000`, `1_000`, `1k` or `2M`.
fn number(text: &str) -> Result<f64, String> {
    with_unit(text, &[("k", KB), ("K", KB), ("M", KB * KB)])
        .ok_or_else(|| "expected a number such as `500`, `20k` or `1M`".to_owned())
}

/// A number that is whole.
pub fn count(text: &str) -> Result<usize, String> {
    whole(number(text)?)
}

/// `5` or `0.2`, also as `5/s`.
pub fn rate(text: &str) -> Result<f64, String> {
    let text = text.trim();
    number(text.strip_suffix("/s").unwrap_or(text))
        .map_err(|_| "expected a number a second, such as `5` or `0.2`".to_owned())
}

/// A share: `0.6` or `60%`.
pub fn share(text: &str) -> Result<f64, String> {
    with_unit(text, &[("%", 0.01)])
        .ok_or_else(|| "expected a share such as `0.6` or `60%`".to_owned())
}

/// Processors, which may be a fraction: `4` or `0.5`.
pub fn cores(text: &str) -> Result<f64, String> {
    number(text).map_err(|_| "expected a number of processors, such as `4` or `0.5`".to_owned())
}

/// GiB: `8`, also as `8GiB` or `512MiB`.
pub fn gib(text: &str) -> Result<f64, String> {
    with_unit(text, &[("GiB", 1.0), ("MiB", 1.0 / KIB), ("TiB", KIB)])
        .ok_or_else(|| "expected a number of GiB, such as `8`, `8GiB` or `512MiB`".to_owned())
}

/// Gbit/s: `1`, also as `1Gbit/s` or `100Mbit/s`; the `/s` may be left out.
pub fn gbit(text: &str) -> Result<f64, String> {
    let text = text.trim();
    with_unit(
        text.strip_suffix("/s").unwrap_or(text),
        &[("Gbit", 1.0), ("Mbit", 1.0 / KB)],
    )
    .ok_or_else(|| "expected a number of Gbit/s, such as `1`, `1Gbit/s` or `100Mbit/s`".to_owned())
}

/// Bytes: `1500`, `4KiB` (also `4k`) or `4kB`.
fn size(text: &str) -> Result<f64, String> {
    const UNITS: [(&str, f64); 8] = [
        ("KiB", KIB),
        ("MiB", KIB * KIB),
        ("kB", KB),
        ("KB", KB),
        ("MB", KB * KB),
        ("k", KIB),
        ("K", KIB),
        ("B", 1.0),
    ];
    with_unit(text, &UNITS)
        .ok_or_else(|| "expected a number of bytes, such as `1500`, `4KiB` or `4kB`".to_owned())
}

/// A whole number of bytes.
pub fn whole_size(text: &str) -> Result<usize, String> {
    whole(size(text)?)
}

fn whole(value: f64) -> Result<usize, String> {
    /// An `f64` represents every integer up to here.
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    if value.fract() != 0.0 || !(0.0..=LARGEST).contains(&value) {
        return Err("expected a whole number, 0 or more".to_owned());
    }
    Ok(value as usize)
}

fn with_unit(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let text = text.trim();
    let unit = units
        .iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)));
    let (digits, factor) = unit.unwrap_or((text, 1.0));
    // `f64::from_str` takes words too.
    let digits = digits.trim_end().replace('_', "");
    let is_number = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'));
    let value: f64 = digits.parse().ok().filter(|_| is_number)?;
    Some(value * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for (text, value) in [
            ("500", 500.0),
            (" 1_000 ", 1000.0),
            ("20k", 20_000.0),
            ("1M", 1e6),
            ("0.5", 0.5),
            ("1e6", 1e6),
            ("-1", -1.0),
        ] {
            assert_eq!(number(text), Ok(value), "{text}");
        }
        for text in ["", "k", "nan", "inf", "one", "1 000", "1kk"] {
            assert!(number(text).is_err(), "{text}");
        }
        assert_eq!(count("2k"), Ok(2000));
        assert!(count("0.5").is_err() && count("-1").is_err());
        assert_eq!(rate("5/s"), Ok(5.0));
    }

    #[test]
    fn shares_and_sizes_of_servers_are_read_as_they_are_written() {
        for (text, value) in [("0.6", 0.6), ("60%", 0.6), ("60 %", 0.6)] {
            assert_eq!(share(text), Ok(value), "{text}");
        }
        assert_eq!((cores("0.5"), cores("1k")), (Ok(0.5), Ok(1000.0)));
        for (text, value) in [
            ("8", 8.0),
            ("8GiB", 8.0),
            ("512MiB", 0.5),
            ("2 TiB", 2048.0),
        ] {
            assert_eq!(gib(text), Ok(value), "{text}");
        }
        for (text, value) in [
            ("1", 1.0),
            ("1Gbit/s", 1.0),
            ("100Mbit/s", 0.1),
            ("10Gbit", 10.0),
        ] {
            assert_eq!(gbit(text), Ok(value), "{text}");
        }
        for parse in [share, cores, gib, gbit] {
            let error = parse("8GB").expect_err("not a unit of any");
            assert!(error.contains("such as"), "{error}");
        }
    }

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("1500", 1500),
            ("4KiB", 4096),
            ("4 KiB", 4096),
            ("4k", 4096),
            ("4kB", 4000),
            ("1MiB", 1 << 20),
            ("7B", 7),
        ] {
            assert_eq!(whole_size(text), Ok(bytes), "{text}");
        }
        assert!(whole_size("4 bits").is_err() && whole_size("0.3k").is_err());
    }
}
