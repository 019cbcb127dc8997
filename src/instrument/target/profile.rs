//! How to publish to a server, poll it and stream from it: read from TOML (`docs/compare.md`) and checked once. The
//! profiles of known servers are in `profiles/`.

use std::{collections::BTreeMap, path::Path, str::FromStr};

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::Transport;

/// The profiles that are built in, by their names.
const BUILT_IN: [(&str, &str); 5] = [
    ("poll-vs-sse", include_str!("profiles/poll-vs-sse.toml")),
    ("nchan", include_str!("profiles/nchan.toml")),
    ("ntfy", include_str!("profiles/ntfy.toml")),
    ("pushpin", include_str!("profiles/pushpin.toml")),
    (
        "durable-streams",
        include_str!("profiles/durable-streams.toml"),
    ),
];
/// The placeholders that any path or header may have, in braces.
const PLACEHOLDERS: &[&str] = &["room", "wait"];
/// Those of publishing, where there is a message.
const PUBLISH_PLACEHOLDERS: &[&str] = &["room", "text", "id", "wait"];

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Profile {
    pub name: String,
    /// Sent with every request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub publish: PublishProfile,
    pub poll: Option<PollProfile>,
    pub long_poll: Option<PollProfile>,
    pub stream: Option<StreamProfile>,
}

/// How a message is published.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishProfile {
    #[serde(default = "post")]
    pub method: String,
    pub path: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// How a client polls, and where answers hold its cursor.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PollProfile {
    /// A client's first request, if it differs; the server must answer it at once. Its answer gives
    /// only a cursor.
    pub start: Option<String>,
    pub path: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub cursor: Vec<CursorRule>,
    /// Whether the answer is one JSON value a line, the newest last.
    #[serde(default)]
    pub lines: bool,
    /// The field of an answer that says whether there are more messages.
    pub more: Option<Extract>,
    /// Whether there may be more after every answer with a message.
    #[serde(default)]
    pub again: bool,
}

/// How a stream is opened.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamProfile {
    pub path: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The header in which a client that was cut off sends the last event's id.
    #[serde(default = "last_event_id")]
    pub resume: String,
}

/// One part of a cursor.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CursorRule {
    /// Where it is in an answer.
    pub take: Extract,
    /// Where it goes in the next request.
    pub send: Inject,
    /// The value before there was an answer.
    pub first: Option<String>,
}

/// A place in an answer: `json:a.b` (a number counts the elements of a list, from the end if it is
/// negative), `header:Name`, or `link:next:after` (a query parameter of the `Link` header's target with a relation).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extract {
    Json(Vec<String>),
    Header(String),
    Link { relation: String, parameter: String },
}

/// A place in a request: `query:name` or `header:Name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inject {
    Query(String),
    Header(String),
}

fn post() -> String {
    "POST".to_owned()
}

fn last_event_id() -> String {
    "Last-Event-ID".to_owned()
}

impl Profile {
    /// The built-in profile of this project's server.
    pub fn own() -> Self {
        let (name, text) = BUILT_IN[0];
        Self::parse(text).unwrap_or_else(|error| panic!("the built-in profile {name}: {error:#}"))
    }

