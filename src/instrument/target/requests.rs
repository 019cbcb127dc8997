//! A profile prepared for one run: each request, and what to take from each answer.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};

use super::{
    json_path::{field, field_of_lines, is_json},
    link::parameter_of,
    profile::{CursorRule, Extract, Inject, PollProfile, Profile},
};
use crate::{
    RequestHead, Transport, model::request_head::cookie_of, recording::message_tag::MessageTag,
};

/// The data that all requests of one run share.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// The value of `Host`.
    pub host: String,
    /// In front of every path, without a slash at its end.
    pub prefix: String,
    pub room: String,
    /// How long a long-poll asks to wait, seconds.
    pub wait_s: f64,
    /// The program whose request heads are sent, and the size of the cookie in them.
    pub head: RequestHead,
    pub cookie_bytes: usize,
}

/// How each message is published.
#[derive(Debug, Clone)]
pub struct PublishRequest {
    method: Method,
    path: String,
    headers: Vec<(HeaderName, String)>,
    body: String,
    tag: MessageTag,
    size: usize,
}

impl PublishRequest {
    pub fn new(
        profile: &Profile,
        place: &RequestContext,
        tag: MessageTag,
        size: usize,
    ) -> Result<Self> {
        let publish = &profile.publish;
        let method = &publish.method;
        let own = profile.headers.iter().chain(&publish.headers);
        let mut headers = vec![(header::HOST, place.host.clone())];
        for (name, value) in own {
            headers.push((name_of(name)?, place.fill_in(value)));
        }
        Ok(Self {
            method: Method::from_bytes(method.as_bytes())
                .with_context(|| format!("publish.method: {method:?} is not a method"))?,
            path: place.fill_in(&format!("{}{}", place.prefix, publish.path)),
            headers,
            body: place.fill_in(&publish.body),
            tag,
            size,
        })
    }

    /// The request that publishes message `sequence`.
    pub fn request(&self, sequence: u64) -> Result<Request<Bytes>> {
        let text = self.tag.text(sequence, self.size);
        let short = self.tag.text(sequence, 0);
        let id = short.trim_end_matches('.');
        let fill = |template: &str| template.replace("{text}", &text).replace("{id}", id);
        let mut headers = HeaderMap::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            headers.insert(name, value_of(&fill(value))?);
        }
        let mut request = Request::new(Bytes::from(fill(&self.body)));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri_of(&fill(&self.path))?;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// The same for several rooms in turn.
#[derive(Debug, Clone)]
pub struct RoomPublishing(pub Vec<PublishRequest>);

impl RoomPublishing {
    /// The request that publishes message `sequence`, in its room.
    pub fn request(&self, sequence: u64) -> Result<Request<Bytes>> {
        let rooms = self.0.len() as u64;
        let room = sequence.checked_rem(rooms).context("there is no room")?;
        self.0[room as usize].request(sequence)
    }
}

/// How a client polls.
#[derive(Debug, Clone)]
pub struct PollRequest {
    start: Option<Request<Bytes>>,
    /// The target, without the parameters that the cursor adds.
    target: String,
    /// All headers that never change.
    headers: HeaderMap,
    rules: Vec<CursorRule>,
    lines: bool,
    more: Option<Extract>,
    again: bool,
    is_long_poll: bool,
}

/// The parts of an answer that hold a cursor.
pub struct PollResponse<'a> {
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
    /// Whether the answer had a message.
    pub has_messages: bool,
}

