//! The heads of requests as browsers send them over HTTP/1.1, header by header: `compare` sends them, and
//! `plan` computes with their length.
//!
//! Recorded from Chromium 156.0.8078 and Firefox 153.8 ESR on Linux, from a page that calls `fetch(…)` and opens an
//! `EventSource` at its own origin, and from curl 7.88.1 without options. The headless build's name in the User-Agent
//! is replaced by the usual one. `fetch(…, {cache: 'no-store'})` would add 43 bytes (`Pragma` and `Cache-Control`).
//!
//! One value differs: `Accept-Encoding` asks for no compression, with the same length as the browser's own value,
//! because uncompressed bytes are compared.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use crate::{Transport, hpack::HpackTable};

/// The program whose heads are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum RequestHead {
    /// Only `Host` and the fields that the request itself needs.
    #[default]
    Bare,
    Curl,
    Chrome,
    Firefox,
}

/// The length of a frame's head, and the most bytes of a frame (RFC 9113, 4.1 and 4.2).
const FRAME_HEAD_BYTES: usize = 9;
const MAX_FRAME_BYTES: usize = 16 * 1024;

/// Bytes of a poll's request on HTTP/2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Http2Lengths {
    /// The first on its connection.
    pub first: f64,
    /// The same again.
    pub repeated: f64,
    /// The same with another cursor.
    pub moved: f64,
    /// The bytes beyond a bare request, if each field were sent in full.
    pub extra: f64,
}

/// As long as the browsers' `gzip, deflate, br, zstd`.
const NO_COMPRESSION: &str = "identity;q=1.000, *;q=0";
const CHROME_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                            Chrome/156.0.0.0 Safari/537.36";
const CHROME_BRANDS: &str = r#""Not:A-Brand";v="8", "Chromium";v="156""#;
const CURL_AGENT: &str = "curl/7.88.1";
const FIREFOX_AGENT: &str =
    "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0";
const LANGUAGES: &str = "en-US,en;q=0.9";

impl RequestHead {
    pub const ALL: [Self; 4] = [Self::Bare, Self::Curl, Self::Chrome, Self::Firefox];

    /// The value of `--head` and of the parameter `head`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Curl => "curl",
            Self::Chrome => "chrome",
            Self::Firefox => "firefox",
        }
    }

    /// The name for output, with the version.
    pub fn description(self) -> &'static str {
        match self {
            Self::Bare => "bare heads",
            Self::Curl => "heads of curl 7.88",
            Self::Chrome => "heads of Chromium 156",
            Self::Firefox => "heads of Firefox 153",
        }
    }

    /// The headers of a request by `transport` to `host`, in the browser's order, `Host` first.
    pub fn headers(self, transport: Transport, host: &str) -> Vec<(&'static str, String)> {
        let is_stream = transport == Transport::Stream;
        let accept = if is_stream {
            "text/event-stream"
        } else {
            "*/*"
        };
        let referer = format!("http://{host}/");
        let mut headers = vec![("Host", host.to_owned())];
        let mut add = |name, value: &str| headers.push((name, value.to_owned()));
        // An EventSource never reads from the cache, and its request says so.
        let no_cache = [("Pragma", "no-cache"), ("Cache-Control", "no-cache")];
        match self {
            Self::Bare => {}
            Self::Curl => {
                add("User-Agent", CURL_AGENT);
                add("Accept", "*/*");
            }
            Self::Chrome => {
                add("Connection", "keep-alive");
                if is_stream {
                    for (name, value) in no_cache {
                        add(name, value);
                    }
                }
                add("sec-ch-ua-platform", "\"Linux\"");
                add("User-Agent", CHROME_AGENT);
                add("sec-ch-ua", CHROME_BRANDS);
                add("sec-ch-ua-mobile", "?0");
                add("Accept", accept);
                add("Sec-Fetch-Site", "same-origin");
                add("Sec-Fetch-Mode", "cors");
                add("Sec-Fetch-Dest", "empty");
                add("Referer", &referer);
                add("Accept-Encoding", NO_COMPRESSION);
                add("Accept-Language", LANGUAGES);
            }
            Self::Firefox => {
                add("User-Agent", FIREFOX_AGENT);
                add("Accept", accept);
                add("Accept-Language", LANGUAGES);
                add("Accept-Encoding", NO_COMPRESSION);
                add("Referer", &referer);
                add("Connection", "keep-alive");
                add("Sec-Fetch-Dest", "empty");
                add("Sec-Fetch-Mode", "cors");
                add("Sec-Fetch-Site", "same-origin");
                add("Priority", "u=4");
                if is_stream {
                    for (name, value) in no_cache {
                        add(name, value);
                    }
                }
            }
        }
        headers
    }

    /// Bytes of polls on one HTTP/2 connection, frames included, with a cookie of `cookie_bytes`. A plan needs the
    /// same lengths thousands of times, so the last result is kept.
    pub fn http2_lengths(self, host: &str, cookie_bytes: usize) -> Http2Lengths {
        type KeptLengths = (RequestHead, String, usize, Http2Lengths);
        thread_local! {
            static LAST: RefCell<Option<KeptLengths>> = const { RefCell::new(None) };
        }
        LAST.with_borrow_mut(|last| match last {
            Some((head, name, cookie, lengths))
                if *head == self && name == host && *cookie == cookie_bytes =>
            {
                *lengths
            }
            _ => {
                let lengths = self.packed(host, cookie_bytes);
                *last = Some((self, host.to_owned(), cookie_bytes, lengths));
                lengths
            }
        })
    }

    fn packed(self, host: &str, cookie_bytes: usize) -> Http2Lengths {
        let fields = |cursor: &str| {
            let mut fields: Vec<(String, String)> = [
                (":method", "GET"),
                (":authority", host),
                (":scheme", "https"),
                (":path", &format!("/poll?room=lobby&cursor={cursor}")),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
            for (name, value) in self.headers(Transport::Poll, host) {
                if !matches!(name, "Host" | "Connection") {
                    fields.push((name.to_lowercase(), value));
                }
            }
            if cookie_bytes > 0 {
                fields.push(("cookie".to_owned(), cookie_of(cookie_bytes)));
            }
            fields
        };
        let mut table = HpackTable::default();
        let mut length = |cursor: &str| {
            let block = table.encode(&fields(cursor));
            block + FRAME_HEAD_BYTES * block.div_ceil(MAX_FRAME_BYTES)
        };
        Http2Lengths {
            first: length("k3x9qa-17") as f64,
            repeated: length("k3x9qa-17") as f64,
            moved: length("k3x9qa-18") as f64,
            extra: self.extra_bytes(Transport::Poll, host, cookie_bytes) as f64,
        }
    }

    /// The extra bytes of a request by `transport` over a bare one to the same `host`, with a cookie of
    /// `cookie_bytes`.
    pub fn extra_bytes(self, transport: Transport, host: &str, cookie_bytes: usize) -> usize {
        let length = |head: Self| -> usize {
            let headers = head.headers(transport, host);
            headers
                .iter()
                .map(|(name, value)| name.len() + ": ".len() + value.len() + "\r\n".len())
                .sum()
        };
        let cookie = match cookie_bytes {
            0 => 0,
            bytes => "Cookie: ".len() + bytes + "\r\n".len(),
        };
        length(self) - length(Self::Bare) + cookie
    }
}

