//! Recognises the proxy between the client and the server, and names the line of its configuration that fixes each
//! problem.

use http::HeaderMap;

/// The proxies that are recognized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    Nginx,
    Haproxy,
    Caddy,
    Envoy,
    Varnish,
}

/// A problem that the check has advice for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiteProblem {
    Buffering,
    Compression,
    Silence,
    Age,
    LastEventId,
    PollCache,
    NoHttp2,
    /// The server sends events without ids.
    NoIds,
    /// The answer is not an event stream.
    NotAStream,
    /// The answer leads to another origin.
    OtherOrigin,
}

impl Proxy {
    pub fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "HAProxy",
            Self::Caddy => "Caddy",
            Self::Envoy => "Envoy",
            Self::Varnish => "Varnish",
        }
    }

    /// The proxy that these headers reveal.
    pub fn of_headers(headers: &HeaderMap) -> Option<Self> {
        let says = |name: &str, word: &str| {
            let mut values = headers.get_all(name).iter();
            values.any(|value| {
                String::from_utf8_lossy(value.as_bytes())
                    .to_ascii_lowercase()
                    .contains(word)
            })
        };
        if headers.contains_key("x-varnish") || says("via", "varnish") {
            Some(Self::Varnish)
        } else if says("server", "caddy") || says("via", "caddy") {
            Some(Self::Caddy)
        } else if says("server", "envoy") || headers.contains_key("x-envoy-upstream-service-time") {
            Some(Self::Envoy)
        } else if says("server", "nginx") || says("server", "openresty") || says("via", "nginx") {
            Some(Self::Nginx)
        } else {
            None
        }
    }

    /// The proxy that answers an invalid request with this page. HAProxy's page does not contain its name, but its
    /// wording is unique.
    pub fn of_error_page(page: &str) -> Option<Self> {
        if page.contains("<center>nginx") || page.contains("<center>openresty") {
            Some(Self::Nginx)
        } else if page.contains("Your browser sent an invalid request.") {
            Some(Self::Haproxy)
        } else {
            None
        }
    }
}

/// The change that fixes `problem`.
pub fn advice(problem: SiteProblem, proxy: Option<Proxy>) -> String {
    let line = proxy.and_then(|proxy| line(problem, proxy));
    match (line, proxy) {
        (Some(line), Some(proxy)) => format!("{}: {line}", proxy.name()),
        _ => general(problem).to_owned(),
    }
}

