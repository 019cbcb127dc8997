//! A reader's request: the query that `/poll` and `/stream` share, and the rule for where a reader starts.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use thiserror::Error;

use crate::{
    domain::{
        author::Author, client_address::ClientAddress, client_label::ClientLabel, cursor::Cursor,
        room::Room, room_set::RoomSet, transport::Transport,
    },
    faults::{Fault, FaultKey},
    ledger::request_recorder::RequestInfo,
    log::Start,
    presence::Reader,
};

const DEFAULT_LAST: usize = 50;
const DEFAULT_LIMIT: usize = poll_vs_sse_model::server_limits::PAGE_MESSAGES;
const MAX_MESSAGES: usize = 1000;
/// The name of the limit of rooms that one reader may name.
const ROOMS_PER_READER: &str = "rooms-per-reader";
const MAX_WAIT: f64 = 60.0;
const MAX_INTERVAL: f64 = 300.0;
/// A shorter heartbeat would be most of the traffic.
const MIN_HEARTBEAT: f64 = 0.2;
const MAX_HEARTBEAT: f64 = 60.0;

/// A reader's request. Unknown parameters are ignored, because caches and proxies add their own.
#[derive(Debug, PartialEq)]
pub struct ReadQuery {
    pub rooms: RoomSet,
    pub start: Start,
    /// The turn of the cursor in the query: see `poll_cache`.
    pub turn: u64,
    /// The most messages in one answer. Streams do not use it.
    pub limit: usize,
    /// Above zero: a long-poll.
    pub wait: Duration,
    pub client: Option<ClientLabel>,
    /// The client's address, which is not part of the query.
    pub address: Option<ClientAddress>,
    /// The name of the client's user, for presence.
    pub author: Option<Author>,
    /// The poller's interval, for presence; if it is `None`, the server observes it.
    pub interval: Option<Duration>,
    /// Whether to report who is in the room.
    pub presence: bool,
    /// Whether to close the connection after the answer, as without keep-alive.
    pub close: bool,
    /// How long a stream may be silent before it sends a keep-alive event; `None` for keep-alive comments.
    pub heartbeat: Option<Duration>,
    /// Whether to record a trace of this client.
    pub trace: bool,
    /// The fault to inject into this request.
    pub fault: Option<Fault>,
    /// The client's secret, with which it may end its connections.
    pub fault_key: Option<FaultKey>,
}