impl PollRequest {
    pub fn new(profile: &Profile, transport: Transport, place: &RequestContext) -> Result<Self> {
        let ask: &PollProfile = profile.poll_profile(transport)?;
        let headers = place.headers(profile, transport, &ask.headers)?;
        let target = |path: &str| place.fill_in(&format!("{}{path}", place.prefix));
        let start = ask.start.as_ref().map(|path| get(&target(path), &headers));
        Ok(Self {
            start: start.transpose()?,
            target: target(&ask.path),
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
    pub fn start(&self) -> Option<Request<Bytes>> {
        self.start.clone()
    }

    /// The value before there was an answer.
    pub fn first_cursor(&self) -> Vec<Option<String>> {
        self.rules.iter().map(|rule| rule.first.clone()).collect()
    }

    /// The request for what comes after `cursor`.
    pub fn request(&self, cursor: &[Option<String>]) -> Result<Request<Bytes>> {
        let mut target = self.target.clone();
        let mut headers = self.headers.clone();
        for (rule, value) in self.rules.iter().zip(cursor) {
            match (&rule.send, value) {
                (_, None) => {}
                (Inject::Query(name), Some(value)) => {
                    target.push(if target.contains('?') { '&' } else { '?' });
                    target.push_str(name);
                    target.push('=');
                    target.extend(form_urlencoded::byte_serialize(value.as_bytes()));
                }
                (Inject::Header(name), Some(value)) => {
                    headers.insert(name_of(name)?, value_of(value)?);
                }
            }
        }
        let mut request = get(&target, &HeaderMap::new())?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// Moves the cursor to that of the answer. Parts that the answer lacks stay as they were; the first such part is
    /// returned.
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

    /// Whether to poll again at once.
    pub fn has_more(&self, answer: &PollResponse<'_>) -> bool {
        let more = self.more.as_ref().and_then(|take| self.find(take, answer));
        (self.again && answer.has_messages)
            || more.is_some_and(|more| !matches!(more.as_str(), "false" | "0" | ""))
    }

    /// Whether an answer is JSON, if the profile takes fields out of it.
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
                let value = answer.headers.get(wanted)?;
                Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
            }
            Extract::Link {
                relation,
                parameter,
            } => {
                let values = answer.headers.get_all(header::LINK).into_iter();
                let mut texts = values.map(|value| String::from_utf8_lossy(value.as_bytes()));
                texts.find_map(|text| parameter_of(&text, relation, parameter))
            }
        }
    }
}

/// How a stream is opened.
#[derive(Debug, Clone)]
pub struct StreamRequest {
    request: Request<Bytes>,
    resume: HeaderName,
}

impl StreamRequest {
    pub fn new(profile: &Profile, place: &RequestContext) -> Result<Self> {
        let open = profile.stream_profile()?;
        let target = place.fill_in(&format!("{}{}", place.prefix, open.path));
        let headers = place.headers(profile, Transport::Stream, &open.headers)?;
        Ok(Self {
            request: get(&target, &headers)?,
            resume: name_of(&open.resume)?,
        })
    }

    /// The request; it resumes after `last` if the client was disconnected.
    pub fn request(&self, last: Option<&str>) -> Result<Request<Bytes>> {
        let mut request = self.request.clone();
        if let Some(last) = last {
            request
                .headers_mut()
                .insert(self.resume.clone(), value_of(last)?);
        }
        Ok(request)
    }
}

impl RequestContext {
    /// Fills in the placeholders that are the same for a whole run.
    fn fill_in(&self, template: &str) -> String {
        template
            .replace("{room}", &self.room)
            .replace("{wait}", &self.wait_s.to_string())
    }

    /// All headers that never change: the browser's headers, then the profile's, which replace those of the same
    /// name, and the cookie last.
    fn headers(
        &self,
        profile: &Profile,
        transport: Transport,
        own: &BTreeMap<String, String>,
    ) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        for (name, value) in self.head.headers(transport, &self.host) {
            headers.insert(name_of(name)?, value_of(&value)?);
        }
        for (name, value) in profile.headers.iter().chain(own) {
            headers.insert(name_of(name)?, value_of(&self.fill_in(value))?);
        }
        if self.cookie_bytes > 0 {
            headers.append(header::COOKIE, value_of(&cookie_of(self.cookie_bytes))?);
        }
        Ok(headers)
    }
}

fn get(target: &str, headers: &HeaderMap) -> Result<Request<Bytes>> {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = uri_of(target)?;
    *request.headers_mut() = headers.clone();
    Ok(request)
}

fn uri_of(target: &str) -> Result<Uri> {
    let parsed = target.parse();
    parsed.with_context(|| format!("{target:?} is not a request path"))
}

fn name_of(name: &str) -> Result<HeaderName> {
    let parsed = HeaderName::from_bytes(name.as_bytes());
    parsed.with_context(|| format!("{name:?} is not a header name"))
}

fn value_of(value: &str) -> Result<HeaderValue> {
    let parsed = HeaderValue::from_bytes(value.as_bytes());
    parsed.with_context(|| format!("{value:?} is not a header value"))
}

#[cfg(test)]
mod tests;