fn line(problem: SiteProblem, proxy: Proxy) -> Option<&'static str> {
    use Proxy::{Caddy, Envoy, Haproxy, Nginx, Varnish};
    Some(match (problem, proxy) {
        (SiteProblem::Buffering, Nginx) => {
            "`proxy_buffering off;` in the location of the stream, and no `proxy_ignore_headers X-Accel-Buffering`"
        }
        (SiteProblem::Buffering, Haproxy) => {
            "remove `option http-buffer-request`, filters and `compression` from the backend of the stream"
        }
        (SiteProblem::Buffering, Caddy) => {
            "remove `response_buffers` from `reverse_proxy`, which then passes on an event stream as it comes"
        }
        (SiteProblem::Buffering, Envoy) => {
            "disable filters that hold answers back (compressor, transcoder, Lua, ext_proc) for the route of the stream"
        }
        (SiteProblem::Buffering, Varnish) => {
            "`return (pipe);` in `vcl_recv` for the stream, or `set beresp.do_stream = true;`"
        }
        (SiteProblem::Compression, Nginx) => {
            "`gzip off;` in the location of the stream, or remove `text/event-stream` from `gzip_types`"
        }
        (SiteProblem::Compression, Haproxy) => "remove `text/event-stream` from `compression type`",
        (SiteProblem::Compression, Caddy) => {
            "add a matcher to `encode` that leaves out the stream's path"
        }
        (SiteProblem::Compression, Envoy) => {
            "remove `text/event-stream` from `content_type` of the compressor filter"
        }
        (SiteProblem::Compression, Varnish) => "`set beresp.do_gzip = false;` for the stream",
        (SiteProblem::Silence, Nginx) => {
            "`proxy_read_timeout 1h;` (it counts from the last byte of the server)"
        }
        (SiteProblem::Silence, Haproxy) => "`timeout server 1h` and `timeout client 1h`",
        (SiteProblem::Silence, Caddy) => {
            "`transport http { read_timeout 0 }` in `reverse_proxy`, and `servers { timeouts { idle 1h } }`"
        }
        (SiteProblem::Silence, Envoy) => {
            "`stream_idle_timeout: 0s`, and `idle_timeout: 0s` of the route"
        }
        (SiteProblem::Silence, Varnish) => {
            "`return (pipe);` in `vcl_recv` for the stream, and the parameter `pipe_timeout`; else \
             `between_bytes_timeout` of the backend"
        }
        (SiteProblem::Age, Nginx) => {
            "it has no limit on a stream's age: look for one at the server, or at another proxy or balancer"
        }
        (SiteProblem::Age, Haproxy) => {
            "it has no limit on a stream's age: look for one at the server, or at another proxy or balancer"
        }
        (SiteProblem::Age, Caddy) => "`servers { timeouts { write 0 } }`",
        (SiteProblem::Age, Envoy) => "`timeout: 0s` of the route, and no `max_stream_duration`",
        (SiteProblem::Age, Varnish) => "`return (pipe);` in `vcl_recv` for the stream",
        (SiteProblem::LastEventId, Nginx) => {
            "remove `proxy_set_header Last-Event-ID \"\";` and `proxy_pass_request_headers off;`"
        }
        (SiteProblem::LastEventId, Haproxy) => "remove `http-request del-header Last-Event-ID`",
        (SiteProblem::LastEventId, Caddy) => "remove `header_up -Last-Event-ID`",
        (SiteProblem::LastEventId, Envoy) => "`last-event-id` out of `request_headers_to_remove`",
        (SiteProblem::LastEventId, Varnish) => "remove `unset req.http.Last-Event-ID;`",
        (SiteProblem::PollCache, Nginx) => "`proxy_cache off;` in the location of the polls",
        (SiteProblem::PollCache, Haproxy) => {
            "remove `http-request cache-use` from the backend of the polls"
        }
        (SiteProblem::PollCache, Caddy) => "leave the polls' path out of `cache`",
        (SiteProblem::PollCache, Envoy) => "disable the cache filter for the route of the polls",
        (SiteProblem::PollCache, Varnish) => "`return (pass);` in `vcl_recv` for the polls",
        (SiteProblem::NoHttp2, Nginx) => "`http2 on;` (before 1.25.1: `listen 443 ssl http2;`)",
        (SiteProblem::NoHttp2, Haproxy) => "`alpn h2,http/1.1` on the `bind` line",
        (SiteProblem::NoHttp2, Caddy) => "`servers { protocols h1 h2 }`",
        (SiteProblem::NoHttp2, Envoy) => "`alpn_protocols: [\"h2\", \"http/1.1\"]`",
        (SiteProblem::NoHttp2, Varnish) => {
            "`-p feature=+http2`, and `alpn-protos = \"h2,http/1.1\"` in hitch"
        }
        (SiteProblem::NoIds | SiteProblem::NotAStream | SiteProblem::OtherOrigin, _) => {
            return None;
        }
    })
}

fn general(problem: SiteProblem) -> &'static str {
    match problem {
        SiteProblem::Buffering => {
            "switch response buffering off for the stream, at the proxy in between or in the framework"
        }
        SiteProblem::Compression => "switch compression off for text/event-stream",
        SiteProblem::Silence => {
            "raise the read or idle timeout in between, or send a comment (`: keep-alive`) more often than that"
        }
        SiteProblem::Age => {
            "raise the limit on a response's total time, in between or at the platform; a client must resume often"
        }
        SiteProblem::LastEventId => {
            "pass the request header Last-Event-ID on to the server, and let the server begin after that event"
        }
        SiteProblem::PollCache => {
            "send `Cache-Control: no-store` with polls, and keep them out of caches"
        }
        SiteProblem::NoHttp2 => "offer `h2` by ALPN",
        SiteProblem::NoIds => {
            "send an `id:` with each event, and begin after the one in Last-Event-ID"
        }
        SiteProblem::NotAStream => {
            "answer the stream with status 200 and `Content-Type: text/event-stream`"
        }
        SiteProblem::OtherOrigin => {
            "check the address that it leads to: a browser follows a redirect to another origin only if that origin \
             allows the page's (CORS)"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_recognised_by_their_headers() {
        let known = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, http::HeaderValue::from_static(value));
            Proxy::of_headers(&headers)
        };
        assert_eq!(known("server", "nginx/1.22.1"), Some(Proxy::Nginx));
        assert_eq!(
            known("via", "1.1 varnish (Varnish/7.1)"),
            Some(Proxy::Varnish)
        );
        assert_eq!(known("via", "1.1 Caddy"), Some(Proxy::Caddy));
        assert_eq!(known("server", "envoy"), Some(Proxy::Envoy));
        assert_eq!(known("server", "uvicorn"), None);
    }

    #[test]
    fn every_problem_has_advice() {
        let all = [
            SiteProblem::Buffering,
            SiteProblem::Compression,
            SiteProblem::Silence,
            SiteProblem::Age,
            SiteProblem::LastEventId,
            SiteProblem::PollCache,
            SiteProblem::NoHttp2,
        ];
        for problem in all {
            assert!(advice(problem, Some(Proxy::Nginx)).starts_with("nginx: "));
            assert!(!advice(problem, None).contains("nginx"));
        }
    }
}