impl ReadQuery {
    /// Parses a query string. `last_event_id` is the header of that name; it counts before `cursor`.
    pub fn parse(query: &str, last_event_id: Option<&str>) -> Result<Self, InvalidField> {
        let mut rooms: Option<RoomSet> = None;
        let mut cursor = None;
        let mut last = None;
        let mut limit = None;
        let mut wait = None;
        let mut client = None;
        let mut author = None;
        let mut interval = None;
        let mut presence = None;
        let mut close = None;
        let mut heartbeat = None;
        let mut trace = None;
        let mut fault = None;
        let mut fault_key = None;
        let mut set = |name: &str, value: &str| match name {
            "room" => add_room(&mut rooms, value),
            "cursor" => set_once(&mut cursor, "cursor", Cursor::parse_with_turn(value)),
            "last" => set_once(&mut last, "last", parse_integer(value, 0)),
            "limit" => set_once(&mut limit, "limit", parse_integer(value, 1)),
            "wait" => set_once(&mut wait, "wait", parse_seconds(value, 0.0, MAX_WAIT)),
            "client" => set_once(&mut client, "client", value.parse::<ClientLabel>()),
            "author" => set_once(&mut author, "author", value.parse::<Author>()),
            "interval" => set_once(
                &mut interval,
                "interval",
                parse_seconds(value, 0.05, MAX_INTERVAL),
            ),
            "presence" => set_once(&mut presence, "presence", parse_choice(value, ["0", "1"])),
            "heartbeat" => set_once(
                &mut heartbeat,
                "heartbeat",
                parse_seconds(value, MIN_HEARTBEAT, MAX_HEARTBEAT),
            ),
            "trace" => set_once(&mut trace, "trace", parse_choice(value, ["0", "1"])),
            "fault" => set_once(&mut fault, "fault", value.parse::<Fault>()),
            "fault_key" => set_once(&mut fault_key, "fault_key", value.parse::<FaultKey>()),
            "connection" => {
                let choice = parse_choice(value, ["keep-alive", "close"]);
                set_once(&mut close, "connection", choice)
            }
            _ => Ok(()),
        };
        if query.bytes().any(|b| b == b'%' || b == b'+') {
            let pairs = query.split('&').filter(|pair| !pair.is_empty());
            for (pair, (name, value)) in pairs.zip(form_urlencoded::parse(query.as_bytes())) {
                if percent_decode_str(pair).decode_utf8().is_ok() {
                    set(&name, &value)?;
                } else if set(&name, "").is_err() {
                    // The server knows this parameter, because only an unknown one may be empty.
                    return Err(InvalidField::new(&name, "is not UTF-8"));
                }
            }
        } else {
            // The query needs no decoding, as in nearly every poll.
            for pair in query.split('&') {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                set(name, value)?;
            }
        }
        let turn = cursor.map_or(0, |(_, turn)| turn);
        let mut start_after = cursor.map(|(cursor, _)| cursor);
        if let Some(id) = last_event_id.filter(|id| !id.is_empty()) {
            let id = id
                .parse()
                .map_err(|why| InvalidField::new("Last-Event-ID", why))?;
            start_after = Some(id);
        }
        let start = match start_after {
            Some(cursor) => Start::After(cursor),
            None => Start::Last(last.unwrap_or(DEFAULT_LAST)),
        };
        let trace = trace.unwrap_or_default();
        if trace && client.is_none() {
            return Err(InvalidField::new("trace", "needs a `client` label"));
        }
        if fault == Some(Fault::Restart) && fault_key.is_none() {
            return Err(InvalidField::new("fault", "restart needs a `fault_key`"));
        }
        Ok(Self {
            rooms: rooms.unwrap_or_default(),
            start,
            turn,
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            wait: wait.unwrap_or_default(),
            client,
            address: None,
            author,
            interval,
            presence: presence.unwrap_or_default(),
            close: close.unwrap_or_default(),
            heartbeat,
            trace,
            fault,
            fault_key,
        })
    }

    /// The reader as others in the room see it; `None` without a client label.
    pub fn reader(&self, transport: Transport) -> Option<Reader> {
        Some(Reader {
            client: self.client.clone()?,
            address: self.address,
            author: self.author.clone(),
            transport,
            interval: self.interval,
        })
    }

    /// The transport of a request to `/poll` with this query.
    pub fn poll_transport(&self) -> Transport {
        if self.wait.is_zero() {
            Transport::Poll
        } else {
            Transport::LongPoll
        }
    }

    /// The data about the request for the ledger.
    pub fn request_info(&self, transport: Transport) -> RequestInfo<'_> {
        RequestInfo {
            account: transport.into(),
            rooms: Some(&self.rooms),
            client: self.client.as_ref(),
            trace: self.trace,
        }
    }
}

/// What is wrong with one query parameter or header.
#[derive(Debug, Error)]
#[error("`{field}` {detail}")]
pub struct InvalidField {
    pub field: String,
    pub detail: String,
    /// The limit that it exceeds, if any.
    pub limit: Option<&'static str>,
}

impl InvalidField {
    pub fn new(field: &str, detail: impl std::fmt::Display) -> Self {
        Self {
            field: field.to_owned(),
            detail: detail.to_string(),
            limit: None,
        }
    }
}

/// Sets a parameter that may be given once.
fn set_once<T, E: std::fmt::Display>(
    slot: &mut Option<T>,
    name: &str,
    value: Result<T, E>,
) -> Result<(), InvalidField> {
    let value = value.map_err(|why| InvalidField::new(name, why))?;
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(InvalidField::new(name, "is given twice")),
    }
}

/// Adds a room to the rooms named so far.
fn add_room(rooms: &mut Option<RoomSet>, name: &str) -> Result<(), InvalidField> {
    let room: Room = name.parse().map_err(|why| InvalidField::new("room", why))?;
    match rooms {
        Some(rooms) => rooms.insert(room).map_err(|why| InvalidField {
            limit: Some(ROOMS_PER_READER),
            ..InvalidField::new("room", why)
        }),
        None => {
            *rooms = Some(room.into());
            Ok(())
        }
    }
}

