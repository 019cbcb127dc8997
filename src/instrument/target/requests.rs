//! A profile made ready for one run: the bytes of each request, and what to take from each answer.

use anyhow::{Context as _, Result};

use super::{
    json_path::{field, field_of_lines, is_json},
    profile::{CursorRule, Extract, Inject, PollProfile, Profile},
};
use crate::{
    RequestHead, Transport, model::request_head::cookie_of, recording::message_tag::MessageTag,
};

/// What the requests of one run have in common.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// What stands in `Host`.
    pub host: String,
    /// In front of every path, without a slash at its end.
    pub prefix: String,
    pub room: String,
    /// How long a long-poll asks to wait, seconds.
    pub wait_s: f64,
    /// Whose heads are sent, and the size of the cookie in them.
    pub head: RequestHead,
    pub cookie_bytes: usize,
}

/// How each message is published.
#[derive(Debug, Clone)]
pub struct PublishRequest {
    head: String,
    body: String,
    tag: MessageTag,
    size: usize,
}

impl PublishRequest {
    pub fn new(profile: &Profile, place: &RequestContext, tag: MessageTag, size: usize) -> Self {
        let publish = &profile.publish;
        let path = format!("{}{}", place.prefix, publish.path);
        let mut head = format!(
            "{} {path} HTTP/1.1\r\nHost: {}\r\n",
            publish.method, place.host
        );
        for (name, value) in profile.headers.iter().chain(&publish.headers) {
            head += &format!("{name}: {value}\r\n");
        }
        Self {
            head: place.fill(&head),
            body: place.fill(&publish.body),
            tag,
            size,
        }
    }

    /// The request that publishes message `sequence`.
    pub fn request(&self, sequence: u64) -> Vec<u8> {
        let text = self.tag.text(sequence, self.size);
        let short = self.tag.text(sequence, 0);
        let id = short.trim_end_matches('.');
        let fill = |template: &str| template.replace("{text}", &text).replace("{id}", id);
        let body = fill(&self.body);
        let head = fill(&self.head);
        format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }
}

/// How a client asks.
#[derive(Debug, Clone)]
pub struct PollRequest {
    start: Option<Vec<u8>>,
    /// Method and target, without the parameters that the cursor adds.
    line: String,
    has_query: bool,
    /// All headers that never change, and the end of the line before them.
    headers: String,
    rules: Vec<CursorRule>,
    lines: bool,
    more: Option<Extract>,
    again: bool,
    is_long_poll: bool,
}

/// The parts of an answer that hold a cursor.
pub struct PollResponse<'a> {
    pub headers: &'a [(String, String)],
    pub body: &'a [u8],
    /// Whether there was a message in it.
    pub has_messages: bool,
}

impl PollRequest {
    pub fn new(profile: &Profile, transport: Transport, place: &RequestContext) -> Result<Self> {
        let ask: &PollProfile = profile.ask(transport)?;
        let headers = place.headers(profile, transport, &ask.headers);
        let target = |path: &str| format!("GET {}", place.fill(&format!("{}{path}", place.prefix)));
        let start = ask
            .start
            .as_ref()
            .map(|path| target(path) + &headers + "\r\n");
        Ok(Self {
            start: start.map(String::into_bytes),
            line: target(&ask.path),
            has_query: ask.path.contains('?'),
            headers,
            rules: ask.cursor.clone(),
            lines: ask.lines,
            more: ask.more.clone(),
            again: ask.again,
            is_long_poll: transport == Transport::LongPoll,
        })
    }

    /// Whether `status` ends a long-poll for which no message came in time (RFC 6202 names 408 for it).
    pub fn is_timeout(&self, status: u16) -> bool {
        self.is_long_poll && status == 408
    }

    /// A client's first request, if it differs from the others.
    pub fn start(&self) -> Option<&[u8]> {
        self.start.as_deref()
    }

    /// What is sent before there was an answer.
    pub fn first_cursor(&self) -> Vec<Option<String>> {
        self.rules.iter().map(|rule| rule.first.clone()).collect()
    }

    /// Writes the request for what comes after `cursor`.
    pub fn request(&self, cursor: &[Option<String>], request: &mut Vec<u8>) {
        request.clear();
        request.extend_from_slice(self.line.as_bytes());
        let mut has_query = self.has_query;
        for (rule, value) in self.rules.iter().zip(cursor) {
            if let (Inject::Query(name), Some(value)) = (&rule.send, value) {
                request.push(if has_query { b'&' } else { b'?' });
                has_query = true;
                request.extend_from_slice(name.as_bytes());
                request.push(b'=');
                for part in form_urlencoded::byte_serialize(value.as_bytes()) {
                    request.extend_from_slice(part.as_bytes());
                }
            }
        }
        request.extend_from_slice(self.headers.as_bytes());
        for (rule, value) in self.rules.iter().zip(cursor) {
            if let (Inject::Header(name), Some(value)) = (&rule.send, value) {
                for part in [name, ": ", value, "\r\n"] {
                    request.extend_from_slice(part.as_bytes());
                }
            }
        }
        request.extend_from_slice(b"\r\n");
    }

