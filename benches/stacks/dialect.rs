//! The requests that each kind of server understands, for this bench's own loads. The instrument uses profiles instead.

use super::http;
use super::report::stacks::catalog::Stack;

/// The room that has only a few of the fan-out's streams.
pub const FEW_ROOM: &str = "fanoutfew";

/// The Durable Streams server needs streams to be created beforehand. All loads but the few streams' share the first.
const DURABLE: [&str; 2] = ["/bench", "/few"];

fn durable(room: &str) -> &'static str {
    DURABLE[usize::from(room == FEW_ROOM)]
}

/// The requests that a kind of server understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The contract of the stacks, which is a part of this project's API.
    Contract,
    Nchan,
    Pushpin,
    DurableStreams,
}

impl Dialect {
    pub fn from_stack(stack: &Stack) -> Self {
        match stack.profile.as_deref() {
            Some("nchan") => Self::Nchan,
            Some("pushpin") => Self::Pushpin,
            Some("durable-streams") => Self::DurableStreams,
            _ => Self::Contract,
        }
    }

    /// The requests to send before anything else.
    pub fn prepare(self) -> Vec<Vec<u8>> {
        let json = "Content-Type: application/json\r\nContent-Length: 0";
        let put =
            |path| format!("PUT {path} HTTP/1.1\r\nHost: localhost\r\n{json}\r\n\r\n").into_bytes();
        match self {
            Self::DurableStreams => DURABLE.into_iter().map(put).collect(),
            Self::Contract | Self::Nchan | Self::Pushpin => Vec::new(),
        }
    }

    /// A request that is answered with `200` once the server is ready.
    pub fn readiness(self) -> Option<&'static str> {
        match self {
            Self::Contract => Some("/poll"),
            Self::Pushpin => Some("/ready"),
            Self::Nchan | Self::DurableStreams => None,
        }
    }

    /// Publishes `text`, which must need no escaping.
    pub fn publish(self, room: &str, text: &str) -> Vec<u8> {
        const JSON: &str = "application/json";
        match self {
            Self::Contract => {
                let body = format!(r#"{{"room":"{room}","author":"bench","text":"{text}"}}"#);
                http::post("/messages", JSON, body.as_bytes())
            }
            Self::Nchan => http::post(&format!("/publish/{room}"), "text/plain", text.as_bytes()),
            Self::Pushpin => {
                let body = format!(
                    r#"{{"items":[{{"channel":"{room}","formats":{{"http-stream":{{"content":"data: {text}\n\n"}}}}}}]}}"#
                );
                http::post("/publish", JSON, body.as_bytes())
            }
            Self::DurableStreams => {
                let body = format!(r#"{{"text":"{text}"}}"#);
                http::post(durable(room), JSON, body.as_bytes())
            }
        }
    }

    /// A poll of a room without messages.
    pub fn empty_poll(self, room: &str) -> Option<Vec<u8>> {
        match self {
            Self::Contract => Some(http::get(&format!("/poll?room={room}&last=0"))),
            Self::Nchan => Some(http::get(&format!("/poll/{room}"))),
            Self::DurableStreams => Some(http::get(&format!("{}?offset=now", durable(room)))),
            Self::Pushpin => None,
        }
    }

    /// Any request that is answered at once.
    pub fn plain(self) -> Vec<u8> {
        self.empty_poll("plain")
            .unwrap_or_else(|| http::get("/ready"))
    }

    /// The path of a stream of new messages.
    pub fn stream(self, room: &str) -> String {
        match self {
            Self::Contract => format!("/stream?room={room}&last=0"),
            Self::Nchan | Self::Pushpin => format!("/stream/{room}"),
            Self::DurableStreams => format!("{}?offset=now&live=sse", durable(room)),
        }
    }

    /// Whether a client can resume by the id of its last event.
    pub fn resumes(self) -> bool {
        matches!(self, Self::Contract | Self::Nchan)
    }
}