    /// A built-in profile's name, or the path of a file.
    pub fn load(name_or_path: &str) -> Result<Self> {
        if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == name_or_path) {
            return Self::parse(text).with_context(|| format!("profile {name}"));
        }
        let text = std::fs::read_to_string(Path::new(name_or_path)).with_context(|| {
            let names = BUILT_IN.map(|(name, _)| name).join(", ");
            format!("cannot read the profile {name_or_path} (built in are {names})")
        })?;
        Self::parse(&text).with_context(|| format!("profile {name_or_path}"))
    }

    pub fn parse(text: &str) -> Result<Self> {
        let profile: Self = toml::from_str(text).map_err(|error| {
            let before = error.span().map(|span| &text[..span.start.min(text.len())]);
            let line = before.map_or(0, |before| before.matches('\n').count()) + 1;
            anyhow::anyhow!("line {line}: {}", error.message().replace('\n', " "))
        })?;
        profile.check()?;
        Ok(profile)
    }

    /// The polls of `transport`. An error if the profile has no such transport.
    pub fn poll_profile(&self, transport: Transport) -> Result<&PollProfile> {
        let ask = match transport {
            Transport::Poll => &self.poll,
            Transport::LongPoll => &self.long_poll,
            Transport::Stream => &None,
        };
        ask.as_ref().with_context(|| self.missing(transport))
    }

    pub fn stream_profile(&self) -> Result<&StreamProfile> {
        self.stream
            .as_ref()
            .with_context(|| self.missing(Transport::Stream))
    }

    /// Whether the profile has `transport`.
    pub fn has(&self, transport: Transport) -> bool {
        match transport {
            Transport::Poll => self.poll.is_some(),
            Transport::LongPoll => self.long_poll.is_some(),
            Transport::Stream => self.stream.is_some(),
        }
    }

    /// Refuses transports that the profile does not have.
    pub fn check_has(&self, transports: &[Transport]) -> Result<()> {
        match transports.iter().find(|transport| !self.has(**transport)) {
            Some(transport) => bail!(self.missing(*transport)),
            None => Ok(()),
        }
    }

    fn missing(&self, transport: Transport) -> String {
        format!(
            "profile {} has no [{transport}]: leave it out of --transports",
            self.name
        )
    }

    fn check(&self) -> Result<()> {
        let publish = PUBLISH_PLACEHOLDERS;
        let mut paths = vec![("publish.path", &self.publish.path, publish)];
        let mut headers = vec![
            (&self.headers, PLACEHOLDERS),
            (&self.publish.headers, publish),
        ];
        for (name, ask) in [("poll", &self.poll), ("long-poll", &self.long_poll)] {
            let Some(ask) = ask else { continue };
            paths.push((name, &ask.path, PLACEHOLDERS));
            paths.extend(ask.start.iter().map(|start| (name, start, PLACEHOLDERS)));
            headers.push((&ask.headers, PLACEHOLDERS));
            ensure!(
                !ask.cursor.is_empty(),
                "[{name}] has no cursor: without one every answer would bring the same messages"
            );
        }
        if let Some(open) = &self.stream {
            paths.push(("stream", &open.path, PLACEHOLDERS));
            headers.push((&open.headers, PLACEHOLDERS));
        }
        for (name, path, known) in paths {
            ensure!(
                path.starts_with('/'),
                "{name}: a path begins with /, unlike {path:?}"
            );
            let printable = path.bytes().all(|byte| byte.is_ascii_graphic());
            ensure!(printable, "{name}: {path:?} must be percent-encoded");
            placeholders(path, known).with_context(|| name.to_owned())?;
        }
        let headers = headers.into_iter().flat_map(|(headers, known)| {
            headers
                .iter()
                .map(move |(name, value)| (name, value, known))
        });
        for (name, value, known) in headers {
            let is_token =
                |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            ensure!(
                !name.is_empty() && name.bytes().all(is_token),
                "{name:?} is not a header name"
            );
            let printable = value.bytes().all(|byte| byte >= b' ' && byte != 0x7f);
            ensure!(printable, "the header {name} has a control character");
            placeholders(value, known).with_context(|| format!("the header {name}"))?;
        }
        placeholders(&self.publish.body, publish).context("publish.body")?;
        ensure!(
            [&self.publish.body, &self.publish.path]
                .into_iter()
                .any(|part| part.contains("{text}")),
            "publish has no {{text}}: the message would not be in it"
        );
        Ok(())
    }
}

/// Refuses placeholders that are not `known`. Braces of JSON are fine.
fn placeholders(template: &str, known: &[&str]) -> Result<()> {
    for part in template.split('{').skip(1) {
        let name = part.split('}').next().unwrap_or_default();
        let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
        if is_word && part.len() > name.len() && !known.contains(&name) {
            bail!(
                "there is no {{{name}}} here: use {{{}}}",
                known.join("}, {")
            );
        }
    }
    Ok(())
}

impl Extract {
    /// Whether it is an element of a list, or part of one; an empty list has no elements.
    pub fn is_in_list(&self) -> bool {
        matches!(self, Self::Json(path) if path.iter().any(|name| name.parse::<i64>().is_ok()))
    }
}

impl FromStr for Extract {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("json", path)) if !path.is_empty() => {
                Ok(Self::Json(path.split('.').map(str::to_owned).collect()))
            }
            Some(("header", name)) if !name.is_empty() => Ok(Self::Header(name.to_owned())),
            Some(("link", rest)) => match rest.split_once(':') {
                Some((relation, parameter)) if !relation.is_empty() && !parameter.is_empty() => {
                    Ok(Self::Link {
                        relation: relation.to_owned(),
                        parameter: parameter.to_owned(),
                    })
                }
                _ => Err(format!("{text:?} is not link:RELATION:PARAMETER")),
            },
            _ => Err(format!(
                "{text:?} is neither json:FIELD, header:NAME nor link:RELATION:PARAMETER"
            )),
        }
    }
}

impl std::fmt::Display for Extract {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Json(path) => write!(f, "json:{}", path.join(".")),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Link {
                relation,
                parameter,
            } => write!(f, "link:{relation}:{parameter}"),
        }
    }
}

impl FromStr for Inject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("query", name)) if !name.is_empty() => Ok(Self::Query(name.to_owned())),
            Some(("header", name)) if !name.is_empty() => Ok(Self::Header(name.to_owned())),
            _ => Err(format!("{text:?} is neither query:NAME nor header:NAME")),
        }
    }
}

impl<'de> Deserialize<'de> for Extract {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Inject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
