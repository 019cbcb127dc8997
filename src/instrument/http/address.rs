//! A server's address in parts: `http://host:port/prefix` or `https://…`.

use anyhow::{Context as _, Result};

/// A server's address in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetUrl {
    pub is_tls: bool,
    pub host: String,
    pub authority: String,
    pub port: u16,
    pub prefix: String,
}

impl std::str::FromStr for TargetUrl {
    type Err = anyhow::Error;

    fn from_str(url: &str) -> Result<Self> {
        let url = url.trim();
        // RFC 3986, 3.1: capitals are the same.
        let (is_tls, rest) = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            _ => anyhow::bail!("{url}: an address begins with http:// or https://"),
        };
        let cut = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(cut);
        anyhow::ensure!(
            !path.contains(['?', '#']),
            "{url}: a query belongs into the profile's paths"
        );
        let port_at = match authority.rfind(']') {
            Some(end) => authority[end..].find(':').map(|at| end + at),
            None => authority.rfind(':'),
        };
        let (host, port) = match port_at {
            Some(at) => {
                let port = authority[at + 1..].parse().ok().filter(|port| *port != 0);
                (
                    &authority[..at],
                    port.with_context(|| format!("{url}: no such port"))?,
                )
            }
            None => (authority, if is_tls { 443 } else { 80 }),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let sound = |byte: u8| byte.is_ascii_graphic() && byte != b'@';
        anyhow::ensure!(
            !host.is_empty() && rest.bytes().all(sound),
            "{url}: an address looks like http://host:port"
        );
        Ok(Self {
            is_tls,
            host: host.to_owned(),
            authority: authority.to_owned(),
            port,
            prefix: path.trim_end_matches('/').to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_others_refused() {
        let parts = |url: &str| {
            let address: TargetUrl = url.parse().expect(url);
            (address.host, address.port, address.prefix)
        };
        let whole = |host: &str, port, prefix: &str| (host.to_owned(), port, prefix.to_owned());
        assert_eq!(parts("http://localhost:8080"), whole("localhost", 8080, ""));
        assert_eq!(parts("http://h/a/b/"), whole("h", 80, "/a/b"));
        assert_eq!(parts("http://[::1]:81/"), whole("::1", 81, ""));
        assert_eq!(parts("https://h/a"), whole("h", 443, "/a"));
        assert_eq!(parts(" HTTP://h:81 "), whole("h", 81, ""));
        for bad in [
            "h:80",
            "http://",
            "http://h:0",
            "http://h:x",
            "http://u@h",
            "http://h/?a",
        ] {
            assert!(bad.parse::<TargetUrl>().is_err(), "{bad}");
        }
    }
}
