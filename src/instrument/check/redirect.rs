//! Redirects within the server's origin, which browsers follow for streams and polls. Whether a browser follows one to
//! another origin depends on that origin, so it ends here.

use anyhow::{Result, bail};
use bytes::Bytes;
use http::{
    Request, Uri, header,
    uri::{Authority, Scheme},
};

use crate::http::{connection::Connection, endpoint::Endpoint, head::Head, meter::NoMeter};

/// The most redirects that a browser follows (Fetch Standard, "HTTP-redirect fetch").
const MAX_REDIRECTS: usize = 20;

/// Sends a GET request, and again wherever its answer leads within the origin. Returns the last answer's head, and the
/// connection with its body.
///
/// # Errors
///
/// If there is no answer, or no end of redirects.
pub async fn send(
    endpoint: &Endpoint,
    mut connection: Connection,
    mut request: Request<Bytes>,
) -> Result<(Connection, Head)> {
    for _ in 0..=MAX_REDIRECTS {
        let head = connection.send(request.clone(), &mut NoMeter).await?;
        let Some(target) = target(endpoint, request.uri(), &head) else {
            return Ok((connection, head));
        };
        *request.uri_mut() = target;
        connection = Connection::open(endpoint, &mut NoMeter).await?;
    }
    bail!("the server redirected more than {MAX_REDIRECTS} times")
}

/// Whether the answer leads to another origin.
pub fn leaves_origin(head: &Head) -> bool {
    is_redirect(head) && head.headers.contains_key(header::LOCATION)
}

fn is_redirect(head: &Head) -> bool {
    matches!(head.status, 301 | 302 | 303 | 307 | 308)
}

/// Where the answer to a request of `asked` leads. `None`: nowhere, or to another origin.
fn target(endpoint: &Endpoint, asked: &Uri, head: &Head) -> Option<Uri> {
    if !is_redirect(head) {
        return None;
    }
    let location = head.text(&header::LOCATION)?;
    resolve(&origin(endpoint)?, asked.path(), &location)
}

fn origin(endpoint: &Endpoint) -> Option<(Scheme, Authority)> {
    let scheme = match endpoint.tls {
        Some(_) => Scheme::HTTPS,
        None => Scheme::HTTP,
    };
    Some((scheme, endpoint.authority.parse().ok()?))
}

/// The path and query of `location`, seen from `path`, if it is of this origin (RFC 3986, 5.2, without dot segments).
fn resolve((scheme, authority): &(Scheme, Authority), path: &str, location: &str) -> Option<Uri> {
    let location = location.split('#').next().unwrap_or_default();
    let absolute = match location {
        _ if location.starts_with("//") => format!("{scheme}:{location}"),
        _ if location.starts_with('/') => return location.parse().ok(),
        _ if location.starts_with('?') => return format!("{path}{location}").parse().ok(),
        _ if has_scheme(location) => location.to_owned(),
        _ => {
            let (directory, _) = path.rsplit_once('/')?;
            return format!("{directory}/{location}").parse().ok();
        }
    };
    let absolute: Uri = absolute.parse().ok()?;
    let port = |port: Option<u16>| port.unwrap_or(if *scheme == Scheme::HTTPS { 443 } else { 80 });
    let is_own = absolute.scheme() == Some(scheme)
        && absolute.host()?.eq_ignore_ascii_case(authority.host())
        && port(absolute.port_u16()) == port(authority.port_u16());
    let rest = absolute.path_and_query().filter(|_| is_own)?;
    rest.as_str().parse().ok()
}

/// Whether it begins with a scheme. A colon after the first segment is part of a path or a query.
fn has_scheme(location: &str) -> bool {
    let first = location.split(['/', '?']).next();
    first.is_some_and(|segment| segment.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_targets_within_the_origin_are_followed() {
        let own = (Scheme::HTTP, "h:8080".parse().expect("an authority"));
        let to = |location: &str| {
            let target = resolve(&own, "/a/stream", location);
            target.map(|uri| uri.to_string())
        };
        for (location, target) in [
            ("/b?x=1", "/b?x=1"),
            ("http://H:8080/b", "/b"),
            ("//h:8080/b#c", "/b"),
            ("?x=1", "/a/stream?x=1"),
            ("other", "/a/other"),
            ("/b?back=http://i/", "/b?back=http://i/"),
            ("?back=//i/", "/a/stream?back=//i/"),
            ("other?back=http://i/", "/a/other?back=http://i/"),
        ] {
            assert_eq!(to(location).as_deref(), Some(target), "{location}");
        }
        for elsewhere in [
            "https://h:8080/b",
            "http://h/b",
            "//other/b",
            "http://i:8080/",
        ] {
            assert_eq!(to(elsewhere), None, "{elsewhere}");
        }
        let standard = (Scheme::HTTPS, "h".parse().expect("an authority"));
        let target = resolve(&standard, "/a", "https://h:443/b").expect("within the origin");
        assert_eq!(target.to_string(), "/b");
    }
}
