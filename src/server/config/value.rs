//! Values as people write them: in capitals, or with spaces or quotes around them, which an `--env-file` passes on.

use std::{
    ffi::OsStr,
    net::{SocketAddr, ToSocketAddrs},
    ops::RangeInclusive,
};

use clap::{
    Arg, Command, ValueEnum,
    builder::{EnumValueParser, PossibleValue, TypedValueParser},
};

/// `text` without the spaces or quotes around the value.
pub(super) fn plain(text: &str) -> &str {
    let text = text.trim();
    for quote in ['"', '\''] {
        let inner = text
            .strip_prefix(quote)
            .and_then(|text| text.strip_suffix(quote));
        if let Some(inner) = inner {
            return inner.trim();
        }
    }
    text
}

/// An address to listen on: `ADDR:PORT`, also as the beginning of a URL. A name stands for its first
/// address.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let text = plain(text);
    let text = ["http://", "https://", "tcp://"]
        .into_iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .map_or(text, |rest| rest.trim_end_matches('/'));
    let expected = || "expected ADDR:PORT, such as 0.0.0.0:8080 or [::1]:8080".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(expected)?;
    // `::1` has no port, although its end looks like one.
    if port.parse::<u16>().is_err() || host.trim_matches(':').is_empty() {
        return Err(expected());
    }
    let mut found = text.to_socket_addrs().map_err(|error| {
        // Only a name can fail to resolve.
        format!("the address of `{host}` cannot be found: {error}")
    })?;
    found
        .next()
        .ok_or_else(|| format!("`{host}` has no address"))
}

pub(super) fn parse_on_off(text: &str) -> Result<bool, String> {
    match choice_name(text).as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("expected `on` or `off`".to_owned()),
    }
}

/// A choice as its flag calls it, in lower case: the other words for `on` and `off` are these.
fn choice_name(text: &str) -> String {
    let text = plain(text).to_ascii_lowercase();
    match text.as_str() {
        "true" | "yes" | "1" => "on".to_owned(),
        "false" | "no" | "0" => "off".to_owned(),
        _ => text,
    }
}

/// Parses one of the choices that are the variants of `T`.
#[derive(Clone)]
pub(super) struct Choice<T: ValueEnum + Clone + Send + Sync + 'static>(EnumValueParser<T>);

/// The parser of a flag with these choices.
pub(super) fn choice<T: ValueEnum + Clone + Send + Sync + 'static>() -> Choice<T> {
    Choice(EnumValueParser::new())
}

impl<T: ValueEnum + Clone + Send + Sync + 'static> TypedValueParser for Choice<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        let name = value.to_str().map(choice_name).unwrap_or_default();
        let known = self.0.parse_ref(command, arg, OsStr::new(&name));
        // The error must show the value as it was given.
        known.or_else(|_| self.0.parse_ref(command, arg, value))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}

/// A whole number of at least 1: `1000000`, `1_000_000`, `1000k` or `1M`.
pub(super) fn count(text: &str) -> Option<u64> {
    let digits = text.replace('_', "");
    let (digits, unit) = match digits.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&digits[..at], 1_000),
        Some((at, 'm' | 'M')) => (&digits[..at], 1_000_000),
        _ => (&digits[..], 1),
    };
    // `u64::from_str` takes a plus sign.
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| is_plain)?;
    number.checked_mul(unit).filter(|&number| number > 0)
}

/// A [`count`] within `range`.
pub(super) fn number<N>(text: &str, range: RangeInclusive<N>) -> Result<N, String>
where
    N: TryFrom<u64> + PartialOrd + std::fmt::Display,
{
    let number = count(plain(text)).and_then(|number| N::try_from(number).ok());
    number
        .filter(|number| range.contains(number))
        .ok_or_else(|| {
            let (least, most) = range.into_inner();
            format!("expected a whole number from {least} to {most}")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_within_their_range() {
        for (text, expected) in [("20k", 20_000), (" '1_000' ", 1_000), ("1M", 1_000_000)] {
            assert_eq!(number::<u32>(text, 1..=u32::MAX), Ok(expected), "{text}");
        }
        for text in ["", "0", "-1", "+1", "5k", "many", "99999999999999999999"] {
            let error = number::<u16>(text, 1..=512).expect_err(text);
            assert_eq!(error, "expected a whole number from 1 to 512", "{text}");
        }
    }

    #[test]
    fn spaces_and_quotes_are_no_part_of_a_value() {
        for text in ["on", " on ", "\"on\"", "'on'", " \"on\"\n"] {
            assert_eq!(plain(text), "on");
        }
        assert_eq!(plain("it's"), "it's");
        assert_eq!(plain("\""), "\"");
    }

    #[test]
    fn an_address_is_found_in_every_form() {
        for (text, found) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            (" 127.0.0.1:80 ", "127.0.0.1:80"),
            ("\"127.0.0.1:80\"", "127.0.0.1:80"),
            ("http://127.0.0.1:80", "127.0.0.1:80"),
            ("http://127.0.0.1:80/", "127.0.0.1:80"),
            ("tcp://127.0.0.1:80", "127.0.0.1:80"),
            ("[::1]:80", "[::1]:80"),
            ("::1:80", "[::1]:80"),
            ("[::]:80", "[::]:80"),
        ] {
            let expected = Ok(found.parse().expect("an address"));
            assert_eq!(address(text), expected, "{text}");
        }
        let local = address("LOCALHOST:80").expect("every machine has it");
        assert!(local.ip().is_loopback());
    }

    #[test]
    fn what_is_no_address_is_told_from_a_name_that_is_not_found() {
        for text in [
            "",
            "here",
            "127.0.0.1",
            ":80",
            "80",
            "127.0.0.1:99999",
            "127.0.0.1:80/x",
            "::1",
        ] {
            let why = address(text).expect_err("refused");
            assert!(why.contains("ADDR:PORT"), "{text}: {why}");
        }
        let why = address("nowhere.invalid:80").expect_err("refused");
        assert!(why.contains("`nowhere.invalid` cannot be found"), "{why}");
    }

    #[test]
    fn switches_and_counts_are_read_as_they_are_written() {
        for text in ["on", "On", "TRUE", "yes", "1", " on "] {
            assert_eq!(parse_on_off(text), Ok(true), "{text}");
        }
        for text in ["off", "Off", "false", "No", "0"] {
            assert_eq!(parse_on_off(text), Ok(false), "{text}");
        }
        assert!(parse_on_off("maybe").is_err() && parse_on_off("2").is_err());
        for (text, number) in [
            ("7", 7),
            ("1_000", 1_000),
            ("10k", 10_000),
            ("2M", 2_000_000),
        ] {
            assert_eq!(count(text), Some(number), "{text}");
        }
        for text in [
            "",
            "0",
            "-1",
            "+1",
            "1.5",
            "k",
            "0k",
            "1,000",
            "99999999999999999999M",
        ] {
            assert_eq!(count(text), None, "{text}");
        }
    }
}
