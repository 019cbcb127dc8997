//! An HTTP answer as received.

use serde_json::Value;

/// A status line with its header fields.
#[derive(Debug, Clone)]
pub struct Head {
    pub version: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
pub struct Response {
    pub head: Head,
    pub body: Vec<u8>,
}

/// How the end of a body is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    Length(usize),
    Chunked,
    Close,
}

impl Head {
    /// Parses a head, without the empty line that ends it.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split("\r\n");
        let status_line = lines.next().expect("a status line");
        let mut words = status_line.splitn(3, ' ');
        let version = words.next().expect("a version").to_owned();
        assert!(version.starts_with("HTTP/1."), "not HTTP: {text:?}");
        let status = words.next().and_then(|status| status.parse().ok());
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').expect("a header field");
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        Self {
            version,
            status: status.unwrap_or_else(|| panic!("no status: {text:?}")),
            headers: headers.collect(),
        }
    }

    /// The only header field of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let name = name.to_ascii_lowercase();
        let mut found = self.headers.iter().filter(|(n, _)| *n == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} occurs twice: {self:?}");
        value
    }

    /// How the body of an answer to `method` is framed (RFC 9112, 6.3).
    pub fn framing(&self, method: &str) -> Framing {
        if method == "HEAD" || matches!(self.status, 100..=199 | 204 | 304) {
            Framing::Length(0)
        } else if self.header("transfer-encoding") == Some("chunked") {
            Framing::Chunked
        } else if let Some(length) = self.header("content-length") {
            Framing::Length(length.parse().expect("a length"))
        } else {
            Framing::Close
        }
    }
}

impl Response {
    pub fn status(&self) -> u16 {
        self.head.status
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?} {:?}", self.head, self.text()))
    }

    /// The body of a successful answer.
    pub fn ok(&self) -> Value {
        assert_eq!(self.status(), 200, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/json"));
        self.json()
    }

    /// The body of an error, which must be problem details (RFC 9457) with that status.
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status(), status, "{}", self.text());
        let kind = self.header("content-type");
        assert_eq!(kind, Some("application/problem+json"), "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["status"], status, "{problem}");
        for field in ["type", "title", "detail"] {
            let text = problem[field].as_str();
            assert!(text.is_some_and(|text| !text.is_empty()), "{problem}");
        }
        assert!(problem["field"].is_null() || problem["field"].is_string());
        problem
    }

    /// Fails unless this is a problem of that status which names `field`.
    pub fn assert_problem_field(&self, status: u16, field: &str) {
        let problem = self.problem(status);
        assert_eq!(problem["field"], field, "{problem}");
    }
}