    /// Whether a header of the answer is of interest.
    pub fn wants(&self, name: &str) -> bool {
        let takes = self.rules.iter().map(|rule| &rule.take).chain(&self.more);
        takes.into_iter().any(
            |take| matches!(take, Extract::Header(wanted) if wanted.eq_ignore_ascii_case(name)),
        )
    }

    /// Moves the cursor to the answer's. Parts that the answer does not have stay as they were, and the
    /// first such part is returned.
    pub fn advance(
        &self,
        cursor: &mut [Option<String>],
        answer: &PollResponse<'_>,
    ) -> Option<&Extract> {
        let mut lacking = None;
        for (rule, place) in self.rules.iter().zip(cursor) {
            match self.find(&rule.take, answer) {
                Some(value) => *place = Some(value),
                None => lacking = lacking.or(Some(&rule.take)),
            }
        }
        lacking
    }

    /// Whether it is worth asking again at once.
    pub fn has_more(&self, answer: &PollResponse<'_>) -> bool {
        let more = self.more.as_ref().and_then(|take| self.find(take, answer));
        (self.again && answer.has_messages)
            || more.is_some_and(|more| !matches!(more.as_str(), "false" | "0" | ""))
    }

    /// Whether an answer is JSON, as a profile that takes fields out of it says.
    pub fn is_json(&self, answer: &PollResponse<'_>) -> bool {
        match self.lines {
            true => answer.body.split(|byte| *byte == b'\n').all(|line| {
                let line = line.trim_ascii();
                line.is_empty() || is_json(line)
            }),
            false => is_json(answer.body),
        }
    }

    fn find(&self, take: &Extract, answer: &PollResponse<'_>) -> Option<String> {
        match take {
            Extract::Json(path) if self.lines => field_of_lines(answer.body, path),
            Extract::Json(path) => field(answer.body, path),
            Extract::Header(wanted) => {
                let mut headers = answer.headers.iter();
                let (_, value) = headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
                Some(value.clone())
            }
        }
    }
}

/// How a stream is opened.
#[derive(Debug, Clone)]
pub struct StreamRequest {
    request: String,
    resume: String,
}

impl StreamRequest {
    pub fn new(profile: &Profile, place: &RequestContext) -> Result<Self> {
        let open = profile.open()?;
        let target = place.fill(&format!("{}{}", place.prefix, open.path));
        let headers = place.headers(profile, Transport::Stream, &open.headers);
        Ok(Self {
            request: format!("GET {target}{headers}"),
            resume: open.resume.clone(),
        })
    }

    /// The request; it resumes after `last` if the client was disconnected.
    pub fn request(&self, last: Option<&str>) -> Vec<u8> {
        let resume = last.map_or(String::new(), |last| format!("{}: {last}\r\n", self.resume));
        format!("{}{resume}\r\n", self.request).into_bytes()
    }
}

impl RequestContext {
    /// Fills in what is the same for a whole run.
    fn fill(&self, template: &str) -> String {
        template
            .replace("{room}", &self.room)
            .replace("{wait}", &self.wait_s.to_string())
    }

    /// The end of the request line, and all headers that never change: the browser's, with the profile's in
    /// their place if they have the same name and after them if not, and the cookie last.
    fn headers(
        &self,
        profile: &Profile,
        transport: Transport,
        own: &std::collections::BTreeMap<String, String>,
    ) -> String {
        let mut headers: Vec<(String, String)> = self
            .head
            .headers(transport, &self.host)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        for (name, value) in profile.headers.iter().chain(own) {
            let value = self.fill(value);
            let mut same = headers.iter_mut();
            match same.find(|(other, _)| other.eq_ignore_ascii_case(name)) {
                Some((_, old)) => *old = value,
                None => headers.push((name.clone(), value)),
            }
        }
        if self.cookie_bytes > 0 {
            headers.push(("Cookie".to_owned(), cookie_of(self.cookie_bytes)));
        }
        let lines = headers
            .into_iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        format!(" HTTP/1.1\r\n{}", lines.collect::<String>())
    }
}

/// The target's address in parts: `http://host:port/prefix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetUrl {
    pub host: String,
    pub authority: String,
    pub port: u16,
    pub prefix: String,
}

impl std::str::FromStr for TargetUrl {
    type Err = anyhow::Error;

    fn from_str(url: &str) -> Result<Self> {
        anyhow::ensure!(
            !url.starts_with("https://"),
            "{url}: TLS is not spoken here, so give the server's plain http:// address"
        );
        let rest = url
            .strip_prefix("http://")
            .with_context(|| format!("{url}: a target is `self` or begins with http://"))?;
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
            None => (authority, 80),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let sound = |byte: u8| byte.is_ascii_graphic() && byte != b'@';
        anyhow::ensure!(
            !host.is_empty() && rest.bytes().all(sound),
            "{url}: a target looks like http://host:port"
        );
        Ok(Self {
            host: host.to_owned(),
            authority: authority.to_owned(),
            port,
            prefix: path.trim_end_matches('/').to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
