//! The client that a trusted proxy names in the header fields of its requests.

use std::net::IpAddr;

use ipnet::IpNet;

/// The proxies whose header fields are believed.
#[derive(Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client's address: that of `peer`, or, if that is a trusted proxy, the nearest address in its list of hops
    /// that is not one. The list is in `Forwarded` (RFC 7239) or in `X-Forwarded-For`; both parameters are the values
    /// of these fields, in order.
    ///
    /// A proxy writes one of the fields and may pass on the other as the client sent it. Nothing shows which is which,
    /// so if they name different clients, the address is that of the proxy.
    pub fn client<'a>(
        &self,
        peer: IpAddr,
        forwarded: impl DoubleEndedIterator<Item = &'a str>,
        x_forwarded_for: impl DoubleEndedIterator<Item = &'a str>,
    ) -> IpAddr {
        if !self.contains(peer) {
            return peer;
        }
        let forwarded = self.nearest(peer, forwarded, forwarded_for);
        let x_forwarded_for = self.nearest(peer, x_forwarded_for, hop_address);
        match (forwarded, x_forwarded_for) {
            (Some(one), Some(other)) if one != other => peer,
            (Some(client), _) | (None, Some(client)) => client,
            (None, None) => peer,
        }
    }

    /// Goes back over the hops in a field, the nearest first, as long as each is a trusted proxy. Hops behind an
    /// unreadable address are unknown, so the client is then the last readable one. `None` without the field.
    fn nearest<'a>(
        &self,
        peer: IpAddr,
        values: impl DoubleEndedIterator<Item = &'a str>,
        address_of: fn(&str) -> Option<IpAddr>,
    ) -> Option<IpAddr> {
        let mut client = None;
        for hop in values.rev().flat_map(|it| it.rsplit(',')) {
            let known = client.get_or_insert(peer);
            let Some(address) = address_of(hop) else {
                break;
            };
            *known = address;
            if !self.contains(address) {
                break;
            }
        }
        client
    }
}

/// The address in the `for` of one element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let is_for = name.trim().eq_ignore_ascii_case("for");
        is_for.then(|| hop_address(value)).flatten()
    })
}

/// An address, perhaps quoted, in brackets and with a port.
fn hop_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let text = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    if let Some(rest) = text.strip_prefix('[') {
        let (address, _) = rest.split_once(']')?;
        return address.parse().ok();
    }
    text.parse().ok().or_else(|| {
        let (address, port) = text.rsplit_once(':')?;
        port.parse::<u16>().ok()?;
        // An IPv6 address without brackets has more colons, and no port.
        address.parse().ok().filter(IpAddr::is_ipv4)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn client(peer: &str, forwarded: &[&str], x_forwarded_for: &[&str]) -> String {
        let networks = ["10.0.0.0/8", "fd00::/8"].map(|it| it.parse().expect("a network"));
        let proxies = TrustedProxies::new(networks.into());
        let fields = (forwarded.iter().copied(), x_forwarded_for.iter().copied());
        proxies
            .client(address(peer), fields.0, fields.1)
            .to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(
            client("192.0.2.1", &["for=1.2.3.4"], &["1.2.3.4"]),
            "192.0.2.1"
        );
        assert_eq!(client("10.0.0.1", &[], &["1.2.3.4"]), "1.2.3.4");
        assert_eq!(client("::ffff:10.0.0.1", &[], &["1.2.3.4"]), "1.2.3.4");
        assert_eq!(client("10.0.0.1", &[], &[]), "10.0.0.1");
    }

    #[test]
    fn what_the_client_itself_claims_is_not_believed() {
        // The proxy appends the address that it sees.
        assert_eq!(client("10.0.0.1", &[], &["6.6.6.6, 1.2.3.4"]), "1.2.3.4");
        assert_eq!(client("10.0.0.1", &[], &["6.6.6.6", "1.2.3.4"]), "1.2.3.4");
        assert_eq!(
            client("10.0.0.1", &[], &["6.6.6.6, 1.2.3.4, 10.9.9.9"]),
            "1.2.3.4"
        );
        assert_eq!(
            client("10.0.0.1", &["for=6.6.6.6, for=1.2.3.4"], &[]),
            "1.2.3.4"
        );
    }

    #[test]
    fn of_two_fields_that_disagree_neither_is_believed() {
        let of = |forwarded, x_forwarded_for| client("10.0.0.1", &[forwarded], &[x_forwarded_for]);
        for (forwarded, x_forwarded_for) in [
            ("for=6.6.6.6", "1.2.3.4"),
            ("for=1.2.3.4", "6.6.6.6"),
            ("for=1.2.3.4, for=6.6.6.6", "1.2.3.4"),
            ("for=unknown", "1.2.3.4"),
            ("", "1.2.3.4"),
            ("for=1.2.3.4", ""),
        ] {
            let claims = (forwarded, x_forwarded_for);
            assert_eq!(of(forwarded, x_forwarded_for), "10.0.0.1", "{claims:?}");
        }
        assert_eq!(of("for=1.2.3.4", "1.2.3.4"), "1.2.3.4");
        assert_eq!(
            of("for=6.6.6.6, for=1.2.3.4", "7.7.7.7, 1.2.3.4"),
            "1.2.3.4"
        );
    }

    #[test]
    fn addresses_are_read_in_every_form() {
        for (value, known) in [
            ("for=1.2.3.4", "1.2.3.4"),
            ("For=\"1.2.3.4:8080\"", "1.2.3.4"),
            (
                "proto=https;for=\"[2001:db8::1]:443\";by=10.0.0.1",
                "2001:db8::1",
            ),
            ("for=\"[2001:db8::1]\"", "2001:db8::1"),
            ("for=unknown", "10.0.0.1"),
            ("for=_hidden", "10.0.0.1"),
            ("by=1.2.3.4", "10.0.0.1"),
            ("", "10.0.0.1"),
            ("for", "10.0.0.1"),
        ] {
            assert_eq!(client("10.0.0.1", &[value], &[]), known, "{value}");
        }
        for (value, known) in [
            ("1.2.3.4:5678", "1.2.3.4"),
            ("2001:db8::1", "2001:db8::1"),
            (" 1.2.3.4 ", "1.2.3.4"),
            ("garbage", "10.0.0.1"),
        ] {
            assert_eq!(client("10.0.0.1", &[], &[value]), known, "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_field_panics(forwarded: String, other: String) {
            client("10.0.0.1", &[&forwarded], &[&other]);
            client("10.0.0.1", &[], &[&other]);
        }
    }
}
