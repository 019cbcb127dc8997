//! The path of a SQLite file, in the spellings that people bring from other programs.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;

/// Parses the path after `scheme`, which is `sqlite` or `file`: `chat.db`, `/var/lib/chat.db`, `//chat.db` (the form
/// of sqlx) or `///var/lib/chat.db`. A `file` is a URI, and may be percent-encoded.
pub(super) fn parse(scheme: &str, rest: &str) -> Result<PathBuf, String> {
    let is_uri = scheme == "file";
    let path = match rest.strip_prefix("//") {
        // Before the path, a URI names a host.
        Some(path) if is_uri => path.strip_prefix("localhost").unwrap_or(path),
        Some(path) => path,
        None => rest,
    };
    if rest.starts_with("//") && is_uri && !path.starts_with('/') {
        return Err(format!(
            "a file on another host cannot be served; for a file here write `file:{path}`"
        ));
    }
    if path.starts_with(":memory:") {
        return Err("use `memory` for a log that is not kept".to_owned());
    }
    // Other programs also take parameters after a path without `file:`, so a path with `?` is surely meant to have
    // parameters.
    if path.contains('?') || is_uri && path.contains('#') {
        return Err("parameters after the path are not supported".to_owned());
    }
    if path.is_empty() {
        return Err(format!("expected a path after `{scheme}:`"));
    }
    if !is_uri {
        return Ok(path.into());
    }
    let decoded = percent_decode_str(path).decode_utf8();
    let decoded = decoded.map_err(|_| "the path is not UTF-8".to_owned())?;
    Ok(decoded.into_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_leads_to_its_file() {
        for (scheme, rest, path) in [
            ("sqlite", "chat.db", "chat.db"),
            ("sqlite", "/var/chat.db", "/var/chat.db"),
            ("sqlite", "//chat.db", "chat.db"),
            ("sqlite", "//data/chat.db", "data/chat.db"),
            ("sqlite", "///var/chat.db", "/var/chat.db"),
            ("sqlite", "100%.db", "100%.db"),
            ("file", "chat.db", "chat.db"),
            ("file", "/var/chat.db", "/var/chat.db"),
            ("file", "///var/chat.db", "/var/chat.db"),
            ("file", "//localhost/var/chat.db", "/var/chat.db"),
            ("file", "my%20chat.db", "my chat.db"),
        ] {
            let found = parse(scheme, rest);
            assert_eq!(found, Ok(PathBuf::from(path)), "{scheme}:{rest}");
        }
    }

    #[test]
    fn what_leads_to_no_file_is_refused() {
        for (scheme, rest, word) in [
            ("sqlite", "", "path"),
            ("sqlite", "//", "path"),
            ("sqlite", ":memory:", "`memory`"),
            ("sqlite", "//:memory:", "`memory`"),
            ("file", ":memory:?cache=shared", "`memory`"),
            ("file", "chat.db?mode=ro", "parameters"),
            ("sqlite", "chat.db?mode=rwc", "parameters"),
            ("sqlite", "///var/chat.db?cache=shared", "parameters"),
            ("file", "//host/chat.db", "host"),
            ("file", "%ff.db", "UTF-8"),
        ] {
            let why = parse(scheme, rest).expect_err("refused");
            assert!(why.contains(word), "{scheme}:{rest}: {why}");
        }
    }
}