fn parse_integer(text: &str, min: usize) -> Result<usize, String> {
    let value = text
        .parse()
        .ok()
        .filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    value
        .filter(|value| (min..=MAX_MESSAGES).contains(value))
        .ok_or_else(|| format!("must be a whole number from {min} to {MAX_MESSAGES}"))
}

/// Whether it is the second of two choices.
fn parse_choice(text: &str, [no, yes]: [&str; 2]) -> Result<bool, String> {
    match text {
        _ if text == no => Ok(false),
        _ if text == yes => Ok(true),
        _ => Err(format!("must be {no} or {yes}")),
    }
}

fn parse_seconds(text: &str, min: f64, max: f64) -> Result<Duration, String> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let seconds: Option<f64> = text.parse().ok().filter(|_| plain);
    seconds
        .filter(|seconds| (min..=max).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| format!("must be a number of seconds from {min} to {max}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_query_reads_the_end_of_the_lobby() {
        let query = ReadQuery::parse("", None).expect("valid");
        assert_eq!(query.rooms, RoomSet::default());
        assert_eq!(query.start, Start::Last(50));
        assert_eq!((query.limit, query.wait), (200, Duration::ZERO));
    }

    #[test]
    fn last_event_id_wins_over_cursor_and_cursor_over_last() {
        let start = |query, header| ReadQuery::parse(query, header).expect("valid").start;
        let after = |text: &str| Start::After(text.parse().expect("a cursor"));
        assert_eq!(start("cursor=a-1&last=3", Some("a-2")), after("a-2"));
        assert_eq!(start("cursor=a-1&last=3", Some("")), after("a-1"));
        assert_eq!(start("last=3", None), Start::Last(3));
    }

    #[test]
    fn what_is_out_of_range_is_refused_by_name() {
        let bad = [
            "room=a+b",
            "room=",
            "room=%ff",
            "cursor=17",
            "last=1001",
            "last=-1",
            "last=%2B1",
            "limit=0",
            "limit=1001",
            "limit=x",
            "wait=61",
            "wait=-1",
            "wait=NaN",
            "wait=1e1",
            "client=",
            "client=a.b",
            "author=",
            "author=a%0Ab",
            "author=%ff",
            "author=min%c3",
            "interval=0",
            "interval=301",
            "heartbeat=0.1",
            "heartbeat=61",
            "heartbeat=event",
            "presence=yes",
            "trace=1",
            "fault=fire",
            "fault=restart",
            "fault_key=a.b",
            "connection=",
            "room=a&room=",
            "room=a,b",
            "client=a&client=b",
        ];
        for query in bad {
            let problem = ReadQuery::parse(query, None).expect_err(query).to_string();
            let name = query.split('=').next().expect("a name");
            assert!(problem.contains(&format!("`{name}`")), "{query}: {problem}");
        }
        assert!(ReadQuery::parse("", Some("x")).is_err());
    }

    #[test]
    fn a_reader_may_name_several_rooms_each_of_them_once() {
        let rooms = |query: &str| ReadQuery::parse(query, None).map(|it| it.rooms.to_string());
        assert_eq!(rooms("room=b&last=1&room=a").expect("valid"), "b,a");
        assert_eq!(rooms("room=a&room=a").expect("valid"), "a");
        let named = |n: usize| (0..n).map(|i| format!("room=r{i}&")).collect::<String>();
        assert!(rooms(&named(64)).is_ok());
        let problem = rooms(&named(65)).expect_err("too many");
        assert_eq!(problem.limit, Some(ROOMS_PER_READER));
        assert!(problem.to_string().contains("64"), "{problem}");
    }

    #[test]
    fn fractions_of_a_second_and_unknown_parameters_are_fine() {
        let query = ReadQuery::parse("&&wait=0.25&_=%ff&%ff=1", None).expect("valid");
        assert_eq!(query.wait, Duration::from_millis(250));
    }

    proptest! {
        #[test]
        fn no_query_panics(query: String, header: Option<String>) {
            let _ = ReadQuery::parse(&query, header.as_deref());
        }
    }
}
