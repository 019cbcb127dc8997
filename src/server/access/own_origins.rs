//! The two origins of the page on a server that listens both for cleartext and for TLS.
//!
//! A browser chooses between HTTP/1.1 and HTTP/2 by the origin. So the page may also read from its server's other
//! origin, and the server sends it that origin.

/// The ports at which the server listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnPorts {
    pub http: u16,
    pub https: u16,
}

/// The same host at both ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnOrigins {
    pub http: String,
    pub https: String,
    ports: OwnPorts,
}

impl OwnPorts {
    /// The two origins of the host in this `Host` field. `None` if the field names neither of our ports, as behind a
    /// proxy, or if the host is not a plain name or an IPv4 address, because a Content-Security-Policy cannot name
    /// others.
    pub fn origins(self, host: &str) -> Option<OwnOrigins> {
        let (name, port) = match host.split_once(':') {
            Some((name, port)) => (name, Some(port.parse().ok()?)),
            None => (host, None),
        };
        let is_ours = match port {
            Some(port) => [self.http, self.https].contains(&port),
            None => self.http == 80 || self.https == 443,
        };
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        if !is_ours || name.is_empty() || !name.bytes().all(is_plain) {
            return None;
        }
        let name = name.to_ascii_lowercase();
        let at = |scheme, port, usual| match port == usual {
            true => format!("{scheme}://{name}"),
            false => format!("{scheme}://{name}:{port}"),
        };
        Some(OwnOrigins {
            http: at("http", self.http, 80),
            https: at("https", self.https, 443),
            ports: self,
        })
    }
}

impl OwnOrigins {
    /// The page's `Link` field (RFC 8288), which names the page's other address.
    pub fn link(&self) -> String {
        let Self { http, https, .. } = self;
        format!("<{http}/>; rel=\"alternate\", <{https}/>; rel=\"alternate\"")
    }

    /// Identifies this pair in an entity tag. Pairs of the same host differ only in their ports.
    pub fn tag(&self) -> String {
        format!("-{}-{}", self.ports.http, self.ports.https)
    }

    pub fn contains(&self, origin: &str) -> bool {
        self.http == origin || self.https == origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTS: OwnPorts = OwnPorts {
        http: 8080,
        https: 8443,
    };

    #[test]
    fn the_host_is_the_same_at_both_ports() {
        for host in ["localhost:8080", "LOCALHOST:8443"] {
            let origins = PORTS.origins(host).expect("two origins");
            assert_eq!(origins.http, "http://localhost:8080");
            assert_eq!(origins.https, "https://localhost:8443");
            assert!(origins.contains("http://localhost:8080"));
            assert!(!origins.contains("http://localhost:8081"));
            assert!(!origins.contains("http://127.0.0.1:8080"));
        }
    }

    #[test]
    fn the_usual_ports_are_left_out() {
        let ports = OwnPorts {
            http: 80,
            https: 443,
        };
        for host in ["chat.example", "chat.example:443"] {
            let origins = ports.origins(host).expect("two origins");
            assert_eq!(origins.http, "http://chat.example");
            assert_eq!(origins.https, "https://chat.example");
        }
    }

    #[test]
    fn a_host_at_another_port_has_none() {
        for host in [
            "chat.example",
            "chat.example:443",
            "[::1]:8080",
            ":8080",
            "a b:8080",
            "a;script-src:8080",
            "localhost:8080:8443",
            "localhost:http",
            "",
        ] {
            assert_eq!(PORTS.origins(host), None, "{host}");
        }
    }
}