/// The value of a `Cookie` header of `bytes` bytes.
pub fn cookie_of(bytes: usize) -> String {
    const NAME: &str = "session=";
    match bytes.checked_sub(NAME.len()) {
        Some(rest) => format!("{NAME}{}", "x".repeat(rest)),
        None => "x".repeat(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The length of a head as recorded, its request line included.
    fn recorded(head: RequestHead, transport: Transport, line: &str, host: &str) -> usize {
        let headers = head.headers(transport, host);
        let lines = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        format!("{line}\r\n{}\r\n", lines.collect::<String>()).len()
    }

    #[test]
    fn heads_are_as_long_as_those_recorded() {
        // The headless build's name in Chromium's User-Agent is 8 bytes longer.
        let headless = "Headless".len();
        let poll = "GET /poll?room=lobby&cursor=k-7 HTTP/1.1";
        let stream = "GET /stream?room=lobby HTTP/1.1";
        let host = "127.0.0.1:18981";
        let chrome = |transport, line| recorded(RequestHead::Chrome, transport, line, host);
        assert_eq!(chrome(Transport::Poll, poll), 513 - headless);
        assert_eq!(chrome(Transport::Stream, stream), 561 - headless);
        let firefox = |transport, line| recorded(RequestHead::Firefox, transport, line, host);
        assert_eq!(firefox(Transport::Stream, stream), 434);
        let no_store = "Pragma: no-cache\r\nCache-Control: no-cache\r\n".len();
        let line = "GET /nostore?room=lobby HTTP/1.1";
        assert_eq!(firefox(Transport::Poll, line), 421 - no_store);
    }

    #[test]
    fn hpack_shortens_repeated_fields_unless_the_cookie_is_large() {
        // First, repeated and moved, as another encoder (hpack 4.2.0 for Python) computes them from the same fields.
        for (cookie, others) in [
            (0, [323.0, 24.0, 50.0]),
            (1024, [1222.0, 25.0, 51.0]),
            (4096, [3910.0, 3910.0, 3910.0]),
        ] {
            let ours = RequestHead::Chrome.http2_lengths("127.0.0.1:8080", cookie);
            assert_eq!([ours.first, ours.repeated, ours.moved], others, "{cookie}");
        }
    }

    #[test]
    fn a_cookie_has_the_requested_size() {
        for bytes in [1, 7, 8, 100, 4096] {
            assert_eq!(cookie_of(bytes).len(), bytes);
        }
        let extra = |cookie| RequestHead::Bare.extra_bytes(Transport::Poll, "h", cookie);
        assert_eq!((extra(0), extra(1024)), (0, 1034));
    }
}
