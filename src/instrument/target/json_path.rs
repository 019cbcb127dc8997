//! Reads one field of a JSON answer, without building the rest, because polls' answers are read ten thousand times a
//! second.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The value at `path`, as text; `None` if it is missing or null, or the answer is not JSON.
pub fn field(json: &[u8], path: &[String]) -> Option<String> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    PathSeed(path).deserialize(&mut deserializer).ok().flatten()
}

/// The same, in the last line that has the field.
pub fn field_of_lines(lines: &[u8], path: &[String]) -> Option<String> {
    let lines = lines.rsplit(|byte| *byte == b'\n');
    lines
        .filter(|line| !line.trim_ascii().is_empty())
        .find_map(|line| field(line, path))
}

/// Whether `text` is one JSON value.
pub fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// Looks for the value at a path.
struct PathSeed<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for PathSeed<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PathSeed<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            match self.0.split_first() {
                Some((name, rest)) if *name == key => {
                    found = map.next_value_seed(PathSeed(rest))?
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let (rest, place): (&[String], Option<i64>) = match self.0.split_first() {
            Some((name, rest)) => (rest, name.parse().ok()),
            None => (&[], None),
        };
        // To count from the end, it keeps the last values.
        let from_end = place
            .filter(|place| *place < 0)
            .map(|place| place.unsigned_abs() as usize);
        let mut last = std::collections::VecDeque::new();
        let mut at: i64 = 0;
        let mut found = None;
        while let Some(value) = list.next_element_seed(PathSeed(rest))? {
            if Some(at) == place {
                found = value;
            } else if let Some(count) = from_end {
                last.push_back(value);
                if last.len() > count {
                    last.pop_front();
                }
            }
            at += 1;
        }
        Ok(match from_end {
            Some(count) if last.len() == count => last.pop_front().flatten(),
            Some(_) => None,
            None => found,
        })
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then(|| value.to_owned()))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then(|| value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then(|| value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then(|| value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then(|| value.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(json: &str, path: &str) -> Option<String> {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        field(json.as_bytes(), &path)
    }

    #[test]
    fn a_field_is_found_at_any_path() {
        let json = r#"{"messages":[{"id":1},{"id":2}],"cursor":"k-2","more":true,"of":{"x":-3}}"#;
        for (path, value) in [
            ("cursor", Some("k-2")),
            ("more", Some("true")),
            ("of.x", Some("-3")),
            ("messages.0.id", Some("1")),
            ("messages.-1.id", Some("2")),
            ("messages.-2.id", Some("1")),
            ("messages.-3.id", None),
            ("messages.2.id", None),
            ("nothing", None),
            ("cursor.deeper", None),
        ] {
            assert_eq!(at(json, path).as_deref(), value, "{path}");
        }
    }

    #[test]
    fn invalid_json_has_no_fields() {
        assert_eq!(at("<html>", "cursor"), None);
        assert_eq!(at("", "cursor"), None);
        assert_eq!(at(r#"{"cursor":null}"#, "cursor"), None);
    }

    #[test]
    fn json_is_exactly_one_complete_value() {
        assert!(is_json(b"{\"error\":\"busy\"}\n") && is_json(b"[]"));
        assert!(!is_json(b"not JSON") && !is_json(b"{\"cursor\":\"k-") && !is_json(b"{} {}"));
    }

    #[test]
    fn the_last_line_with_the_field_counts() {
        let lines = b"{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"event\":\"end\"}\n";
        assert_eq!(
            field_of_lines(lines, &["id".to_owned()]).as_deref(),
            Some("b")
        );
        assert_eq!(field_of_lines(b"", &["id".to_owned()]), None);
    }
}
