//! The syntax of `Host` (RFC 9112, 3.2).

/// Whether this is a host with or without a port (RFC 3986, 3.2). An empty one is allowed.
pub fn is_host(value: &[u8]) -> bool {
    // An address of IPv6 has colons of its own, within brackets.
    let (host, rest) = match value.iter().position(|&b| b == b']') {
        Some(end) if value[0] == b'[' => (&value[1..end], &value[end + 1..]),
        Some(_) => return false,
        None => value.split_at(value.iter().position(|&b| b == b':').unwrap_or(value.len())),
    };
    let is_literal = value.first() == Some(&b'[');
    let is_of_host = |b: &u8| {
        b.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(b) || (is_literal && *b == b':')
    };
    let is_port = |port: &[u8]| port.iter().all(u8::is_ascii_digit);
    let is_rest = rest.is_empty() || rest.strip_prefix(b":").is_some_and(is_port);
    host.iter().all(is_of_host) && is_rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_and_addresses_with_or_without_a_port() {
        for host in [
            "",
            "a",
            "a:",
            "chat.example:8443",
            "127.0.0.1:80",
            "[::1]",
            "[2001:db8::1]:8443",
            "[v1.fe:ed]",
            "a_b",
            "a%20b",
            ":80",
        ] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for host in [
            "a b", "a/b", "a:b", "a:1:2", "user@a", "::1", "[::1", "::1]", "[::1]x", "[a]b]",
            "a\\b", "a?b", "a#b", "<a>", "a\"", "\u{e9}", "a,b:c",
        ] {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }
}
